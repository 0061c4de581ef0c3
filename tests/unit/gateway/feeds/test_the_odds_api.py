"""Documents of The Odds API: every bookmaker a provider, bad parts refused alone, nothing open that may be stale."""

from __future__ import annotations

import tracemalloc
from typing import Any

import orjson
import pytest

from gateway.feeds.reading import Reading
from gateway.feeds.the_odds_api import FORMAT, TheOddsApiAdapter
from gateway.feeds.validation import UpdateValidator
from markets.fixture import MarketStatus
from overround.feed.v1.feed_pb2 import FeedUpdate
from wire.feed import parse_quotes

FIRST, LATER = "2026-05-01T18:56:55Z", "2026-05-01T18:57:55Z"
FIXTURE = "the-odds-api:e912304de2b2ce35b473ce2ecd3d1502"


def market(key: str, *outcomes: tuple[str, float] | tuple[str, float, float]) -> dict[str, Any]:
    told = [dict(zip(("name", "price", "point"), outcome, strict=False)) for outcome in outcomes]
    return {"key": key, "last_update": FIRST, "outcomes": told}


H2H = market("h2h", ("Ajax", 2.1), ("Feyenoord", 3.6), ("Draw", 3.4))
TOTALS = market("totals", ("Over", 1.9, 2.5), ("Under", 1.95, 2.5))
SPREADS = market("spreads", ("Ajax", 2.0, -0.75), ("Feyenoord", 1.87, 0.75))


def bookmaker(*markets: dict[str, Any], key: str = "pinnacle", at: str = FIRST) -> dict[str, Any]:
    return {"key": key, "title": "Pinnacle", "last_update": at, "markets": list(markets)}


def event(*bookmakers: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": FIXTURE.partition(":")[2],
        "sport_key": "soccer_netherlands_eredivisie",
        "sport_title": "Dutch Eredivisie",
        "commence_time": "2026-05-01T19:00:00Z",
        "home_team": "Ajax",
        "away_team": "Feyenoord",
        "bookmakers": list(bookmakers),
    } | changes


def read(adapter: TheOddsApiAdapter, *events: Any) -> Reading:
    reading = adapter.read(orjson.dumps(events))
    for update in reading.updates:
        UpdateValidator().check(update)
    return reading


def told(update: FeedUpdate) -> dict[str, dict[str, int]]:
    quotes = parse_quotes(update.quotes)
    assert set(quotes.market_statuses.tolist()) <= {MarketStatus.OPEN}
    offsets = quotes.layout.offsets
    return {
        market_id: dict(
            zip(
                quotes.layout.outcome_ids_of(index),
                quotes.decimal_odds_milli[offsets[index] : offsets[index + 1]].tolist(),
                strict=True,
            )
        )
        for index, market_id in enumerate(quotes.layout.market_ids)
    }


def test_a_bookmaker_is_a_provider_and_what_it_quotes_is_in_our_words() -> None:
    reading = read(TheOddsApiAdapter(), event(bookmaker(H2H, TOTALS, SPREADS), bookmaker(H2H, key="unibet_nl")))
    first, second = reading.updates
    assert (first.provider_id, second.provider_id) == ("the-odds-api:pinnacle", "the-odds-api:unibet_nl")
    assert first.fixture_id == second.fixture_id == FIXTURE
    description = first.description
    assert (description.sport, description.competition) == ("football", "Dutch Eredivisie")
    assert (description.home_name, description.away_name) == ("Ajax", "Feyenoord")
    assert description.start_time_ms == 1_777_662_000_000
    assert told(first) == {
        "1x2": {"home": 2_100, "away": 3_600, "draw": 3_400},
        "total:2.5": {"over": 1_900, "under": 1_950},
        "handicap:-0.75": {"home": 2_000, "away": 1_870},
    }
    assert first.quotes.is_snapshot
    assert not reading.refusals


@pytest.mark.parametrize(
    ("sport_key", "sport", "market_ids"),
    [
        ("basketball_nba", "basketball", ["winner", "total_points:2.5", "points_handicap:-0.75"]),
        ("tennis_atp_french_open", "tennis", ["winner", "total_games:2.5", "games_handicap:-0.75"]),
        ("rugbyleague_nrl", "rugby-league", []),
    ],
)
def test_markets_are_those_of_the_sport(sport_key: str, sport: str, market_ids: list[str]) -> None:
    two_way = market("h2h", ("Ajax", 1.9), ("Feyenoord", 1.9))
    reading = read(TheOddsApiAdapter(), event(bookmaker(two_way, TOTALS, SPREADS), sport_key=sport_key))
    (update,) = reading.updates
    assert update.description.sport == sport
    assert list(update.quotes.market_ids) == market_ids
    assert reading.unknown_part_count == (0 if market_ids else 3)


def test_lines_of_one_market_are_markets() -> None:
    lines = market("alternate_totals", ("Over", 1.3, 1.5), ("Under", 3.4, 1.5), ("Over", 2.9, 3.5), ("Under", 1.4, 3.5))
    (update,) = read(TheOddsApiAdapter(), event(bookmaker(lines))).updates
    assert list(update.quotes.market_ids) == ["total:1.5", "total:3.5"]


def test_what_was_there_before_becomes_nothing_and_what_is_new_rises() -> None:
    adapter = TheOddsApiAdapter()
    (first,) = read(adapter, event(bookmaker(H2H))).updates
    assert read(adapter, event(bookmaker(H2H))) == Reading("the-odds-api", [], refusals=[])
    (second,) = read(adapter, event(bookmaker(TOTALS, at=LATER))).updates
    assert second.sequence > first.sequence
    assert list(second.quotes.market_ids) == ["total:2.5"]


def test_an_older_answer_is_refused_and_changes_nothing() -> None:
    adapter = TheOddsApiAdapter()
    read(adapter, event(bookmaker(TOTALS, at=LATER)))
    reading = read(adapter, event(bookmaker(H2H, at=FIRST)))
    assert [refusal.reason for refusal in reading.refusals] == ["OUT_OF_ORDER"]
    assert not reading.updates


@pytest.mark.parametrize(
    "bad",
    [
        market("h2h", ("Ajax", 2.1), ("Feyenoord", 3.6)),
        market("h2h", ("Ajax", 2.1), ("Feyenoord", 3.6), ("PSV", 3.4)),
        market("h2h", ("Ajax", 2.1), ("Ajax", 3.6), ("Draw", 3.4)),
        market("h2h", ("Ajax", 1.0), ("Feyenoord", 3.6), ("Draw", 3.4)),
        market("h2h", ("Ajax", -126), ("Feyenoord", 180), ("Draw", 220)),
        market("h2h", ("Ajax", 150), ("Feyenoord", 180), ("Draw", 220)),
        market("totals", ("Over", 1.9), ("Under", 1.95)),
        market("totals", ("Over", 1.9, 2.6), ("Under", 1.95, 2.6)),
        market("totals", ("Over", 1.9, 2.5), ("Under", 1.95, 3.5)),
        market("spreads", ("Ajax", 2.0, -0.75), ("Feyenoord", 1.87, -0.75)),
        {"key": "h2h"},
    ],
    ids=lambda bad: str(bad.get("outcomes", "none"))[:60],
)
def test_a_market_that_is_refused_is_not_offered_and_costs_no_other(bad: dict[str, Any]) -> None:
    adapter = TheOddsApiAdapter()
    btts = market("btts", ("Yes", 1.7), ("No", 2.1))
    read(adapter, event(bookmaker(H2H, TOTALS, SPREADS, btts)))
    reading = read(adapter, event(bookmaker(bad, btts, at=LATER)))
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    (update,) = reading.updates
    assert told(update) == {"btts": {"yes": 1_700, "no": 2_100}}
    assert update.quotes.is_snapshot


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_bookmaker_that_cannot_be_read_is_stopped_where_it_quoted(is_alone: bool) -> None:
    adapter = TheOddsApiAdapter()
    unread = {"key": "pinnacle", "last_update": "soon", "markets": []}
    assert not read(adapter, event(unread)).updates
    read(adapter, event(bookmaker(H2H)))
    others = [] if is_alone else [bookmaker(H2H, key="unibet_nl")]
    reading = read(adapter, event(unread, *others))
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert [(update.provider_id, update.HasField("bet_stop")) for update in reading.updates] == [
        ("the-odds-api:pinnacle", True),
        *([] if is_alone else [("the-odds-api:unibet_nl", False)]),
    ]
    (update,) = read(adapter, event(bookmaker(H2H, at=LATER), *others)).updates
    assert update.sequence > reading.updates[0].sequence


def names(reading: Reading) -> list[str]:
    """Return what each update does: "pinnacle quotes", "unibet_nl stops"."""
    return [
        f"{update.provider_id.partition(':')[2]} {'stops' if update.HasField('bet_stop') else 'quotes'}"
        for update in reading.updates
    ]


def test_a_bookmaker_that_is_missing_is_stopped_until_it_is_there_again() -> None:
    adapter, other = TheOddsApiAdapter(), bookmaker(H2H, key="unibet_nl")
    read(adapter, event(bookmaker(H2H), other))
    for _ in range(2):
        assert names(read(adapter, event(bookmaker(H2H)))) == ["unibet_nl stops"]
        assert names(read(adapter, event(bookmaker(H2H)))) == []
        assert names(read(adapter, event(bookmaker(H2H), other))) == ["unibet_nl quotes"]
    assert names(read(adapter, event(bookmaker(H2H), bookmaker(H2H, key="Unibet")))) == ["unibet_nl stops"]
    assert names(read(adapter, event())) == ["pinnacle stops"]


def test_what_was_stopped_is_told_anew_and_stopped_again_by_what_stopped_it() -> None:
    adapter = TheOddsApiAdapter()
    for _ in range(2):
        assert names(read(adapter, event(bookmaker(H2H)))) == ["pinnacle quotes"]
        assert names(read(adapter, event(bookmaker(H2H), sport_title=None))) == ["pinnacle stops"]


def test_prices_that_are_again_what_they_were_are_told_again() -> None:
    adapter = TheOddsApiAdapter()
    for lines in (H2H, TOTALS, H2H):
        assert names(read(adapter, event(bookmaker(lines)))) == ["pinnacle quotes"]


def test_prices_change_sides_with_the_teams() -> None:
    adapter = TheOddsApiAdapter()
    read(adapter, event(bookmaker(H2H)))
    (update,) = read(adapter, event(bookmaker(H2H), home_team="Feyenoord", away_team="Ajax")).updates
    assert told(update)["1x2"] == {"home": 3_600, "away": 2_100, "draw": 3_400}


@pytest.mark.parametrize(
    "twice",
    [
        [event(bookmaker(H2H), bookmaker(H2H, TOTALS))],
        [event(bookmaker(H2H)), event(bookmaker(TOTALS), home_team="PSV", away_team="AZ")],
    ],
    ids=["bookmaker", "event"],
)
def test_what_is_told_twice_in_a_document_is_shut(twice: list[Any]) -> None:
    reading = read(TheOddsApiAdapter(), *twice)
    assert names(reading) == ["pinnacle quotes", "pinnacle stops"]
    assert "once" in reading.refusals[0].message


def test_a_price_that_is_no_number_is_not_multiplied() -> None:
    bad = market("totals", ("Over", 1.9, 2.5), ("Under", 1.95, 2.5)) | {"outcomes": [{"name": "Over", "point": 2.5}]}
    bad["outcomes"][0]["price"] = "9" * 500_000
    raw = orjson.dumps([event(bookmaker(bad))])
    tracemalloc.start()
    try:
        reading = TheOddsApiAdapter().read(raw)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(raw)
    finally:
        tracemalloc.stop()
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]


@pytest.mark.parametrize(
    "changes",
    [
        {"home_team": "Feyenoord"},
        {"commence_time": "2026-05-01T19:00:00"},
        {"commence_time": "0001-01-01T00:00:00Z"},
        {"bookmakers": {}},
        {"sport_title": None},
    ],
    ids=str,
)
def test_an_event_that_cannot_be_read_is_stopped_for_all_that_quoted_it(changes: dict[str, Any]) -> None:
    adapter = TheOddsApiAdapter()
    read(adapter, event(bookmaker(H2H), bookmaker(H2H, key="unibet_nl")))
    other = event(bookmaker(H2H, at=LATER), id="other")
    reading = read(adapter, event(bookmaker(H2H, at=LATER)) | changes, other)
    assert [(update.fixture_id, update.HasField("bet_stop")) for update in reading.updates] == [
        (FIXTURE, True),
        (FIXTURE, True),
        ("the-odds-api:other", False),
    ]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'[{"id": 3}]', b"[" * 100, b'{"message": "Unauthorized"}'])
def test_what_is_no_document_is_refused(raw: bytes) -> None:
    reading = TheOddsApiAdapter().read(raw)
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert reading.updates in ((), [])


def test_a_document_is_as_old_as_its_newest_prices() -> None:
    raw = orjson.dumps([event(bookmaker(H2H), bookmaker(H2H, key="unibet_nl", at=LATER))])
    assert FORMAT.time_ms_of(raw) == 1_777_661_875_000
    assert FORMAT.time_ms_of(b"[]") is None
