"""Conjunctions of legs of one match."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from odds.fixture import Period
from odds.football.bet_builder import (
    LEGS_MAX,
    BuilderLeg,
    BuilderPrice,
    LegsContradictory,
    LegsOutOfRange,
    next_legs,
    price_legs,
)
from odds.football.markets import goals_to_come, price_matches
from odds.football.match_scores import LegNotCombinable, MatchScores, match_scores
from odds.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.layout import MarketUnknown, OutcomeUnknown

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "odds_vectors.json"
LEG_BY_NAME = {
    "home": "1x2 home",
    "draw": "1x2 draw",
    "over2.5": "total:2.5 over",
    "under2.5": "total:2.5 under",
    "btts": "btts yes",
}


def scores_of(home: float, away: float, rho: float = 0.0, states: MatchStates | None = None) -> MatchScores:
    return match_scores(
        goals_to_come(
            np.array([home]),
            np.array([away]),
            rhos=np.array([rho]),
            states=MatchStates.before_kick_off(1) if states is None else states,
            timing=GoalTiming(),
            red_cards=RedCardEffects(),
        )
    )


def legs(*names: str) -> list[BuilderLeg]:
    return [BuilderLeg(*name.split()) for name in names]


def build(*names: str) -> BuilderPrice:
    return price_legs(scores_of(1.7, 1.1, -0.1), legs(*names))


def test_conjunctions_agree_with_the_exact_grids() -> None:
    if not VECTORS.exists():
        pytest.skip(f"reference values are not at {VECTORS}")
    for one in json.loads(VECTORS.read_text())["vectors"]:
        if one["area"] == "A.markets":
            scores = scores_of(one["input"]["home"], one["input"]["away"], one["input"]["rho"])
            for names, probability in one["expected"]["bet_builder"].items():
                price = price_legs(scores, legs(*(LEG_BY_NAME[name] for name in names.split("&"))))
                assert price.fair_probability == pytest.approx(probability, abs=1e-9)


def test_every_single_leg_is_priced_as_its_market() -> None:
    prices = price_matches(
        np.array([1.7]),
        np.array([1.1]),
        rhos=np.array([-0.1]),
        states=MatchStates.before_kick_off(1),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    scores = scores_of(1.7, 1.1, -0.1)
    fair = prices.fair_probabilities()[0]
    singles = next_legs(scores, [])
    assert len(singles) > 400
    for single in singles:
        column = prices.catalogue.column(single.leg.market_id, single.leg.outcome_id)
        assert single.win / (single.win + single.lose) == pytest.approx(fair[column], abs=1e-6)
        assert price_legs(scores, [single.leg]).win == pytest.approx(single.win, abs=1e-12)


@pytest.mark.parametrize(
    "names",
    [
        ("correct_score 1-0", "btts yes"),
        ("1x2 home", "1x2 away"),
        ("total:2.5 under", "total:3.5 over"),
        ("half_time_full_time home/home", "first_half_total:0.5 under"),
        ("next_goal:1 away", "home_win_to_nil yes"),
        ("total:2 under", "exact_goals 2"),
    ],
)
def test_legs_that_cannot_all_win_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(LegsContradictory):
        build(*names)


def test_legs_that_others_imply_are_named_and_change_nothing() -> None:
    price = build("correct_score 2-0", "total:2.5 under", "1x2 home", "first_half_total:0.5 over")
    assert set(price.redundant) == set(legs("total:2.5 under", "1x2 home"))
    assert price.win == pytest.approx(build("correct_score 2-0", "first_half_total:0.5 over").win, abs=1e-15)


def test_of_two_legs_that_say_the_same_one_stays() -> None:
    assert len(build("1x2 home", "handicap:-0.5 home").redundant) == 1
    assert build("1x2 home", "total:2.5 over").redundant == ()


def test_a_leg_handed_back_in_places_is_not_implied() -> None:
    assert build("double_chance 1x", "draw_no_bet home").redundant == tuple(legs("double_chance 1x"))


def test_a_conjunction_handed_back_is_neither_won_nor_lost() -> None:
    price = build("draw_no_bet home", "double_chance 1x")
    assert price.win == pytest.approx(build("1x2 home").win)
    assert price.win + price.lose == pytest.approx(1.0 - build("1x2 draw").win)


def test_next_legs_are_those_that_can_win_and_are_not_implied() -> None:
    scores = scores_of(1.7, 1.1, -0.1)
    found = {(one.leg.market_id, one.leg.outcome_id): one for one in next_legs(scores, legs("correct_score 1-0"))}
    assert ("btts", "yes") not in found
    assert ("1x2", "home") not in found
    assert ("correct_score", "1-0") not in found
    half = found["first_half_1x2", "home"]
    assert half.win == pytest.approx(price_legs(scores, legs("correct_score 1-0", "first_half_1x2 home")).win)


def test_next_legs_price_as_the_conjunction_does() -> None:
    scores, base = scores_of(1.7, 1.1, -0.1), legs("handicap:-0.25 home", "total:2.25 over")
    for one in next_legs(scores, base)[::37]:
        price = price_legs(scores, [*base, one.leg])
        assert (one.win, one.lose) == pytest.approx((price.win, price.lose), abs=1e-12)


def test_order_of_goals_combines_with_one_leg_of_its_kind() -> None:
    scored_first = build("next_goal:1 home", "1x2 away")
    assert 0.0 < scored_first.win < build("1x2 away").win
    with pytest.raises(LegNotCombinable):
        build("next_goal:1 home", "race_to:2 home")
    with pytest.raises(LegNotCombinable):
        build("next_goal_minute:1 1-15", "1x2 home")


def test_first_goal_home_and_both_halves_agree_with_counting() -> None:
    first = build("next_goal:1 home", "first_half_correct_score 1-1").win
    assert first == pytest.approx(build("first_half_correct_score 1-1").win / 2.0)


def test_past_goals_cannot_be_combined() -> None:
    whole = [np.array([number]) for number in (1, 1, 1, 1, 0, 0)]
    states = MatchStates(np.array([int(Period.SECOND_HALF)]), np.array([60.0]), np.array([np.nan]), *whole)
    scores = scores_of(1.5, 1.2, 0.0, states)
    with pytest.raises(LegNotCombinable):
        price_legs(scores, legs("next_goal:1 home"))
    assert price_legs(scores, legs("next_goal:3 home", "1x2 home")).win > 0.0
    with pytest.raises(LegsContradictory):
        price_legs(scores, legs("correct_score 1-0"))


def test_too_few_too_many_and_repeated_legs_are_refused() -> None:
    scores = scores_of(1.7, 1.1)
    singles = [one.leg for one in next_legs(scores, [])]
    for wrong in ([], singles[: LEGS_MAX + 1], legs("1x2 home", "1x2 home")):
        with pytest.raises(LegsOutOfRange):
            price_legs(scores, wrong)


def test_unknown_legs_are_refused() -> None:
    with pytest.raises(MarketUnknown):
        build("corners_total:9.5 over")
    with pytest.raises(OutcomeUnknown):
        build("1x2 nobody")
