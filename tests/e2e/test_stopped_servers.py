"""A server that stops: bets are refused with a clear reason, nothing hangs, and service resumes by itself."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import numpy as np
import pytest

from markets.layout import MarketLayout
from overround.bets.v1 import bet_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1.book_pb2 import MARKET_STATUS_OPEN as OPEN
from overround.odds.v1.book_pb2 import MARKET_STATUS_SUSPENDED as SUSPENDED
from tests.e2e.client import Bettor, Price, Prices, Refused, wait_for
from tests.e2e.pump import LAYOUT, OwnProvider, build_update
from tests.running_system import RunningSystem
from wire.feed import build_quotes

REFUSAL_LIMIT_S = 6.0
"""Three times what it takes where nothing else runs; a call that hangs takes as long as it may."""
STAKE_MINOR = 100


def any_price(prices: Prices, fixture_id: str) -> Price | None:
    return prices.price(fixture_id, "1x2", "home")


@pytest.mark.timeout(900)
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
        refused = wait_for(lambda: refusal(bettor, price, reasons), what=f"refusal for want of {server}", limit_s=60)
        assert refused.seconds < REFUSAL_LIMIT_S
        assert all(isinstance(bettor.place(price, stake_minor=STAKE_MINOR), Refused) for _ in range(3))
    finally:
        system.start(server)

    def accepted() -> bet_pb2.Bet | None:
        fresh = any_price(prices, live_fixture)
        answer = bettor.place(fresh, stake_minor=STAKE_MINOR) if fresh else None
        return answer if isinstance(answer, bet_pb2.Bet) else None

    wait_for(accepted, what=f"bet accepted after {server} came back", limit_s=180)


@pytest.mark.timeout(900)
def test_a_suspension_that_the_log_did_not_take_holds_when_the_broker_is_back(system: RunningSystem) -> None:
    settings = system.settings
    target = f"{settings.host}:{settings.ports.web}"
    prices, fixture_id = Prices(target), f"e2e:{uuid.uuid4().hex}"
    api_key = system.secrets.provider_api_keys["sim-alpha"]
    provider = OwnProvider(target, provider_id="sim-alpha", api_key=api_key)
    try:
        provider.push(build_update(fixture_id, 1))
        wait_for(lambda: prices.market_status(fixture_id, "total:2.5") == OPEN, what="both markets open")
        system.stop("kafka")
        try:
            provider.push(suspension(fixture_id))
            deadline_s = time.monotonic() + settings.kafka.delivery_timeout_ms / 1_000 + 2
            turn = 1
            while time.monotonic() < deadline_s:
                turn += 1
                provider.push(only_main(build_update(fixture_id, turn)))
                time.sleep(0.2)
        finally:
            system.start("kafka")
        provider.push(only_main(build_update(fixture_id, turn + 1)))
        provider.wait_until_acknowledged()
        time.sleep(3)  # for whatever comes late
        wait_for(lambda: prices.market_status(fixture_id, "1x2") == OPEN, what="main market open again", limit_s=180)
        assert prices.market_status(fixture_id, "total:2.5") == SUSPENDED
        assert prices.market_status(fixture_id, "1x2") == OPEN
    finally:
        provider.close()


def only_main(update: feed_pb2.FeedUpdate) -> feed_pb2.FeedUpdate:
    """Return an update that says nothing of the other market."""
    return quoting(update, "1x2", OPEN, (2_100, 3_400, 3_900))


def suspension(fixture_id: str) -> feed_pb2.FeedUpdate:
    """Return the one word that the other market is suspended."""
    return quoting(build_update(fixture_id, 1), "total:2.5", SUSPENDED, (0, 0))


def quoting(update: feed_pb2.FeedUpdate, market_id: str, status: int, odds_milli: Sequence[int]) -> feed_pb2.FeedUpdate:
    """Return an update with quotes of one market alone."""
    layout = MarketLayout.of_markets([(market_id, LAYOUT.outcome_ids_of(LAYOUT.market_index(market_id)))])
    update.quotes.CopyFrom(
        build_quotes(
            layout,
            market_statuses=np.array([status], dtype=np.uint8),
            decimal_odds_milli=np.array(odds_milli, dtype=np.uint32),
            is_snapshot=False,
        )
    )
    return update


def refusal(bettor: Bettor, price: Price, reasons: set[str]) -> Refused | None:
    """Return the refusal by one of the reasons; every answer on the way must come in time."""
    answer = bettor.place(price, stake_minor=STAKE_MINOR)
    if isinstance(answer, bet_pb2.Bet):
        return None
    assert answer.seconds < REFUSAL_LIMIT_S, answer
    return answer if answer.reason in reasons else None
