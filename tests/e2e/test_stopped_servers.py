"""A server that stops: bets are refused with a clear reason, nothing hangs, and service resumes by itself."""

from __future__ import annotations

import pytest

from overround.bets.v1 import bet_pb2
from tests.e2e.client import Bettor, Price, Prices, Refused, wait_for
from tests.running_system import RunningSystem

REFUSAL_LIMIT_S = 2.0
STAKE_MINOR = 100


def any_price(prices: Prices, fixture_id: str) -> Price | None:
    return prices.price(fixture_id, "1x2", "home")


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("server", "reasons"),
    [
        ("kafka", {"PRICING_UNAVAILABLE"}),
        ("postgres", {"LEDGER_UNAVAILABLE"}),
        ("redis", {"RISK_UNAVAILABLE", "SESSIONS_UNAVAILABLE"}),
    ],
)
def test_bets_are_refused_clearly_while_a_server_is_stopped(
    system: RunningSystem, live_fixture: str, server: str, reasons: set[str]
) -> None:
    settings = system.settings
    target = f"{settings.host}:{settings.ports.web}"
    prices, bettor = Prices(target), Bettor(target, deposit_minor=100_000)
    price = wait_for(lambda: any_price(prices, live_fixture), what="price to bet on")
    assert isinstance(bettor.place(price, stake_minor=STAKE_MINOR), bet_pb2.Bet)

    system.stop(server)
    try:
        refused = wait_for(lambda: refusal(bettor, price, reasons), what=f"refusal for want of {server}", limit_s=15)
        assert refused.seconds < REFUSAL_LIMIT_S
        assert all(isinstance(bettor.place(price, stake_minor=STAKE_MINOR), Refused) for _ in range(3))
    finally:
        system.start(server)

    def accepted() -> bet_pb2.Bet | None:
        fresh = any_price(prices, live_fixture)
        answer = bettor.place(fresh, stake_minor=STAKE_MINOR) if fresh else None
        return answer if isinstance(answer, bet_pb2.Bet) else None

    wait_for(accepted, what=f"bet accepted after {server} came back", limit_s=60)


def refusal(bettor: Bettor, price: Price, reasons: set[str]) -> Refused | None:
    """Return the refusal by one of the reasons; every answer on the way must come in time."""
    answer = bettor.place(price, stake_minor=STAKE_MINOR)
    if isinstance(answer, bet_pb2.Bet):
        return None
    assert answer.seconds < REFUSAL_LIMIT_S, answer
    return answer if answer.reason in reasons else None
