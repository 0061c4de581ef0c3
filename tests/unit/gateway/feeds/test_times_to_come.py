"""A message stamped with a time that is yet to come makes none of those after it late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.ordering import STAMP_AHEAD_MS_MAX, TIME_MS_MAX, expect_stamped
from gateway.feeds.reading import FeedAdapter
from gateway.feeds.refusals import MessageMalformed
from gateway.feeds.the_odds_api import TheOddsApiAdapter
from gateway.feeds.uof import UofAdapter
from tests.builders.betfair_lines import definition, line, prices
from tests.fakes.fake_clock import FakeClock

NOW_MS = 1_780_000_000_000
AHEAD_MS = 10 * 365 * 86_400_000


def betfair(time_ms: int, odds: float) -> bytes:
    return line(time_ms, img=True, marketDefinition=definition(), rc=[prices(11, batb=[[0, odds, 100]])])


def uof(time_ms: int, odds: float) -> bytes:
    outcomes = "".join(f'<outcome id="{number}" odds="{odds}"/>' for number in (1, 2, 3))
    market = f'<odds><market id="1" status="1">{outcomes}</market></odds>'
    return f'<odds_change product="1" event_id="sr:match:7" timestamp="{time_ms}">{market}</odds_change>'.encode()


def the_odds_api(time_ms: int, odds: float) -> bytes:
    names = ("Ajax", "Feyenoord", "Draw")
    market = {"key": "h2h", "outcomes": [{"name": name, "price": odds} for name in names]}
    told = datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat()
    event = {
        "id": "a" * 32,
        "sport_key": "soccer_netherlands_eredivisie",
        "sport_title": "Dutch Eredivisie",
        "commence_time": "2027-05-01T19:00:00Z",
        "home_team": "Ajax",
        "away_team": "Feyenoord",
        "bookmakers": [{"key": "pinnacle", "title": "Pinnacle", "last_update": told, "markets": [market]}],
    }
    return orjson.dumps([event])


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (BetfairAdapter(FakeClock(NOW_MS * 1_000)), betfair),
        (UofAdapter(FakeClock(NOW_MS * 1_000)), uof),
        (TheOddsApiAdapter(FakeClock(NOW_MS * 1_000)), the_odds_api),
    ],
    ids=["betfair", "uof", "the odds api"],
)
def test_what_comes_behind_a_message_of_the_future_is_taken(
    adapter: FeedAdapter, message: Callable[[int, float], bytes]
) -> None:
    assert not adapter.read(message(NOW_MS - 3_000, 2.5)).refusals
    assert [refusal.reason for refusal in adapter.read(message(NOW_MS + AHEAD_MS, 2.6)).refusals] == ["MALFORMED"]
    behind = adapter.read(message(NOW_MS - 1_000, 2.7))
    assert not behind.refusals
    (update,) = behind.updates
    assert update.provider_time_ms == NOW_MS - 1_000
    assert int.from_bytes(update.quotes.decimal_odds_milli[:4], "little") == 2_700


@pytest.mark.parametrize("time_ms", [-1, NOW_MS + STAMP_AHEAD_MS_MAX + 1, TIME_MS_MAX + 1])
def test_a_time_stamp_is_of_the_past_or_a_clock_a_little_wrong(time_ms: int) -> None:
    with pytest.raises(MessageMalformed):
        expect_stamped(time_ms, now_us=NOW_MS * 1_000)
    assert expect_stamped(NOW_MS + STAMP_AHEAD_MS_MAX, now_us=NOW_MS * 1_000) == NOW_MS + STAMP_AHEAD_MS_MAX
