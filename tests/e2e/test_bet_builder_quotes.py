"""A bet builder asked for while the prices of its match move several times a second."""

from __future__ import annotations

import pytest

from tests.e2e.client import Prices, wait_for
from tests.running_system import RunningSystem

ASKED = 20


@pytest.mark.timeout(300)
def test_legs_of_a_live_book_are_quoted_together(system: RunningSystem, live_fixture: str) -> None:
    prices = Prices(f"{system.settings.host}:{system.settings.ports.web}")
    wait_for(lambda: prices.price(live_fixture, "1x2", "home"), what="open market")
    for _ in range(ASKED):
        together = prices.together(live_fixture, ("1x2", "home"), ("total:2.5", "over"))
        odds_milli = [prices.price(live_fixture, *leg) for leg in (("1x2", "home"), ("total:2.5", "over"))]
        home, over = (price.decimal_odds_milli for price in odds_milli if price is not None)
        # Within what the price of the home side moves: 2.00 to 2.08 as quoted.
        assert max(home, over) < together < 0.95 * home * over / 1_000
