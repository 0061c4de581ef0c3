"""What must hold for any quotes in any order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.ladder.steps import FINE_LADDER
from odds.margin.methods import MarginMethod
from odds.margin.quoting import quote_rows
from odds.margin.removal import remove_margin
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from tests.tries import tries

NOW_US = 1_800_000_000_000_000
FLOAT32_STEP = 2e-7
NEAR_CERTAINTY = 0.9
PROVIDERS = ("alpha", "bravo", "charlie")
LAYOUTS = (
    MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("btts", ("yes", "no"))]),
    MarketLayout.of_markets([("btts", ("yes", "no")), ("win", tuple("abcdefgh")), ("uof:1", ("only",))]),
    MarketLayout.of_markets([("double_chance", ("1x", "12", "x2"))]),
)


@st.composite
def odds_rows(draw: st.DrawFn) -> NDArray[np.float64]:
    """Books of one width that a provider could offer: chances of any size, a margin on top or a little missing."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(2, 12)))
    weights = draw(hnp.arrays(np.float64, shape, elements=st.floats(0.01, 1.0)))
    overround = draw(st.floats(0.9, 1.5))
    chances = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(1.0 / np.minimum(chances * overround, 0.99))


@st.composite
def updates(draw: st.DrawFn, fixture_id: str = "match") -> FixtureUpdate:
    layout = draw(st.sampled_from(LAYOUTS))
    odds = draw(st.lists(st.integers(0, 60_000), min_size=layout.outcome_count, max_size=layout.outcome_count))
    statuses = draw(st.lists(st.integers(1, 6), min_size=layout.market_count, max_size=layout.market_count))
    quoted = Quotes(layout, np.array(statuses, np.uint8), np.array(odds, np.uint32), draw(st.booleans()))
    at_us = NOW_US + draw(st.integers(0, 10**8))
    provider_id = draw(st.sampled_from(PROVIDERS))
    bet_stop = draw(st.sampled_from([None, None, (), ("btts",)]))
    sequence = draw(st.integers(1, 12))
    return FixtureUpdate(provider_id, fixture_id, sequence, at_us, at_us, quotes=quoted, bet_stop_market_ids=bet_stop)


@given(odds_rows(), st.floats(1.0, 1.5))
def test_a_rounded_book_keeps_at_least_its_overround(decimal_odds: NDArray[np.float64], overround: float) -> None:
    fair = remove_margin(decimal_odds, method=MarginMethod.POWER, is_underround_solved=True)
    assert fair.is_solved.all()
    quoted = quote_rows(fair.probabilities, overrounds=np.full(len(decimal_odds), overround), ladder=FINE_LADDER)
    assert np.all(quoted.overrounds[quoted.flags == 0] >= overround - 1e-9)
    assert np.all((quoted.decimal_odds_milli > 0).any(axis=1) == (quoted.flags == 0))


def fold_all(items: list[FixtureUpdate]) -> FixtureState:
    state = new_state("match")
    for item in items:
        state = fold(state, item)
    return state


def columns(state: FixtureState) -> list[object]:
    book = state.book
    assert book is not None
    arrays = (book.market_statuses, book.suspension_reasons, book.decimal_odds_milli)
    return [book.layout.market_ids, *(array.tolist() for array in arrays)]


@tries(60)
@given(st.lists(updates(), min_size=1, max_size=8), st.data())
def test_updates_delivered_again_change_nothing(items: list[FixtureUpdate], data: st.DataObject) -> None:
    state = fold_all(items)
    repeated = data.draw(st.lists(st.sampled_from(items), max_size=6))
    for item in repeated:
        assert fold(state, item) is state


@tries(60)
@given(st.lists(updates(), min_size=1, max_size=8), st.lists(st.integers(-(10**9), 10**9), min_size=8, max_size=8))
def test_versions_rise_strictly_whatever_the_clock_does(items: list[FixtureUpdate], steps: list[int]) -> None:
    state = new_state("match")
    for item, step in zip(items, steps, strict=False):
        (repricing,) = price(
            [fold(state, item)], up_providers=frozenset(PROVIDERS), policy=PricingPolicy(), now_us=NOW_US + step
        )
        assert (repricing.state.version > state.version) == repricing.is_book_new
        state = repricing.state


@tries(60)
@given(st.lists(st.lists(updates(), min_size=1, max_size=4), min_size=1, max_size=5))
def test_a_batch_comes_to_the_same_as_one_by_one(groups: list[list[FixtureUpdate]]) -> None:
    states = [fold_all(group) for group in groups]
    policy, up_providers = PricingPolicy(), frozenset(PROVIDERS)
    together = price(states, up_providers=up_providers, policy=policy, now_us=NOW_US)
    for state, batched in zip(states, together, strict=True):
        (alone,) = price([state], up_providers=up_providers, policy=policy, now_us=NOW_US)
        assert columns(alone.state) == columns(batched.state)


@tries(60)
@given(st.lists(updates(), min_size=1, max_size=6))
def test_every_open_market_keeps_its_overround_and_every_other_says_why(items: list[FixtureUpdate]) -> None:
    (repricing,) = price([fold_all(items)], up_providers=frozenset(PROVIDERS), policy=PricingPolicy(), now_us=NOW_US)
    book = repricing.state.book
    assert book is not None
    is_open = book.market_statuses == 1
    assert np.all((book.suspension_reasons > 0) == (book.market_statuses == 2))
    explanation = repricing.explanation
    wanted = explanation.wanted_overrounds.astype(np.float64)
    assert np.all(explanation.overrounds[is_open] >= wanted[is_open] - FLOAT32_STEP)
    likeliest = np.maximum.reduceat(np.nan_to_num(explanation.fair_probabilities), book.layout.offsets[:-1])
    is_as_ever = is_open & (likeliest < NEAR_CERTAINTY)
    assert np.all(np.abs(wanted[is_as_ever] - 1.05) <= FLOAT32_STEP)
    assert np.all(wanted[is_open] >= 1.0)


def test_beside_a_near_certainty_a_book_sums_to_less_and_keeps_that() -> None:
    layout = LAYOUTS[0]
    quoted = Quotes(layout, np.ones(2, np.uint8), np.array([0, 0, 0, 1_001, 1_664], np.uint32), is_snapshot=False)
    state = fold_all([FixtureUpdate("alpha", "match", 1, NOW_US, NOW_US, quotes=quoted)])
    (repricing,) = price([state], up_providers=frozenset(PROVIDERS), policy=PricingPolicy(), now_us=NOW_US)
    wanted, kept = repricing.explanation.wanted_overrounds[1], repricing.explanation.overrounds[1]
    assert 1.0 < wanted < 1.02
    assert kept >= wanted - FLOAT32_STEP
