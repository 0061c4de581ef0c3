"""Which tests run one after the other where several workers share them: those of a file, and all that need the log.

A test that holds the broker still, or that hears whether anybody prices, cannot stand others on the log beside it.
"""

from __future__ import annotations

import pytest

THE_LOG = "log"
WITHOUT_THE_LOG = frozenset(
    f"test_{name}.py"
    for name in (
        *("audit", "audit_columns", "bet_ledger", "ledger_model", "ledger_positions", "parked_model"),
        *("settlement_ledger", "players_and_bets_stored", "redis_exposure", "history_tables"),
        *("envoy_edge", "process_health", "supervised_system"),
    )
)


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say of each test with which others it runs."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        group = item.path.name if item.path.name in WITHOUT_THE_LOG else THE_LOG
        item.add_marker(pytest.mark.xdist_group(group))
