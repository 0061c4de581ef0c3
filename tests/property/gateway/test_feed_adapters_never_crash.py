"""Whatever bytes a provider sends, its adapter answers with updates the log may have, or with refusals."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.formats import FORMATS
from gateway.feeds.reading import FeedAdapter
from gateway.feeds.the_odds_api import TheOddsApiAdapter
from gateway.feeds.uof import UofAdapter
from gateway.feeds.validation import UpdateValidator
from overround.odds.v1.book_pb2 import MarketStatus

REASONS = {"MALFORMED", "OVERSIZED", "OUT_OF_ORDER", "DUPLICATE", "UNKNOWN_MESSAGE"}

texts = st.text(st.characters(codec="utf-8"), max_size=8)
odd_values: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
odd_things = odd_values | st.lists(odd_values, max_size=2) | st.dictionaries(texts, odd_values, max_size=2)

numbers = st.one_of(st.integers(-2, 12), st.floats(0, 1_100), odd_values)
deltas = st.lists(st.lists(numbers, min_size=2, max_size=3), max_size=4)
runner_changes = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from([1, 2, 3]) | odd_things,
        "atb": deltas | odd_things,
        "batb": deltas,
        "bdatb": deltas,
        "ltp": numbers,
        "hc": numbers,
    },
)
runners = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from([1, 2, 3]) | odd_things,
        "status": st.sampled_from(["ACTIVE", "WINNER", "LOSER", "REMOVED"]) | odd_things,
        "sortPriority": st.integers(0, 3) | odd_things,
        "bsp": numbers,
        "name": odd_things,
        "adjustmentFactor": numbers,
        "removalDate": st.just("2026-01-02T11:00:00.000Z") | odd_things,
    },
)
definitions = st.fixed_dictionaries(
    {
        "eventId": st.just("7") | odd_things,
        "marketType": st.sampled_from(["MATCH_ODDS", "WIN", "PLACE"]) | odd_things,
        "marketTime": st.just("2026-01-02T12:00:00.000Z") | odd_things,
        "status": st.sampled_from(["OPEN", "SUSPENDED", "CLOSED"]) | odd_things,
        "runners": st.lists(runners, max_size=3) | odd_things,
    },
    optional={
        "eventTypeId": st.sampled_from(["1", "7"]) | odd_things,
        "inPlay": odd_things,
        "numberOfWinners": st.integers(0, 3) | odd_things,
        "eventName": odd_things,
        "bettingType": st.just("ODDS") | odd_things,
    },
)
changes = st.fixed_dictionaries(
    {"id": st.sampled_from(["1.1", "1.2"]) | odd_things},
    optional={
        "marketDefinition": definitions | odd_things,
        "rc": st.lists(runner_changes, max_size=3) | odd_things,
        "img": odd_values,
    },
)
messages = st.fixed_dictionaries(
    {"op": st.just("mcm") | odd_things, "pt": st.integers(-1, 20) | odd_things},
    optional={
        "mc": st.lists(changes, max_size=3) | odd_things,
        "ct": st.just("HEARTBEAT") | odd_things,
        "status": st.just(503) | odd_things,
    },
)

NAMES = """
    odds_change bet_stop bet_settlement bet_cancel rollback_bet_cancel rollback_bet_settlement fixture_change alive
    product_down snapshot_complete fixtures_fixture x odds outcomes market outcome sport_event_status clock statistics
    fixture red_cards
"""
ATTRIBUTES = """
    product event_id timestamp id status odds active result void_factor specifiers match_time home home_score certainty
    start_time end_time change_type generated_at
"""
VALUES = ["0", "1", "3", "-1", "2.5", "1e9", "sr:match:7", "a=1|b=2", "12:30", "2026-01-01T00:00:00Z", "٣"]
names = st.sampled_from(NAMES.split())
attributes = st.dictionaries(
    st.sampled_from(ATTRIBUTES.split()),
    st.sampled_from(VALUES) | st.text("0123456789.:-+eEx|= ", max_size=24),
    max_size=7,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(names)
    pairs = "".join(f' {key}="{value}"' for key, value in draw(attributes).items())
    children = draw(st.lists(elements(depth=depth - 1), max_size=3)) if depth else []
    return f"<{name}{pairs}>{''.join(children)}</{name}>"


def expect_sound(adapter: FeedAdapter, raws: list[bytes]) -> None:
    last_sequence: dict[str, int] = {}
    validator = UpdateValidator()
    for raw in raws:
        reading = adapter.read(raw)
        assert {refusal.reason for refusal in reading.refusals} <= REASONS
        for update in reading.updates:
            assert update.sequence > last_sequence.get(update.provider_id, -1)
            last_sequence[update.provider_id] = update.sequence
            validator.check(update)


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes_are_answered(raws: list[bytes]) -> None:
    for known in FORMATS.values():
        expect_sound(known.new_adapter(), [*raws, *(known.begins_with + raw for raw in raws)])


@given(st.lists(elements(), max_size=4))
def test_any_document_of_the_odds_feed_is_answered(documents: list[str]) -> None:
    expect_sound(UofAdapter(), [document.encode() for document in documents])


NESTED = "[" * 1_015 + "]" * 1_015
"""As deep as is read at all; nothing may look into it by a call a level."""
BOOKMAKERS = ("pinnacle", "unibet_nl")
DOCUMENT_PLACES = (
    *("sport_key", "sport_title", "commence_time", "home_team", "away_team", "bookmakers"),
    *(f"bookmakers {place}{rest}" for place in range(2) for rest in ("", " key", " last_update", " title", " markets")),
    *("bookmakers 0 markets 0", "bookmakers 0 markets 0 key", "bookmakers 0 markets 0 outcomes"),
    *(f"bookmakers 1 markets 0 outcomes 2{rest}" for rest in ("", " name", " price")),
)


def document(number: int) -> list[Any]:
    """Return a document of which no other has the prices."""
    prices = {"Ajax": 2.0 + number / 100, "Feyenoord": 3.0 + number / 100, "Draw": 4.0 + number / 100}
    outcomes = [{"name": name, "price": price} for name, price in prices.items()]
    at = f"2026-05-01T18:{number:02}:00Z"
    return [
        {
            "id": "7",
            "sport_key": "soccer_netherlands_eredivisie",
            "sport_title": "Dutch Eredivisie",
            "commence_time": "2026-05-01T19:00:00Z",
            "home_team": "Ajax",
            "away_team": "Feyenoord",
            "bookmakers": [
                {"key": key, "title": key, "last_update": at, "markets": [{"key": "h2h", "outcomes": [*outcomes]}]}
                for key in BOOKMAKERS
            ],
        }
    ]


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(DOCUMENT_PLACES), st.none() | odd_things.map(json.dumps) | st.just(NESTED)),
            max_size=2,
        ),
        max_size=4,
    )
)
def test_a_document_of_prices_leaves_none_open_that_an_older_one_told(
    breaks: list[list[tuple[str, str | None]]],
) -> None:
    adapter, shown = TheOddsApiAdapter(), dict[str, set[int]]()
    last_sequence = dict[str, int]()
    for number, broken in enumerate([[], *breaks], 1):
        told = document(number)
        raws = dict[str, str]()
        for where, change in broken:
            break_at(told[0], where.split(), change, raws)
        raw = json.dumps(told)
        for mark, change in raws.items():
            raw = raw.replace(f'"{mark}"', change)
        reading = adapter.read(raw.encode())
        assert {refusal.reason for refusal in reading.refusals} <= REASONS
        for update in reading.updates:
            UpdateValidator().check(update)
            assert update.sequence > last_sequence.get(update.provider_id, -1)
            last_sequence[update.provider_id] = update.sequence
            odds = np.frombuffer(update.quotes.decimal_odds_milli, "<u4").tolist()
            shown[update.provider_id] = set() if update.HasField("bet_stop") else set(odds)
        older = {whole * 1_000 + before * 10 for whole in (2, 3, 4) for before in range(1, number)}
        assert older.isdisjoint(set().union(*shown.values()))


def break_at(told: Any, path: list[str], change: str | None, raws: dict[str, str]) -> None:
    """Put a mark for raw JSON where a path leads, or take away what is there for None."""
    *before, last = (int(step) if step.isdecimal() else step for step in path)
    mark = f"mark {len(raws)}"
    try:
        for step in before:
            told = told[step]
        told[last] = mark
    except (LookupError, TypeError):
        return  # what was broken before has no such place any more
    if change is None:
        del told[last]
    else:
        raws[mark] = change


PLAYING = '<sport_event_status status="1" match_status="6" home_score="{}" away_score="0">{}</sport_event_status>'
PRICES = "".join(
    f'<market id="{number}"><outcome id="{first}" odds="1.9"/><outcome id="{second}" odds="1.95"/></market>'
    for number, first, second in ((29, 74, 76), (11, 4, 5), (900, 1, 2))
)
bad_values = st.sampled_from(["x", "-1", "-9", "9e9", "1000:05", "a=b=c", "a b", "٣", ""]) | st.text(
    "0123456789.:-+eEx|= ", max_size=12
)


@st.composite
def goals(draw: st.DrawFn) -> str:
    """A goal, told with new prices of some of the markets, with parts gone wrong."""
    markets = ""
    for number in draw(st.lists(st.sampled_from(["29", "11", "900", "18"]), max_size=4)):
        broken = draw(st.dictionaries(st.sampled_from(["id", "specifiers", "status"]), bad_values, max_size=1))
        named = "".join(f' {key}="{value}"' for key, value in ({"id": number} | broken).items())
        odds = draw(st.sampled_from(["1.5", "12000", "-1", "NaN", "x"]))
        markets += f'<market{named}><outcome id="74" odds="{odds}"/><outcome id="76" odds="2.5"/></market>'
    clock = draw(st.just('<clock match_time="11:00"/>') | bad_values.map(lambda text: f'<clock match_time="{text}"/>'))
    status = PLAYING.format(draw(st.just("1") | bad_values), clock)
    return f'<odds_change product="1" event_id="sr:match:7" timestamp="2">{status}<odds>{markets}</odds></odds_change>'


@given(goals())
def test_what_a_goal_message_does_not_tell_soundly_is_not_left_open(text: str) -> None:
    adapter = UofAdapter()
    before = f'<odds_change product="1" event_id="sr:match:7" timestamp="1">{PLAYING.format(0, "")}'
    adapter.read(f"{before}<odds>{PRICES}</odds></odds_change>".encode())
    reading = adapter.read(text.encode())
    if not reading.refusals:
        return
    *stops, update = reading.updates
    quoted = dict(zip(update.quotes.market_ids, update.quotes.market_statuses, strict=True))
    assert update.is_state_refused or not update.state.is_score_unknown
    assert not update.is_state_refused or MarketStatus.MARKET_STATUS_OPEN not in quoted.values()
    if update.is_state_refused or any(stop.HasField("bet_stop") for stop in stops):
        return
    named = re.findall(r'<market[^>]* id="(29|11|900)"', text)
    names = {"29": "btts", "11": "draw_no_bet", "900": "uof:900"}
    assert {names[number] for number in named if 'specifiers="' not in text} <= quoted.keys()


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds all these strategies
@given(st.lists(messages, max_size=5))
def test_any_message_of_the_exchange_is_answered(items: list[Any]) -> None:
    expect_sound(BetfairAdapter(), [json.dumps(item).encode() for item in items])


RUNNERS = (1, 2, 3)
OPEN, SUSPENDED = MarketStatus.MARKET_STATUS_OPEN, MarketStatus.MARKET_STATUS_SUSPENDED
soundly_told = st.tuples(st.sampled_from(RUNNERS), st.sampled_from([None, 2.0, 2.5, 3.0, 9.9]))
"""A runner, and what its best price becomes; None for none."""
badly_told = st.tuples(
    st.sampled_from(RUNNERS), st.sampled_from([[0, 1001, 5], [0, "2", 5], [0, 2.0, -1], [0, 2.0], [0, None, 1]])
)
"""A runner, and what its best price is said to be in a way nobody can read."""


@given(st.lists(st.lists(st.tuples(st.booleans(), soundly_told, badly_told), min_size=1, max_size=4), max_size=8))
def test_a_bad_part_costs_no_other_and_leaves_no_price_open_that_may_be_stale(
    lines: list[list[tuple[bool, tuple[int, float | None], tuple[int, list[Any]]]]],
) -> None:
    adapter = BetfairAdapter()
    definition = {
        "eventId": "7",
        "marketType": "MATCH_ODDS",
        "marketTime": "2026-01-02T12:00:00.000Z",
        "status": "OPEN",
        "runners": [{"id": id_, "status": "ACTIVE"} for id_ in RUNNERS],
    }
    known: dict[int, float | None] = dict.fromkeys(RUNNERS, 1.5)
    first = [{"id": id_, "batb": [[0, 1.5, 1]]} for id_ in RUNNERS]
    shown = None
    for time_ms, parts in enumerate([[], *lines]):
        change: dict[str, Any] = {"id": "1.1", "rc": []} if time_ms else {"marketDefinition": definition, "rc": first}
        for is_sound, (runner_id, price), (bad_id, delta) in parts:
            if is_sound:
                change["rc"].append({"id": runner_id, "batb": [[0, price or 0, 1 if price else 0]]})
                known[runner_id] = price
            else:
                change["rc"].append({"id": bad_id, "batb": [delta]})
                known.pop(bad_id, None)
        raw = json.dumps({"op": "mcm", "pt": time_ms, "mc": [{"id": "1.1"} | change]}).encode()
        for update in adapter.read(raw).updates:
            UpdateValidator().check(update)
            shown = update.quotes
        assert shown is not None
        odds = dict(zip(RUNNERS, np.frombuffer(shown.decimal_odds_milli, "<u4").tolist(), strict=True))
        assert {id_: odds[id_] for id_ in known} == {id_: round(1000 * (price or 0)) for id_, price in known.items()}
        is_doubtful = len(known) < len(RUNNERS)
        if any(odds.values()):
            assert shown.market_statuses == bytes([SUSPENDED if is_doubtful else OPEN])


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 2)), max_size=4)))
)
def test_the_best_price_is_that_of_the_whole_ladder(steps: list[tuple[int, list[tuple[int, int]]]]) -> None:
    adapter = BetfairAdapter()
    definition = {
        "eventId": "7",
        "marketType": "MATCH_ODDS",
        "marketTime": "2026-01-02T12:00:00.000Z",
        "status": "OPEN",
        "runners": [{"id": 1, "status": "ACTIVE"}, {"id": 2, "status": "ACTIVE"}],
    }
    adapter.read(json.dumps({"op": "mcm", "pt": 0, "mc": [{"id": "1.1", "marketDefinition": definition}]}).encode())
    ladders: dict[int, dict[int, int]] = {1: {}, 2: {}}
    shown = bytes(8)
    for time_ms, (runner_id, delta) in enumerate(steps, start=1):
        change = {"id": "1.1", "rc": [{"id": runner_id, "atb": delta}]}
        reading = adapter.read(json.dumps({"op": "mcm", "pt": time_ms, "mc": [change]}).encode())
        ladders[runner_id] |= dict(delta)
        for update in reading.updates:
            assert update.quotes.decimal_odds_milli != shown
            shown = update.quotes.decimal_odds_milli
        best = [max((price for price, size in ladders[id_].items() if size), default=0) for id_ in (1, 2)]
        assert shown == b"".join((price * 1000).to_bytes(4, "little") for price in best)
