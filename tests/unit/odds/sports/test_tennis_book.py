"""A tennis match's book: fitted to what providers say, priced from any score, settled by the sets alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from markets.fixture import FixtureStatus, MarketStatus, MatchState
from markets.results import MarketResult, ResultKind
from markets.sports.tennis import FinalSet, TennisState
from odds.fixture.book import PriceSource
from odds.fixture.state import BELIEF_US_MAX, FixtureState, restore_state
from odds.models.tennis.live import scores_of
from odds.models.tennis.match import price_matches
from odds.models.tennis.rules import MatchRules
from odds.pricing.own_markets import GRACE_US, own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing
from odds.sports.tennis import PRICER
from overround.odds.v1 import book_pb2
from tests.builders.pricing_world import NOW_US, folded, priced, quotes, update
from tests.builders.tennis_world import BEFORE, POLICY, WINNER, fair_quotes, match, said, standing
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation

RULES = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
OPEN, SUSPENDED, CLOSED, SETTLED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED, MarketStatus.SETTLED
SCORES = [
    BEFORE,
    standing((0, 0)),
    standing((4, 5), points=(0, 3), is_home_serving=False),
    standing((6, 4), (2, 3), points=(2, 1), won=(1, 0)),
    standing((6, 4), (6, 6), points=(5, 6), won=(1, 0)),
    standing((6, 4), (3, 6), (5, 4), points=(3, 2), won=(1, 1)),
]


def fair(repricing: Repricing, market_id: str) -> list[float]:
    layout = repricing.explanation.layout
    index = layout.market_index(market_id)
    probabilities = repricing.explanation.fair_probabilities[layout.offsets[index] : layout.offsets[index + 1]]
    return [float(probability) for probability in probabilities]


def statuses(state: FixtureState) -> dict[str, int]:
    assert state.book is not None
    return dict(zip(state.layout.market_ids, state.book.market_statuses.tolist(), strict=True))


def results(state: FixtureState) -> dict[str, MarketResult]:
    return {result.market_id: result for result in own_results(state)}


def winners(state: FixtureState) -> dict[str, str]:
    """Return what won of each own market; "void" where stakes are given back."""
    told = {}
    for market_id, result in results(state).items():
        won = [outcome.outcome_id for outcome in result.outcomes if outcome.win_factor_micro]
        told[market_id] = "void" if result.kind is ResultKind.CANCEL or not won else won[0]
    return told


@pytest.mark.parametrize("state", SCORES)
def test_chances_on_serve_come_back_from_the_prices_that_they_make(state: MatchState) -> None:
    figures = priced(match(state)).explanation.figures
    assert (figures["home serve"], figures["away serve"]) == pytest.approx((0.66, 0.62), abs=0.015)
    assert figures["error"] < 0.002


@pytest.mark.parametrize("state", SCORES)
def test_every_market_is_read_from_the_same_chances(state: MatchState) -> None:
    repricing = priced(match(state), policy=POLICY)
    outcomes = price_matches(np.array([[0.66, 0.62]]), scores_of([state]), RULES)
    by_score = dict(zip(map(tuple, outcomes.set_scores.tolist()), outcomes.set_score_probabilities()[0], strict=True))
    for place, (home, away) in enumerate(((2, 0), (2, 1), (0, 2), (1, 2))):
        expected = float(by_score[home, away])
        found = fair(repricing, "set_betting")[place]
        assert np.isnan(found) if expected < 1e-6 else found == pytest.approx(expected, abs=0.01)
    wins = fair(repricing, "winner")[0]
    assert wins == pytest.approx(
        sum(chance for place, chance in enumerate(fair(repricing, "set_betting")[:2]) if chance > 0)
    )
    over = float(outcomes.total_games(np.array([25.5])).over[0])
    if 0.001 < over < 0.999:
        assert fair(repricing, "total_games:25.5") == pytest.approx([over, 1.0 - over], abs=0.015)


def test_without_a_total_the_winner_alone_is_fitted() -> None:
    repricing = priced(folded(said(BEFORE, fair_quotes(BEFORE, (0.66, 0.62), layout=WINNER))), policy=POLICY)
    figures = repricing.explanation.figures
    assert figures["home serve"] + figures["away serve"] == pytest.approx(1.26)
    assert figures["home serve"] - figures["away serve"] == pytest.approx(0.04, abs=0.005)
    assert set(repricing.explanation.price_sources.tolist()) == {PriceSource.MODEL}


def test_a_match_whose_rules_nobody_tells_is_priced_by_its_providers_alone() -> None:
    untold = replace(BEFORE, sport=TennisState())
    repricing = priced(folded(said(untold, fair_quotes(BEFORE, (0.66, 0.62)))), policy=POLICY)
    assert repricing.state.own_markets is None
    assert repricing.explanation.price_sources.tolist() == [PriceSource.MARKET] * 2


def test_prices_that_no_chances_on_serve_explain_are_kept_as_they_are() -> None:
    state = standing((6, 4), (4, 2), won=(1, 0))
    quoted = fair_quotes(state, (0.66, 0.62))
    quoted.decimal_odds_milli[2:] = (1_010, 30_000)
    repricing = priced(folded(said(state, quoted)))
    assert repricing.explanation.price_sources.tolist() == [PriceSource.MARKET] * 2


def test_prices_from_before_a_point_do_not_count() -> None:
    first, second = SCORES[2], standing((4, 5), points=(1, 3), is_home_serving=False)
    state = folded(said(first, fair_quotes(first, (0.66, 0.62)), at_us=NOW_US))
    told = folded(said(second, at_us=NOW_US + 1), state=priced(state, policy=POLICY).state)
    book = priced(told, policy=POLICY, now_us=NOW_US + 1).state
    assert SETTLED not in statuses(book).values()
    assert OPEN not in statuses(book).values(), "nothing stays open at the price of the point before"
    again = folded(said(second, fair_quotes(second, (0.66, 0.62)), at_us=NOW_US + 2), state=book)
    assert statuses(priced(again, policy=POLICY, now_us=NOW_US + 2).state)["set_winner:1"] == OPEN


def test_what_a_set_has_decided_closes_and_the_rest_stays() -> None:
    begun = priced(match(standing((5, 4), points=(3, 0))), policy=POLICY).state
    after = standing((6, 4), (0, 0), won=(1, 0), is_home_serving=False)
    told = folded(said(after, fair_quotes(after, (0.66, 0.62))), state=begun)
    book = statuses(priced(told, policy=POLICY).state)
    assert book["set_winner:1"] == CLOSED
    assert book["sets_handicap:1.5"] == CLOSED
    assert (book["set_winner:2"], book["set_betting"], book["total_games:24.5"]) == (OPEN, OPEN, OPEN)


def over(end: MatchState, *, begun: MatchState | None = None) -> FixtureState:
    """Return a match of which our own markets were offered, after it ended like this."""
    state = priced(match(begun or standing((0, 0))), policy=POLICY).state
    return priced(folded(said(end), state=state), policy=POLICY).state


def test_own_markets_are_settled_by_the_sets() -> None:
    state = over(standing((6, 4), (3, 6), (7, 6), won=(2, 1), status=FixtureStatus.ENDED))
    won = winners(state)
    assert [won[f"set_winner:{number}"] for number in (1, 2, 3)] == ["home", "away", "home"]
    assert won["set_betting"] == "2-1"
    assert (won["total_sets:2.5"], won["sets_handicap:-1.5"], won["sets_handicap:1.5"]) == ("over", "away", "home")
    assert (won["total_games:24.5"], won["total_games:28.5"]) == ("over", "over")
    assert (won["games_handicap:-0.5"], won["games_handicap:0.5"]) == ("away", "home")
    assert {status for market_id, status in statuses(state).items() if market_id in won} == {SETTLED}


def test_a_set_that_was_not_played_is_void() -> None:
    assert winners(over(standing((6, 4), (6, 3), won=(2, 0), status=FixtureStatus.ENDED)))["set_winner:3"] == "void"


def test_after_a_retirement_what_was_decided_stands_and_the_rest_is_void() -> None:
    state = over(standing((6, 4), (6, 7), (1, 0), won=(1, 1), status=FixtureStatus.CANCELLED))
    won = winners(state)
    assert (won["set_winner:1"], won["set_winner:2"], won["set_winner:3"]) == ("home", "away", "void")
    assert (won["total_games:23.5"], won["total_games:24.5"], won["set_betting"]) == ("over", "void", "void")


@pytest.mark.parametrize(
    "end",
    [
        standing((6, 4), won=(2, 0), status=FixtureStatus.ENDED),
        standing((6, 4), (5, 3), won=(2, 0), status=FixtureStatus.ENDED),
        standing((6, 4), (3, 6), won=(2, 0), status=FixtureStatus.ENDED),
        standing((6, 4), (6, 3), won=(1, 1), status=FixtureStatus.ENDED),
        standing((6, 4), (3, 6), won=(1, 1), status=FixtureStatus.ENDED),
        MatchState(FixtureStatus.ENDED, home_score=2),
    ],
)
def test_sets_that_do_not_add_up_pay_nobody_and_go_to_a_person(end: MatchState) -> None:
    state = over(end)
    assert results(state) == {}
    assert SETTLED not in statuses(state).values()
    later = priced(state, policy=POLICY, now_us=NOW_US + GRACE_US + BELIEF_US_MAX + 1).state
    told = [result for result in own_results(later) if result.kind is ResultKind.CANCEL]
    assert {result.market_id for result in told} == set(statuses(state)) - {"winner", "total_games:22.5"}
    assert {result.referral_reason for result in told} == {"SCORE_UNKNOWN"}


def test_a_match_and_its_settlement_are_read_back_as_they_were() -> None:
    state = over(standing((6, 4), (6, 3), won=(2, 0), status=FixtureStatus.ENDED))
    assert state.book is not None
    explanation = priced(state, policy=POLICY).explanation
    read = restore_state(
        "match",
        parse_book(book_pb2.Book.FromString(encode_book(state.book))),
        parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(explanation))),
    )
    assert read.state == state.state
    assert read.own_settlement == state.own_settlement
    assert own_results(read) == own_results(state)
    assert priced(read, policy=POLICY).state.own_settlement == state.own_settlement
    assert read.figures == state.figures


def test_a_provider_that_tells_no_points_is_not_behind_for_that() -> None:
    state = priced(match(SCORES[3]), policy=POLICY).state
    plain = replace(SCORES[3], sport=None)
    told = folded(update(provider_id="bravo", quoted=quotes((1_400, 3_000), layout=WINNER), state=plain), state=state)
    bravo = told.provider("bravo")
    assert bravo is not None
    assert not bravo.is_behind


@pytest.mark.parametrize("name", ["total_games", "set_winner:1", "games_handicap:-3.5"])
def test_markets_on_sets_can_be_offered(name: str) -> None:
    assert PRICER.knows_offer(name)
    PricingPolicy(own_offers={"tennis": (name,)})


@pytest.mark.parametrize("name", ["aces", "total_games:22", "winner", ""])
def test_markets_that_sets_do_not_settle_cannot(name: str) -> None:
    assert not PRICER.knows_offer(name)
