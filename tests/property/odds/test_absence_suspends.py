"""What must hold though nobody says anything: over a restart, past a start, behind a silent provider."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state, restore_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from odds.pricing.start_guard import StartGuard, may_be_on
from odds.pricing.suspension import next_change_us
from overround.odds.v1 import book_pb2
from streams.ports import EncodedPair
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import Bench
from tests.tries import tries
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation
from wire.topics import BOOKS, HEARTBEATS

NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
PROVIDERS = ("alpha", "bravo", "charlie")
LAYOUT = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under"))])
PRICES = np.array([2_100, 3_400, 3_600, 1_900, 1_950], dtype=np.uint32)
STATES = (None, *(MatchState(status) for status in FixtureStatus))
POLICY = PricingPolicy()

moments = st.integers(0, 120).map(lambda seconds: NOW_US + seconds * SECOND_US)
up = st.frozensets(st.sampled_from(PROVIDERS))


@st.composite
def updates(draw: st.DrawFn, fixture_id: str = "match") -> FixtureUpdate:
    statuses = np.array(draw(st.lists(st.integers(1, 3), min_size=2, max_size=2)), dtype=np.uint8)
    at_us = draw(moments)
    start_s = draw(st.sampled_from([None, 0, -30, 30, 90]))
    description = FixtureDescription(
        "football", start_time_ms=0 if start_s is None else NOW_US // 1_000 + start_s * 1_000
    )
    return FixtureUpdate(
        draw(st.sampled_from(PROVIDERS)),
        fixture_id,
        draw(st.integers(2, 50)),
        at_us,
        at_us,
        description=draw(st.sampled_from([None, description])),
        state=draw(st.sampled_from(STATES)),
        quotes=draw(st.sampled_from([None, Quotes(LAYOUT, statuses, PRICES, is_snapshot=True)])),
        bet_stop_market_ids=draw(st.sampled_from([None, None, (), ("1x2",)])),
    )


def folded(items: list[FixtureUpdate], fixture_id: str = "match") -> FixtureState:
    state = new_state(fixture_id)
    for item in items:
        state = fold(state, item)
    return state


def priced(state: FixtureState, up_providers: frozenset[str], now_us: int) -> Repricing:
    return price([state], up_providers=up_providers, policy=POLICY, now_us=now_us)[0]


def said(repricing: Repricing) -> tuple[list[int], list[int], list[int]]:
    book = repricing.state.book
    assert book is not None
    return book.market_statuses.tolist(), book.suspension_reasons.tolist(), book.decimal_odds_milli.tolist()


OPEN_QUOTES = Quotes(LAYOUT, np.full(2, MarketStatus.OPEN, dtype=np.uint8), PRICES, is_snapshot=True)
FIRST = FixtureUpdate("alpha", "match", 1, NOW_US, NOW_US, quotes=OPEN_QUOTES)
histories = st.lists(updates(), max_size=8).map(lambda items: [FIRST, *items])


@tries(200)
@given(histories, up, moments, up, moments)
def test_what_is_read_back_is_priced_as_what_was_lost(
    items: list[FixtureUpdate], up_then: frozenset[str], then_us: int, up_now: frozenset[str], now_us: int
) -> None:
    before = priced(folded(items), up_then, then_us)
    assert before.state.book is not None
    book = parse_book(book_pb2.Book.FromString(encode_book(before.state.book)))
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(before.explanation)))
    restored = restore_state("match", book, explanation)
    assert said(priced(restored, up_now, now_us)) == said(priced(before.state, up_now, now_us))


@tries(200)
@given(histories, up, moments)
def test_nothing_is_open_without_a_provider_that_is_heard_of(
    items: list[FixtureUpdate], up_providers: frozenset[str], now_us: int
) -> None:
    repricing = priced(folded(items), up_providers, now_us)
    book = repricing.state.book
    assert book is not None
    assert set(book.provider_ids) <= up_providers
    assert book.provider_ids or MarketStatus.OPEN not in book.market_statuses
    assert MarketStatus.OPEN not in np.array(said(priced(repricing.state, frozenset(), now_us))[0])


@tries(200)
@given(histories, moments, st.integers(0, 60))
def test_from_its_start_on_nothing_is_open_that_nobody_calls_in_play(
    items: list[FixtureUpdate], now_us: int, tolerance_s: int
) -> None:
    policy = PricingPolicy(start_guard=StartGuard(tolerance_us=tolerance_s * SECOND_US))
    state = folded(items)
    (repricing,) = price([state], up_providers=frozenset(PROVIDERS), policy=policy, now_us=now_us)
    book = repricing.state.book
    assert book is not None
    start_ms = state.description.start_time_ms if state.description is not None else 0
    status = state.state.status if state.state is not None else FixtureStatus.UNKNOWN
    if start_ms and now_us >= start_ms * 1_000 + tolerance_s * SECOND_US and status is not FixtureStatus.IN_PLAY:
        assert MarketStatus.OPEN not in book.market_statuses
    if MarketStatus.OPEN in book.market_statuses and start_ms and now_us >= start_ms * 1_000:
        assert may_be_on(status, start_time_ms=start_ms, now_us=now_us)


@tries(200)
@given(histories, up, moments, st.integers(1, 120 * SECOND_US))
def test_between_changes_that_are_foreseen_no_market_that_is_open_would_be_suspended(
    items: list[FixtureUpdate], up_providers: frozenset[str], now_us: int, passes_us: int
) -> None:
    """Providers that come and go, and what they say, apart."""
    repricing = priced(folded(items), up_providers, now_us)
    due_us = next_change_us(repricing.state, POLICY, now_us)
    later_us = now_us + passes_us if due_us is None else min(now_us + passes_us, due_us - 1)
    later = np.array(said(priced(repricing.state, up_providers, later_us))[0])
    assert np.all(later[np.array(said(repricing)[0]) == MarketStatus.OPEN] == MarketStatus.OPEN)


@tries(12)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), histories, min_size=1), moments, st.integers(0, 300))
def test_before_the_first_heartbeat_every_book_read_back_says_what_would_be_priced_now(
    histories_by_fixture: dict[str, list[FixtureUpdate]], then_us: int, away_s: int
) -> None:
    pairs, states = {}, {}
    for fixture_id, items in histories_by_fixture.items():
        before = priced(folded(items, fixture_id), frozenset(PROVIDERS), then_us)
        assert before.state.book is not None
        pairs[fixture_id] = EncodedPair(0, encode_book(before.state.book), encode_explanation(before.explanation))
        states[fixture_id] = before.state
    now_us = then_us + away_s * SECOND_US
    sent = asyncio.run(sent_by_a_successor(pairs, now_us))
    topics = [topic for topic, _, _ in sent]
    vouched = {key: value for topic, key, value in sent[: topics.index(HEARTBEATS.name)] if topic == BOOKS.name}
    assert vouched.keys() == pairs.keys()
    for fixture_id, raw in vouched.items():
        book = parse_book(book_pb2.Book.FromString(raw or b""))
        wanted = priced(states[fixture_id], frozenset(), now_us)
        assert (book.market_statuses.tolist(), book.suspension_reasons.tolist()) == said(wanted)[:2]


async def sent_by_a_successor(pairs: dict[str, EncodedPair], now_us: int) -> list[tuple[str, str, bytes | None]]:
    bench = Bench(POLICY)
    bench.published.pairs, bench.clock.time_us = pairs, now_us
    await bench.start()
    await eventually(lambda: bool(bench.outlet.values_of(HEARTBEATS.name)))
    await bench.stop()
    return bench.outlet.sent
