"""Whatever providers quote of a football match at whatever moment, no price of ours is none, or longer than fair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.fixture import FixtureStatus, MarketStatus, MatchState, Period
from markets.football.state import FootballState
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.ladder.steps import LADDERS
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from tests.builders.football_world import MARKET_IDS, match_update, quoted
from tests.builders.pricing_world import NOW_US
from tests.tries import tries

HALVES = (*MARKET_IDS, "first_half_1x2", "second_half_1x2", "half_time_full_time", "next_goal:2", "total:0.5")
PROVIDERS = ("alpha", "bravo", "charlie")
POLICIES = (
    PricingPolicy(),
    PricingPolicy(own_offers={"football": ("odd_even", "total:2.25", "half_time_full_time", "home_total")}),
)
GOALS = st.integers(0, 3)


@st.composite
def match_states(draw: st.DrawFn) -> MatchState:
    """Draw where a match stands, possible or not."""
    return MatchState(
        draw(st.sampled_from([FixtureStatus.IN_PLAY, FixtureStatus.IN_PLAY, FixtureStatus.PRE_MATCH])),
        draw(st.sampled_from(list(Period))),
        draw(st.one_of(GOALS, st.integers(0, 30))),
        draw(GOALS),
        draw(st.one_of(st.none(), st.integers(0, 6_000))),
        sport=FootballState(draw(st.sampled_from([0, 0, 240])), draw(st.integers(0, 2))),
    )


@st.composite
def offers(draw: st.DrawFn) -> Quotes:
    """Draw a provider's prices: a model's, with some of them wrong, missing or suspended."""
    means = draw(st.tuples(st.floats(0.2, 4.0), st.floats(0.2, 4.0)))
    quotes = quoted(means, market_ids=draw(st.sampled_from([MARKET_IDS, HALVES, MARKET_IDS[:3]])))
    odds = quotes.decimal_odds_milli.astype(np.float64)
    for place in draw(st.lists(st.integers(0, len(odds) - 1), max_size=4)):
        odds[place] *= draw(st.sampled_from([0.0, 0.3, 0.8, 0.97, 1.03, 1.3, 4.0]))
    statuses = quotes.market_statuses.copy()
    for place in draw(st.lists(st.integers(0, len(statuses) - 1), max_size=2)):
        statuses[place] = draw(st.sampled_from([MarketStatus.SUSPENDED, MarketStatus.CLOSED]))
    return replace(quotes, market_statuses=statuses, decimal_odds_milli=np.minimum(odds, 4e9).astype(np.uint32))


@st.composite
def updates(draw: st.DrawFn) -> FixtureUpdate:
    """Draw an update of one of the providers."""
    state = draw(st.one_of(st.none(), match_states()))
    return match_update(draw(st.one_of(st.none(), offers())), state=state, provider_id=draw(st.sampled_from(PROVIDERS)))


@tries(120)
@given(st.lists(updates(), min_size=1, max_size=6), st.sampled_from(POLICIES))
def test_no_price_is_none_or_longer_than_fair(items: list[FixtureUpdate], policy: PricingPolicy) -> None:
    state: FixtureState = new_state("match")
    for number, item in enumerate(items):
        folded = fold(state, item)
        (repricing,) = price([folded], up_providers=frozenset(PROVIDERS), policy=policy, now_us=NOW_US + number)
        state, explanation = repricing.state, repricing.explanation
        book = state.book
        assert book is not None
        offered = book.decimal_odds_milli > 0
        assert np.isin(book.decimal_odds_milli[offered], LADDERS["fine"]).all()
        is_open = book.market_statuses == MarketStatus.OPEN
        assert (np.add.reduceat(offered, book.layout.offsets[:-1])[is_open] > 0).all()
        is_offered_now = offered & np.repeat(is_open, book.layout.outcome_counts)
        fair = explanation.fair_probabilities[is_offered_now]
        assert ((fair > 0.0) & (fair < 1.0)).all()
        assert (fair * book.decimal_odds_milli[is_offered_now] / 1_000 < 1.0).all()
        assert (explanation.overrounds[is_open] >= explanation.wanted_overrounds[is_open] - 0.006).all()
