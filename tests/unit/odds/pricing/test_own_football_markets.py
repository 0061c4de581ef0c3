"""Markets that the house alone offers on football matches: when they are open, whose they are, how they come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bets.settlement import return_minor
from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, Score, SuspensionReason
from markets.football.state import FootballState
from markets.period_scores import PeriodScores
from markets.results import MarketResult, ResultKind
from odds.fixture.book import ALL_OTHERS, MarketDecided, PriceSource, ResultWord
from odds.fixture.state import BELIEF_US_MAX, FixtureState, restore_state
from odds.fixture.updates import TraderCommand, TradingAction
from odds.folding.fold import follow_trader
from odds.model_input import ModelInputInvalid
from odds.models.football.catalogue import catalogue
from odds.models.football.markets import price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.own_results import PlayedHalves
from odds.pricing.own_markets import own_results_due_us
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing
from overround.odds.v1 import book_pb2
from tests.builders.football_world import fair, market_status, match_update, odds_milli, playing, quoted, sources
from tests.builders.pricing_world import NOW_US, folded, priced, update
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation
from wire.feed import build_own_results
from wire.results import parse_market_result, result_keys

QUOTED = ("1x2", "total:2.5", "handicap:-0.5")
OFFER = ("odd_even", "total:2.25", "draw_no_bet", "first_half_1x2", "half_time_full_time", "1x2")
OWN = OFFER[:-1]
POLICY = PricingPolicy(own_offers={"football": OFFER})
OPEN, SUSPENDED, CLOSED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED
SETTLED, CANCELLED = MarketStatus.SETTLED, MarketStatus.CANCELLED
BREAK = playing(Period.HALF_TIME, 45.0, (1, 0))
END = MatchState(FixtureStatus.ENDED, Period.FINISHED, 2, 1)


def offered(
    *, state: FixtureState | None = None, policy: PricingPolicy = POLICY, up: tuple[str, ...] = ("alpha", "bravo")
) -> Repricing:
    """Price a match whose provider quotes three markets."""
    told = folded(match_update(quoted(market_ids=QUOTED))) if state is None else state
    return priced(told, policy=policy, up=up)


def told(state: FixtureState, *states: MatchState) -> FixtureState:
    """Fold and price some states of the match in turn."""
    for item in states:
        state = priced(folded(match_update(None, state=item), state=state), policy=POLICY).state
    return state


def statuses(state: FixtureState, market_ids: tuple[str, ...] = OWN) -> list[int]:
    return [market_status(state, market_id) for market_id in market_ids]


def reason(state: FixtureState, market_id: str) -> int:
    assert state.book is not None
    return int(state.book.suspension_reasons[state.layout.market_index(market_id)])


def results(state: FixtureState) -> dict[str, list[MarketResult]]:
    """Return what is said of each of our own markets."""
    said: dict[str, list[MarketResult]] = {}
    for result in Repricing(state, False, priced(state, policy=POLICY).explanation).own_results:
        said.setdefault(result.market_id, []).append(result)
    return said


def test_the_house_offers_markets_beside_those_of_the_providers() -> None:
    repricing = offered()
    assert repricing.explanation.layout.market_ids[:3] == QUOTED
    assert set(repricing.explanation.layout.market_ids[3:]) == set(OWN)
    assert statuses(repricing.state, (*QUOTED, *OWN)) == [OPEN] * 8
    assert set(sources(repricing).values()) == {PriceSource.GOALS}
    home, away = fair(repricing, "1x2", "home", "away")
    assert fair(repricing, "draw_no_bet", "home") == pytest.approx([home / (home + away)])
    assert all(odds_milli(repricing, market_id, "odd") > 1_000 for market_id in ("odd_even",))
    assert np.all(repricing.explanation.overrounds >= repricing.explanation.wanted_overrounds - 1e-6)
    assert repricing.explanation.weights[:, 3:].sum() == 0.0


def test_a_long_shot_beside_a_near_certainty_keeps_a_long_price() -> None:
    repricing = offered(policy=replace(POLICY, own_offers={"football": ("total:4.5", "total:5.5", "total:6.5")}))
    markets = ("total:4.5", "total:5.5", "total:6.5")
    chances = [fair(repricing, market_id, "over")[0] for market_id in markets]
    prices = [odds_milli(repricing, market_id, "over") / 1_000 for market_id in markets]
    assert prices == sorted(prices)
    for chance, price in zip(chances, prices, strict=True):
        assert (1.0 / chance - 1.0) / (price - 1.0) <= POLICY.margin_odds_ratio_max * 1.1  # a step of the ladder
    assert prices[2] > 1.6 * prices[1]


@pytest.mark.parametrize(
    "state",
    [
        folded(match_update(quoted(market_ids=("1x2", "btts")))),
        folded(update(quoted=quoted(market_ids=QUOTED))),
        folded(update(quoted=quoted(market_ids=QUOTED), description=FixtureDescription("futsal"))),
        folded(match_update(quoted(market_ids=QUOTED), state=END)),
    ],
    ids=["no total", "unknown sport", "other sport", "over"],
)
def test_nothing_is_offered_where_there_is_no_distribution_to_price_it(state: FixtureState) -> None:
    assert offered(state=state).state.own_markets is None


@pytest.mark.parametrize(("market_id", "barred"), [("odd_even", {"odd_even"}), (ALL_OTHERS, set(OWN))])
def test_what_has_its_result_already_is_not_offered(market_id: str, barred: set[str]) -> None:
    state = folded(match_update(quoted(market_ids=QUOTED)))
    decided = replace(state, decided_markets={market_id: MarketDecided("alpha", ResultWord.SETTLED)})
    assert set(offered(state=decided).state.layout.market_ids) == {*QUOTED, *OWN} - barred


def test_nothing_is_offered_unless_it_is_asked_for() -> None:
    assert offered(policy=PricingPolicy()).state.own_markets is None


def test_own_markets_stop_and_go_on_with_the_main_market() -> None:
    state = offered().state
    stopped = priced(folded(update(bet_stop=()), state=state), policy=POLICY).state
    assert statuses(stopped) == [SUSPENDED] * 5
    assert {reason(stopped, market_id) for market_id in OWN} == {SuspensionReason.BET_STOP}
    resumed = priced(folded(match_update(quoted(market_ids=QUOTED)), state=stopped), policy=POLICY).state
    assert statuses(resumed) == [OPEN] * 5


def test_own_markets_are_suspended_for_the_reason_of_the_main_market() -> None:
    quotes = quoted(market_ids=QUOTED)
    given_over = replace(quotes, market_statuses=np.array([SUSPENDED, OPEN, OPEN], dtype=np.uint8))
    before = offered().state
    state = priced(folded(match_update(given_over), state=before), policy=POLICY).state
    assert {reason(state, market_id) for market_id in OWN} == {SuspensionReason.PROVIDER}
    down = offered(state=before, up=()).state
    assert {reason(down, market_id) for market_id in OWN} == {SuspensionReason.PROVIDER_DOWN}
    closed = replace(quotes, market_statuses=np.array([CLOSED, OPEN, OPEN], dtype=np.uint8))
    state = priced(folded(match_update(closed), state=before), policy=POLICY).state
    assert statuses(state) == [CLOSED] * 5


def test_a_trader_suspends_an_own_market_or_all_of_them_with_the_main_one() -> None:
    state = offered().state
    one = follow_trader(state, TraderCommand("r1", "match", "odd_even", TradingAction.SUSPEND, "ann", NOW_US))
    assert statuses(priced(one, policy=POLICY).state) == [SUSPENDED, *[OPEN] * 4]
    main = follow_trader(state, TraderCommand("r2", "match", "1x2", TradingAction.SUSPEND, "ann", NOW_US))
    assert {reason(priced(main, policy=POLICY).state, market_id) for market_id in OWN} == {SuspensionReason.TRADER}


def test_own_markets_have_no_price_where_the_distribution_is_of_no_use() -> None:
    strict = PricingPolicy(own_offers={"football": OFFER}, model_error_max=1e-9)
    contradictory = quoted(market_ids=QUOTED, moved={("1x2", "home"): 1.02})
    state = offered(state=folded(match_update(contradictory)), policy=strict).state
    assert statuses(state, QUOTED) == [OPEN] * 3
    assert {reason(state, market_id) for market_id in OWN} == {SuspensionReason.NO_PRICE}


def test_an_own_market_that_the_score_has_decided_is_closed_and_opens_again_if_a_goal_is_taken_back() -> None:
    policy = PricingPolicy(own_offers={"football": ("total:1.75", "home_clean_sheet", "first_half_double_chance")})
    names = ("total:1.75", "home_clean_sheet", "first_half_double_chance")
    state = offered(policy=policy).state
    assert statuses(state, names) == [OPEN] * 3
    for score, expected in (((1, 1), [CLOSED, CLOSED, OPEN]), ((1, 0), [OPEN] * 3)):
        live = playing(Period.FIRST_HALF, 30.0, score)
        quotes = quoted(market_ids=QUOTED, state=live)
        state = priced(folded(match_update(quotes, state=live), state=state), policy=policy).state
        assert statuses(state, names) == expected


def test_a_market_that_a_provider_quotes_later_is_the_providers() -> None:
    state = offered().state
    more = quoted(market_ids=(*QUOTED, "odd_even"))
    taken = priced(folded(match_update(more, provider_id="bravo"), state=state), policy=POLICY).state
    assert statuses(taken) == [OPEN] * 5
    stopped = priced(folded(update(provider_id="bravo", bet_stop=("odd_even",)), state=taken), policy=POLICY).state
    assert statuses(stopped) == [SUSPENDED, *[OPEN] * 4]
    ended = told(taken, BREAK, END)
    assert "odd_even" not in results(ended)
    assert market_status(ended, "odd_even") == CLOSED


def test_own_markets_are_settled_by_the_scores_of_the_halves() -> None:
    ended = told(offered().state, BREAK, END)
    assert statuses(ended) == [SETTLED] * 5
    assert statuses(ended, QUOTED) == [CLOSED] * 3
    said = results(ended)
    assert set(said) == set(OWN)
    assert {item.kind for items in said.values() for item in items} == {ResultKind.SETTLEMENT}
    won = {
        (market_id, outcome.outcome_id)
        for market_id, (result,) in said.items()
        for outcome in result.outcomes
        if outcome.win_factor_micro == 1_000_000 and outcome.void_factor_micro == 0
    }
    assert won == {
        *(("odd_even", "odd"), ("total:2.25", "over"), ("draw_no_bet", "home"), ("first_half_1x2", "home")),
        ("half_time_full_time", "home/home"),
    }
    assert sum(len(result.outcomes) for (result,) in said.values()) == 2 + 2 + 2 + 3 + 9


SCORES = [((0, 0), (0, 0)), ((1, 0), (2, 1)), ((0, 2), (1, 2)), ((1, 1), (1, 1)), ((3, 1), (5, 4)), ((0, 0), (0, 9))]


@pytest.mark.parametrize(("half_time", "full_time"), SCORES)
def test_stakes_come_out_as_the_prices_of_a_match_that_is_over_say(
    half_time: tuple[int, int], full_time: tuple[int, int]
) -> None:
    known = catalogue()
    names = tuple(
        market_id
        for market_id, begin in zip(known.layout.market_ids, known.layout.offsets.tolist(), strict=False)
        if begin < known.orders_begin and market_id not in QUOTED
    )
    state = offered(policy=PricingPolicy(own_offers={"football": names})).state
    ended = told(
        state,
        playing(Period.HALF_TIME, 45.0, half_time),
        replace(END, home_score=full_time[0], away_score=full_time[1]),
    )
    counts = (*full_time, *half_time, 0, 0)
    prices = price_matches(
        np.ones(1),
        np.ones(1),
        rhos=np.zeros(1),
        states=MatchStates(
            np.array([int(Period.FINISHED)]), np.zeros(1), np.array([np.nan]), *(np.array([count]) for count in counts)
        ),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    loses = prices.lose_weights()
    said = results(ended)
    assert set(said) == set(names)
    for market_id, (result,) in said.items():
        for outcome in result.outcomes:
            column = known.column(market_id, outcome.outcome_id)
            kept = 1.0 - outcome.void_factor_micro / 1e6
            won = kept * outcome.win_factor_micro / 1e6
            assert won == pytest.approx(prices.win_weights[0, column], abs=1e-6), (market_id, outcome)
            assert kept - won == pytest.approx(loses[0, column], abs=1e-6), (market_id, outcome)


@pytest.mark.parametrize(
    ("score", "outcome_id", "returned_minor"),
    [
        ((1, 0), "over", 0),
        ((1, 1), "over", 500),
        ((1, 1), "under", 1_450),
        ((2, 1), "over", 1_900),
        ((2, 1), "under", 0),
    ],
    ids=["lost", "half lost", "half won", "won", "lost the other way"],
)
def test_half_a_stake_on_a_quarter_line_is_paid_to_the_cent(
    score: tuple[int, int], outcome_id: str, returned_minor: int
) -> None:
    ended = told(offered().state, BREAK, replace(END, home_score=score[0], away_score=score[1]))
    assert ended.own_settlement is not None
    message = build_own_results(
        "match", sequence=1, results=[item for items in results(ended).values() for item in items]
    )
    parsed = {result.market_id: result for result in map(parse_market_result, message.results)}
    outcome = next(item for item in parsed["total:2.25"].outcomes if item.outcome_id == outcome_id)
    assert return_minor(stake_minor=1_000, decimal_odds_milli=1_900, outcome=outcome) == returned_minor


def test_a_draw_hands_the_stakes_of_draw_no_bet_back() -> None:
    (result,) = results(told(offered().state, BREAK, replace(END, home_score=1)))["draw_no_bet"]
    assert {outcome.void_factor_micro for outcome in result.outcomes} == {1_000_000}


def test_a_final_score_that_is_corrected_settles_anew_under_another_sequence() -> None:
    ended = told(offered().state, BREAK, END)
    corrected = told(ended, replace(END, home_score=1))
    assert corrected.own_settlement is not None
    assert corrected.own_settlement.sequence == 2
    assert corrected.own_settlement.evidence == PlayedHalves(PeriodScores(Score(1, 0), Score(1, 1)))
    kinds = {market_id: [item.kind for item in items] for market_id, items in results(corrected).items()}
    assert kinds == {market_id: [ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT] for market_id in OWN}
    again = told(corrected, END)
    assert again.own_settlement is not None
    assert again.own_settlement.sequence == 3
    assert statuses(again) == [SETTLED] * 5


def test_the_same_score_told_again_changes_nothing() -> None:
    ended = told(offered().state, BREAK, END)
    again = told(ended, END)
    assert again.own_settlement is ended.own_settlement
    assert results(again) == results(ended)


def test_an_end_that_is_taken_back_takes_the_results_back_and_the_markets_trade_again() -> None:
    ended = told(offered().state, BREAK, END)
    resumed = told(ended, playing(Period.SECOND_HALF, 88.0, (2, 1)))
    assert resumed.own_settlement is not None
    assert (resumed.own_settlement.sequence, resumed.own_settlement.is_standing) == (2, False)
    kinds = {market_id: [item.kind for item in items] for market_id, items in results(resumed).items()}
    assert kinds == {market_id: [ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT_ROLLBACK] for market_id in OWN}
    late = playing(Period.SECOND_HALF, 88.0, (2, 1))
    quotes = quoted(market_ids=(*QUOTED, "total:3.5"), state=late, half_time=(1, 0))
    traded = priced(folded(match_update(quotes), state=resumed), policy=POLICY).state
    assert statuses(traded, ("odd_even", "draw_no_bet")) == [OPEN] * 2
    assert statuses(told(traded, END)) == [SETTLED] * 5


def test_markets_on_a_half_whose_score_nobody_knows_wait_and_then_go_to_a_person() -> None:
    ended = told(offered().state, playing(Period.SECOND_HALF, 60.0, (2, 1)), END)
    assert statuses(ended) == [SETTLED, SETTLED, SETTLED, CLOSED, CLOSED]
    assert set(results(ended)) == {"odd_even", "total:2.25", "draw_no_bet"}
    due_us = own_results_due_us(ended)
    assert due_us is not None
    assert statuses(priced(ended, policy=POLICY, now_us=due_us - 1).state) == statuses(ended)
    referred = priced(ended, policy=POLICY, now_us=due_us).state
    assert statuses(referred) == [SETTLED, SETTLED, SETTLED, SUSPENDED, SUSPENDED]
    assert reason(referred, "half_time_full_time") == SuspensionReason.RESULT_REFERRED
    said = results(referred)
    assert [(item.kind, item.referral_reason) for item in said["half_time_full_time"]] == [
        (ResultKind.CANCEL_ROLLBACK, ""),
        (ResultKind.SETTLEMENT_ROLLBACK, ""),
        (ResultKind.CANCEL, "SCORE_UNKNOWN"),
    ]
    assert own_results_due_us(referred) is None
    later = priced(referred, policy=POLICY, now_us=due_us + 10**12).state
    assert later.own_settlement is referred.own_settlement


def test_the_end_alone_settles_and_voids_nothing() -> None:
    ended = told(offered().state, playing(Period.FIRST_HALF, 30.0, (1, 0)), MatchState(FixtureStatus.ENDED))
    assert statuses(ended) == [CLOSED] * 5
    assert results(ended) == {}
    known = told(ended, replace(END, sport=FootballState(half_time=Score(1, 0))))
    assert statuses(known) == [SETTLED] * 5


def test_markets_of_a_match_that_is_called_off_are_void_where_nothing_is_decided() -> None:
    off = told(offered().state, BREAK, MatchState(FixtureStatus.CANCELLED, Period.SECOND_HALF, 1, 0))
    assert statuses(off) == [CANCELLED, CANCELLED, CANCELLED, SETTLED, CANCELLED]
    assert [item.kind for item in results(off)["odd_even"]] == [ResultKind.CANCEL]
    back = told(off, END)
    assert statuses(back) == [SETTLED] * 5
    kinds = [item.kind for item in results(back)["odd_even"]]
    assert kinds == [ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT]
    off_again = told(back, MatchState(FixtureStatus.CANCELLED, Period.FINISHED, 2, 1))
    assert [item.kind for item in results(off_again)["odd_even"]] == [ResultKind.SETTLEMENT_ROLLBACK, ResultKind.CANCEL]


def ended_by(*words: tuple[str, MatchState], state: FixtureState | None = None, now_us: int = NOW_US) -> FixtureState:
    """Fold what two providers that quote a match say in turn, and price it."""
    if state is None:
        state = offered().state
        state = folded(match_update(quoted(market_ids=QUOTED), provider_id="bravo"), state=state)
    for provider_id, said in words:
        state = folded(match_update(None, provider_id=provider_id, state=said), state=state)
    return priced(state, policy=POLICY, now_us=now_us).state


LIVE = playing(Period.SECOND_HALF, 90.0, (2, 1))
FALSE_END = replace(END, home_score=5)


def test_own_markets_wait_while_another_provider_has_the_match_go_on() -> None:
    state = ended_by(("alpha", BREAK), ("bravo", BREAK), ("alpha", LIVE), ("bravo", LIVE), ("bravo", FALSE_END))
    assert not state.is_play_over
    state = ended_by(("bravo", replace(LIVE, sport=FootballState(home_red_cards=1))), ("bravo", FALSE_END), state=state)
    assert state.is_play_over
    assert results(state) == {}
    assert own_results_due_us(state) == NOW_US + BELIEF_US_MAX + 1
    assert results(ended_by(("alpha", LIVE), state=state)) == {}
    assert state.book is not None
    explanation = encode_explanation(priced(state, policy=POLICY).explanation)
    restored = restore_state("match", state.book, parse_explanation(book_pb2.PriceExplanation.FromString(explanation)))
    assert results(ended_by(state=restored)) == {}
    assert own_results_due_us(restored) == NOW_US + BELIEF_US_MAX + 1
    agreed = ended_by(("alpha", FALSE_END), state=state)
    assert statuses(agreed) == [SETTLED] * 5
    silent = ended_by(state=state, now_us=NOW_US + BELIEF_US_MAX + 1)
    assert statuses(silent) == [SETTLED] * 5


def test_own_markets_of_a_match_that_ends_in_two_ways_go_to_a_person() -> None:
    state = ended_by(("alpha", BREAK), ("bravo", BREAK), ("bravo", LIVE), ("alpha", END), ("bravo", FALSE_END))
    assert statuses(state) == [CLOSED] * 5
    assert results(state) == {}
    due_us = own_results_due_us(state)
    assert due_us is not None
    referred = ended_by(state=state, now_us=due_us)
    assert {items[-1].referral_reason for items in results(referred).values()} == {"SCORE_UNKNOWN"}
    assert statuses(referred) == [SUSPENDED] * 5
    agreed = ended_by(("bravo", END), state=referred, now_us=due_us)
    assert statuses(agreed) == [SETTLED] * 5


def test_what_was_settled_stands_though_another_provider_says_later_that_it_ended_otherwise() -> None:
    settled = ended_by(("alpha", BREAK), ("alpha", END))
    later = ended_by(("bravo", FALSE_END), state=settled)
    assert later.own_settlement is settled.own_settlement
    corrected = ended_by(("alpha", replace(END, home_score=1)), state=later)
    assert statuses(corrected) == [SETTLED] * 5


ABANDONED_OFFER = (
    *("first_half_1x2", "first_half_total:1.5", "total:2.25", "total:2.75", "total:4.5", "btts", "correct_score"),
    *("home_clean_sheet", "away_clean_sheet", "odd_even", "half_time_full_time", "second_half_total:0.5"),
    *("second_half_1x2", "most_goals_half"),
)


def abandoned(*states: MatchState) -> dict[str, tuple[int, ...]]:
    """Return how our markets on a match that ends so came out: their status, and the factors of the first outcome."""
    state = offered(policy=PricingPolicy(own_offers={"football": ABANDONED_OFFER})).state
    ended = told(state, *states)
    said = {market_id: items[-1] for market_id, items in results(ended).items()}
    outcomes = {market_id: item.outcomes[:1] for market_id, item in said.items()}
    return {
        market_id: (
            market_status(ended, market_id),
            *(factor for item in outcomes.get(market_id, ()) for factor in (item.win_factor_micro,)),
        )
        for market_id in ABANDONED_OFFER
    }


def test_what_an_abandoned_match_has_decided_stands() -> None:
    second_half = playing(Period.SECOND_HALF, 70.0, (3, 0))
    off = MatchState(FixtureStatus.CANCELLED, home_score=3, clock_seconds=4_200)
    assert abandoned(playing(Period.HALF_TIME, 45.0, (2, 0)), second_half, off) == {
        "first_half_1x2": (SETTLED, 1_000_000),
        "first_half_total:1.5": (SETTLED, 1_000_000),
        "total:2.25": (SETTLED, 1_000_000),
        "second_half_total:0.5": (SETTLED, 1_000_000),
        "away_clean_sheet": (SETTLED, 0),
        **dict.fromkeys(
            ("total:2.75", "total:4.5", "btts", "correct_score", "home_clean_sheet", "odd_even"), (CANCELLED,)
        ),
        **dict.fromkeys(("half_time_full_time", "second_half_1x2", "most_goals_half"), (CANCELLED,)),
    }


def test_a_half_that_was_not_played_to_its_end_is_void_unless_it_is_decided() -> None:
    off = MatchState(FixtureStatus.CANCELLED, home_score=2)
    said = abandoned(playing(Period.FIRST_HALF, 40.0, (2, 0)), off)
    assert said["first_half_1x2"] == (CANCELLED,)
    assert said["first_half_total:1.5"] == (SETTLED, 1_000_000)
    assert said["second_half_total:0.5"] == (CANCELLED,)


def test_a_half_whose_score_nobody_knows_is_not_void_because_the_match_was_abandoned_later() -> None:
    off = MatchState(FixtureStatus.CANCELLED, home_score=2)
    said = abandoned(playing(Period.SECOND_HALF, 60.0, (2, 0)), off)
    assert said["first_half_1x2"] == said["second_half_total:0.5"] == said["most_goals_half"] == (CLOSED,)
    assert said["total:4.5"] == said["half_time_full_time"] == (CANCELLED,)


def test_extra_time_that_is_abandoned_leaves_normal_time_as_it_was() -> None:
    states = [BREAK, playing(Period.SECOND_HALF, 90.0, (1, 1)), playing(Period.EXTRA_TIME, 91.0, (1, 1))]
    said = abandoned(*states, MatchState(FixtureStatus.CANCELLED, home_score=2, away_score=1))
    assert said["odd_even"] == (SETTLED, 0)
    assert {status for status, *_ in said.values()} == {SETTLED}


def test_a_match_called_off_before_it_began_is_void() -> None:
    said = abandoned(MatchState(FixtureStatus.PRE_MATCH, Period.NOT_STARTED), MatchState(FixtureStatus.CANCELLED))
    assert set(said.values()) == {(CANCELLED,)}


def test_goals_of_extra_time_do_not_count() -> None:
    states = [BREAK, playing(Period.SECOND_HALF, 90.0, (1, 1)), playing(Period.EXTRA_TIME, 91.0, (1, 1))]
    ended = told(offered().state, *states, MatchState(FixtureStatus.ENDED, Period.FINISHED, 3, 1))
    (result,) = results(ended)["odd_even"]
    assert [outcome.outcome_id for outcome in result.outcomes if outcome.win_factor_micro] == ["even"]


def test_what_was_said_is_restored_and_not_said_anew() -> None:
    ended = told(offered().state, BREAK, END)
    assert ended.book is not None
    explanation = priced(ended, policy=POLICY).explanation
    restored = restore_state(
        "match",
        parse_book(book_pb2.Book.FromString(encode_book(ended.book))),
        parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(explanation))),
    )
    assert restored.own_settlement == ended.own_settlement
    again = priced(restored, policy=PricingPolicy())
    assert not again.is_book_new
    assert {item.market_id for item in again.own_results} == set(OWN)
    corrected = told(restored, replace(END, away_score=2))
    assert corrected.own_settlement is not None
    assert corrected.own_settlement.sequence == 2


def test_keys_of_results_are_the_same_for_the_same_sequence_and_others_for_another() -> None:
    ended = told(offered().state, BREAK, END)
    corrected = told(ended, replace(END, home_score=1))
    keys = []
    for state in (ended, told(ended, END), corrected):
        assert state.own_settlement is not None
        said = [item for items in results(state).values() for item in items]
        keys.append(result_keys(build_own_results("match", sequence=state.own_settlement.sequence, results=said)))
    assert keys[0] == keys[1]
    assert set(keys[0]).isdisjoint(keys[2])


def test_the_fixture_is_over_when_the_providers_markets_have_their_results_too() -> None:
    ended = told(offered().state, BREAK, END)
    assert not ended.is_over
    places = [ended.layout.market_index(market_id) for market_id in QUOTED]
    column = ended.result_statuses.copy()
    column[places] = SETTLED
    assert priced(replace(ended, result_statuses=column), policy=POLICY).state.is_over


@pytest.mark.parametrize("name", ["next_goal:1", "race_to:2", "nobody_knows", "total:2.3", ""])
def test_a_market_that_scores_do_not_settle_is_refused_when_pricing_starts(name: str) -> None:
    with pytest.raises(ModelInputInvalid):
        PricingPolicy(own_offers={"football": ("odd_even", name)})
