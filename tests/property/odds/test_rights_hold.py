"""Whatever a provider without rights says, the book, the state and what moves money stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, Score
from markets.football.state import FootballState
from markets.layout import MarketLayout
from markets.results import ResultKind
from odds.fixture.state import FixtureState, new_state, restore_state
from odds.fixture.updates import FixtureUpdate, Quotes, ResultMark
from odds.folding.fold import fold
from odds.folding.provider_rights import EVERYBODYS_RIGHTS, ProviderRights, RightsTable, feed_of, judge_update
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from overround.odds.v1 import book_pb2
from tests.builders.football_world import match_update, playing, quoted
from tests.builders.pricing_world import FAIR_ISH, FOOTBALL, NOW_US, folded, priced
from tests.tries import tries
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation

POLICY = PricingPolicy(own_offers={"football": ("odd_even", "total:2.25", "first_half_1x2")})
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
    is_score_unknown=st.booleans(),
    sport=st.none()
    | st.builds(
        FootballState,
        home_red_cards=st.integers(0, 2),
        half_time=st.none() | st.builds(Score, goals, goals),
        full_time=st.none() | st.builds(Score, goals, goals),
        had_extra_time=st.booleans(),
    ),
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


LED = MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF, 0, 0, 60)


@st.composite
def told_by_several(draw: st.DrawFn) -> list[FixtureUpdate]:
    """Return quotes, states and results of three feeds in any order, none of which is named by a rule."""
    told = []
    for sequence in range(1, draw(st.integers(2, 12)) + 1):
        kind = draw(st.sampled_from(["quote", "quote", "state", "result", "quote and result"]))
        market_ids = draw(st.lists(st.sampled_from(("1x2", "total:2.5")), min_size=1, unique=True))
        layout = MarketLayout.of_markets([(market_id, ("a", "b")) for market_id in market_ids])
        quotes = Quotes(
            layout,
            np.full(layout.market_count, draw(st.sampled_from([1, 2, 3])), dtype=np.uint8),
            np.full(layout.outcome_count, 1_900, dtype=np.uint32),
            is_snapshot=draw(st.booleans()),
        )
        results = st.builds(ResultMark, st.sampled_from(ResultKind), st.sampled_from(market_ids), st.booleans())
        state = replace(LED, home_score=draw(st.integers(0, 3)))
        provider_id = draw(st.sampled_from(["alpha", "bravo:1", "bravo:3", "mallory"]))
        told.append(
            FixtureUpdate(
                provider_id,
                "match",
                sequence,
                NOW_US + sequence,
                NOW_US + sequence,
                state=state if kind == "state" else None,
                quotes=quotes if kind.startswith("quote") else None,
                result_marks=(draw(results),) if kind.endswith("result") else (),
            )
        )
    return told


ONE = MarketLayout.of_markets([("1x2", ("a", "b"))])
OFFERED = Quotes(ONE, np.ones(1, dtype=np.uint8), np.full(2, 1_900, dtype=np.uint32), is_snapshot=False)
SETTLED = (ResultMark(ResultKind.SETTLEMENT, "1x2", False),)
WAITS_FOR_A_PERSON = [
    FixtureUpdate("alpha", "match", 1, NOW_US + 1, NOW_US + 1, result_marks=SETTLED),
    FixtureUpdate("alpha", "match", 2, NOW_US + 2, NOW_US + 2, quotes=OFFERED),
    FixtureUpdate("bravo:1", "match", 3, NOW_US + 3, NOW_US + 3, quotes=OFFERED, result_marks=SETTLED),
]


@tries(200)
@example(WAITS_FOR_A_PERSON, 0)
@given(told_by_several(), st.integers(0, 12))
def test_what_another_provider_brought_or_leads_is_decided_by_nobody_for_having_quoted_it(
    told: list[FixtureUpdate], restart_at: int
) -> None:
    state = new_state("match")
    first: dict[str, str] = {}
    quoting: dict[str, set[str]] = {}
    decided: set[tuple[str, str, bool]] = set()
    for place, update in enumerate(told):
        feed = feed_of(update.provider_id)
        if place == restart_at:
            state = restarted(state)
        for mark, reason in zip(
            update.result_marks, judge_update(state, update, EVERYBODYS_RIGHTS).referral_reasons, strict=True
        ):
            others = quoting.get(mark.market_id, set()) - {feed}
            is_led = feed_of(state.state_provider_id) == feed
            is_own = not others or (first[mark.market_id] == feed and is_led)
            words = {(feed, mark.market_id, is_settling) for is_settling in (False, True)}
            assert reason or is_own or words & decided, mark
            if not reason:
                is_taken_back = mark.kind in (ResultKind.SETTLEMENT_ROLLBACK, ResultKind.CANCEL_ROLLBACK)
                is_settling = mark.kind in (ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK)
                (decided.discard if is_taken_back else decided.add)((feed, mark.market_id, is_settling))
        before = state
        state = fold(state, update)
        for market_id in () if update.quotes is None or state is before else update.quotes.layout.market_ids:
            first.setdefault(market_id, feed)
            quoting.setdefault(market_id, set()).add(feed)


def restarted(state: FixtureState) -> FixtureState:
    """Return what a successor of the process reads back of a state."""
    repricing = priced(state, policy=POLICY)
    if repricing.state.book is None:
        return state
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(repricing.explanation)))
    return restore_state("match", parse_book(book_pb2.Book.FromString(encode_book(repricing.state.book))), explanation)


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
