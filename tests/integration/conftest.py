"""Which tests run one after the other where several workers share them: those of a file, and all that need the log.

A test that holds the broker still, or that hears whether anybody prices, cannot stand others on the log beside it; one
that has Redis forget its scripts cannot stand bets beside it.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

THE_LOG: Final = "log"
WITHOUT_THE_LOG: Final = frozenset(
    f"test_{name}.py"
    for name in (
        *("audit", "audit_columns", "bet_ledger", "ledger_model", "ledger_positions", "parked_model"),
        *("settlement_ledger", "history_tables", "envoy_edge", "process_health", "supervised_system"),
        *("bet_claims", "claims_model", "permit_and_ledger", "posting", "deposits"),
    )
)


class InLanes(LoadScopeScheduling):  # type: ignore[misc] # it comes without types
    """Hands out whole lanes: the tests of the log are one, those of every other file one each."""

    # Groups by marker are no way: the names they give tests are passed over by pytest since 9.2.
    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)


def lane_of(nodeid: str) -> str:
    """Return the lane of a test by its name."""
    file = PurePosixPath(nodeid.partition("::")[0]).name
    return file if file in WITHOUT_THE_LOG else THE_LOG


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InLanes:
    """Let several workers share the tests lane by lane."""
    return InLanes(config, log)
