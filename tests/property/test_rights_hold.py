"""Whatever a provider without rights says, the book, the state and what moves money stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, Score
from odds.fixture_state import FixtureState
from odds.folding import fold
from odds.football.own_results import own_results
from odds.policy import PricingPolicy
from odds.provider_rights import EVERYBODYS_RIGHTS, ProviderRights, RightsTable, judge_update
from odds.updates import FixtureUpdate, Quotes, ResultKind, ResultMark
from tests.tries import tries
from tests.unit.football_world import match_update, playing, quoted
from tests.unit.pricing_world import FAIR_ISH, FOOTBALL, NOW_US, folded, priced

POLICY = PricingPolicy(football_offer=("odd_even", "total:2.25", "first_half_1x2"))
MARKETS = ("1x2", "total:2.5", "handicap:-0.5")
MUTE = RightsTable((ProviderRights("stranger", may_quote=False, may_tell_state=False),))
QUOTES = Quotes(FOOTBALL, np.ones(2, dtype=np.uint8), np.array(FAIR_ISH, dtype=np.uint32), is_snapshot=True)

goals = st.integers(0, 4)
states = st.builds(
    MatchState,
    st.sampled_from(FixtureStatus),
    st.sampled_from(Period),
    goals,
    goals,
    st.none() | st.integers(0, 6_000),
    half_time=st.none() | st.builds(Score, goals, goals),
    full_time=st.none() | st.builds(Score, goals, goals),
    had_extra_time=st.booleans(),
    is_score_unknown=st.booleans(),
)
marks = st.builds(
    ResultMark, st.sampled_from(ResultKind), st.sampled_from((*MARKETS, "odd_even", "unknown")), st.booleans()
)
words = st.builds(
    FixtureUpdate,
    st.just("stranger"),
    st.just("match"),
    st.integers(1, 2**62),
    st.integers(NOW_US, NOW_US + 10**12),
    st.integers(NOW_US, NOW_US + 10**12),
    description=st.none() | st.builds(FixtureDescription, st.sampled_from(["", "football", "tennis"])),
    state=st.none() | states,
    bet_stop_market_ids=st.none() | st.just(()) | st.just(("1x2",)),
    result_marks=st.lists(marks, max_size=4).map(tuple),
)
histories = st.lists(st.sampled_from(["play", "goal", "settle", "cancel", "end"]), max_size=4)


def quoted_match(history: list[str]) -> FixtureState:
    """Return a priced match of football, with markets of our own, after some things have happened."""
    state = priced(folded(match_update(quoted(market_ids=MARKETS))), policy=POLICY).state
    told = {
        "play": {"state": playing(Period.HALF_TIME, 45.0, (1, 0))},
        "goal": {"state": playing(Period.SECOND_HALF, 60.0, (2, 0))},
        "settle": {"result_marks": (ResultMark(ResultKind.SETTLEMENT, "1x2", False),)},
        "cancel": {"result_marks": (ResultMark(ResultKind.CANCEL, "total:2.5", False),)},
        "end": {"state": MatchState(FixtureStatus.ENDED, Period.FINISHED, 2, 1)},
    }
    for step in history:
        state = priced(folded(match_update(None, **told[step]), state=state), policy=POLICY).state  # type: ignore[arg-type]
    return state


@tries(50)
@given(histories, st.lists(words, min_size=1, max_size=4))
def test_a_stranger_changes_nothing(history: list[str], said: list[FixtureUpdate]) -> None:
    before = state = quoted_match(history)
    for word in said:
        judgement = judge_update(state, word, EVERYBODYS_RIGHTS)
        assert judgement.refusal
        assert all(judgement.referral_reasons)
        assert len(judgement.referral_reasons) == len(word.result_marks)
        state = fold(state, word)
    assert state is before
    assert not priced(state, policy=POLICY).is_book_new


@tries(30)
@given(histories, st.lists(words, min_size=1, max_size=3))
def test_quotes_of_one_that_may_not_quote_make_it_no_less_a_stranger(
    history: list[str], said: list[FixtureUpdate]
) -> None:
    state = quoted_match(history)
    for word in said:
        assert fold(state, replace(word, quotes=QUOTES), MUTE) is state


@tries(50)
@given(histories, st.lists(words, min_size=1, max_size=4))
def test_one_that_quotes_but_may_decide_nothing_moves_no_money(history: list[str], said: list[FixtureUpdate]) -> None:
    table = RightsTable((ProviderRights("stranger", may_tell_state=False, may_settle=False, may_cancel=False),))
    before = quoted_match(history)
    state = fold(before, replace(said[0], sequence=1, quotes=QUOTES, result_marks=(), bet_stop_market_ids=None), table)
    for place, word in enumerate(said):
        told = replace(word, sequence=2 + place)
        assert all(judge_update(state, told, table).referral_reasons)
        state = fold(state, told, table)
    after = priced(state, policy=POLICY).state
    assert (after.state, after.description, after.own_settlement) == (
        before.state,
        before.description,
        before.own_settlement,
    )
    assert own_results(after) == own_results(before)
    is_decided = before.result_statuses >= MarketStatus.SETTLED
    assert (after.result_statuses[: len(is_decided)][is_decided] == before.result_statuses[is_decided]).all()
    assert not (after.result_statuses[: len(is_decided)][~is_decided] >= MarketStatus.SETTLED).any()
