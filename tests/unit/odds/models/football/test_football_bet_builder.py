"""Conjunctions of legs of one match."""

from __future__ import annotations

import numpy as np
import pytest

from markets.layout import MarketUnknown, OutcomeUnknown
from odds.models.builder_legs import LEGS_MAX, BuilderPrice, LegNotCombinable, LegsContradictory, LegsOutOfRange
from odds.models.football.bet_builder import next_legs, price_legs
from odds.models.football.markets import price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from tests.builders.football_legs import legs, scores_of


def build(*names: str) -> BuilderPrice:
    return price_legs(scores_of(1.7, 1.1, -0.1), legs(*names))


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
        if np.isnan(fair[column]):
            assert single.leg.market_id in {f"next_goal_minute:{later}" for later in range(2, 7)}
        else:
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
    both = build("1x2 home", "draw_no_bet home")
    assert both.redundant == tuple(legs("draw_no_bet home"))
    assert (both.win, both.lose) == pytest.approx((build("1x2 home").win, build("1x2 home").lose))


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


def test_legs_about_the_order_of_goals_combine_with_scores_and_each_other() -> None:
    scored_first = build("next_goal:1 home", "1x2 away")
    assert 0.0 < scored_first.win < build("1x2 away").win
    score = build("correct_score 2-1", "first_half_correct_score 0-0").win
    for names, orders in (
        (("next_goal:1 home", "next_goal:2 home"), 1 / 3),
        (("next_goal:1 home", "race_to:2 home"), 2 / 3),
        (("next_goal:2 away", "race_to:2 home"), 1 / 3),
        (("next_goal:3 away", "next_goal:4 none", "race_to:3 none"), 1 / 3),
        (("next_goal:1 away", "next_goal:2 home", "next_goal:3 home", "race_to:2 home"), 1 / 3),
    ):
        joint = build("correct_score 2-1", "first_half_correct_score 0-0", *names)
        assert joint.win == pytest.approx(score * orders, rel=1e-12)
        assert joint.win + joint.lose == pytest.approx(1.0)


@pytest.mark.parametrize(
    "names",
    [
        ("next_goal:1 home", "next_goal:1 away"),
        ("next_goal:1 home", "next_goal:2 home", "race_to:2 away"),
        ("next_goal:2 none", "race_to:2 home"),
        ("next_goal:1 away", "next_goal:3 away", "race_to:2 home", "correct_score 2-3"),
        ("next_goal_minute:1 1-15", "next_goal_minute:1 16-30"),
        ("next_goal_minute:1 none", "total:0.5 over"),
        ("next_goal_minute:1 46-60", "first_half_total:0.5 over"),
        ("next_goal_minute:2 1-15", "next_goal_minute:1 16-30"),
        ("next_goal_minute:5 61-75", "next_goal_minute:3 76-90"),
        ("next_goal_minute:2 none", "next_goal_minute:6 76-90"),
        ("next_goal_minute:2 46-60", "next_goal_minute:1 none"),
        ("next_goal_minute:2 31-45", "first_half_total:1.5 under"),
        ("next_goal_minute:2 46-60", "first_half_exact_goals 2"),
        ("next_goal_minute:4 none", "exact_goals 4"),
        ("next_goal_minute:6 1-15", "first_half_total:2.5 under"),
        ("next_goal_minute:2 none", "race_to:2 home"),
        ("next_goal_minute:3 none", "next_goal:3 away"),
        (
            "next_goal_minute:1 76-90",
            "next_goal_minute:2 76-90",
            "next_goal:2 home",
            "next_goal:3 home",
            "1x2 away",
            "total:3.5 under",
        ),
    ],
)
def test_orders_and_minutes_that_cannot_all_be_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(LegsContradictory):
        build(*names)


def test_orders_that_others_imply_are_named() -> None:
    price = build("next_goal:1 home", "race_to:2 home", "next_goal:2 home", "1x2 home")
    assert price.redundant == tuple(legs("race_to:2 home"))
    assert build("next_goal:1 away", "away_total:0.5 over").redundant == tuple(legs("away_total:0.5 over"))
    assert build("next_goal_minute:1 16-30", "first_half_total:0.5 over").redundant == tuple(
        legs("first_half_total:0.5 over")
    )
    price = build("next_goal_minute:1 1-15", "next_goal_minute:3 1-15", "next_goal_minute:2 1-15", "total:2.5 over")
    assert price.redundant == tuple(legs("next_goal_minute:1 1-15", "next_goal_minute:2 1-15", "total:2.5 over"))
    assert build("next_goal_minute:1 46-60", "first_half_1x2 draw").redundant == tuple(legs("first_half_1x2 draw"))
    assert build("next_goal_minute:4 none", "next_goal:4 none").redundant == tuple(legs("next_goal_minute:4 none"))


def test_a_favourite_that_awaits_many_goals_can_be_combined() -> None:
    whole = price_matches(
        np.array([6.5]),
        np.array([0.6]),
        rhos=np.array([0.0]),
        states=MatchStates.before_kick_off(1),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    singles = next_legs(scores_of(6.5, 0.6), [])
    assert len(singles) > 400
    for single in singles:
        expected = whole.win_weights[0, whole.catalogue.column(single.leg.market_id, single.leg.outcome_id)]
        assert single.win == pytest.approx(expected, abs=1e-5) or np.isnan(expected)
    with pytest.raises(LegNotCombinable):
        scores_of(8.0, 0.6)


def test_first_goal_home_and_both_halves_agree_with_counting() -> None:
    first = build("next_goal:1 home", "first_half_correct_score 1-1").win
    assert first == pytest.approx(build("first_half_correct_score 1-1").win / 2.0)


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
