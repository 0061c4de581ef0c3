"""The house opens a match by past results alone, before any provider has quoted it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest

from tests.e2e.client import Prices, wait_for
from tests.e2e.conftest import Overround
from tests.running_system import RunningSystem

TEAMS = ("Ashby", "Borton", "Corley", "Denby")
FIXTURE_ID = "e2e:opened"
BOOK_LIMIT_S = 12.0  # a provider that falls silent counts as down a little later


@pytest.mark.timeout(300)
def test_a_match_opens_by_past_results(system: RunningSystem, overround: Overround, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    past, fixtures = tmp_path / "past.csv", tmp_path / "fixtures.csv"
    days = [(now - timedelta(days=7 * ago)).date() for ago in range(1, 6)]
    # Ashby beats everybody, in turn by one goal and by two.
    lines = [
        f"{day},{home},{away},{1 + (home == 'Ashby') * (1 + turn % 2)},{1 + 2 * (away == 'Ashby')}"
        for turn, day in enumerate(days)
        for home, away in permutations(TEAMS, 2)
    ]
    past.write_text("\n".join(["Date,HomeTeam,AwayTeam,FTHG,FTAG", *lines]), encoding="utf-8")
    start = now + timedelta(days=2)
    fixtures.write_text(
        f"FixtureId,Date,Time,HomeTeam,AwayTeam\n{FIXTURE_ID},{start:%Y-%m-%d},{start:%H:%M},Ashby,Denby\n"
    )
    told = overround(system.settings)("open-prices", past, "--fixtures", fixtures, "--hold-s", "5").stdout
    assert "1 opened" in told
    prices = Prices(f"{system.settings.host}:{system.settings.ports.web}")
    home, away = (
        wait_for(partial(prices.price, FIXTURE_ID, "1x2", outcome), what=f"price of {outcome}", limit_s=BOOK_LIMIT_S)
        for outcome in ("home", "away")
    )
    assert home.decimal_odds_milli < away.decimal_odds_milli
    book = prices.book(FIXTURE_ID)
    assert book is not None
    assert list(book.provider_ids) == ["house"]
