"""Goal means behind market prices."""

from __future__ import annotations

import numpy as np
import pytest

from markets.fixture import Period
from odds.model_input import ModelInputInvalid, RowFlag
from odds.models.football.implied_means import ImpliedMeans, PriceTargets, follow_goal_means, imply_goal_means
from odds.models.football.markets import price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.models.football.score_grids import Floats

RESULT = (("1x2", "home"), ("1x2", "draw"), ("1x2", "away"))
MANY = (*RESULT, ("total:2.5", "over"), ("total:3.25", "over"), ("handicap:-0.75", "home"), ("handicap:0", "away"))


def imply(
    columns: tuple[tuple[str, str], ...], prices: Floats, rhos: Floats | None, states: MatchStates | None = None
) -> ImpliedMeans:
    return imply_goal_means(
        PriceTargets(columns, prices, np.ones(len(columns))),
        rhos=rhos,
        states=MatchStates.before_kick_off(len(prices)) if states is None else states,
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )


def prices_for(
    columns: tuple[tuple[str, str], ...], home: Floats, away: Floats, rhos: Floats, states: MatchStates
) -> Floats:
    prices = price_matches(home, away, rhos=rhos, states=states, timing=GoalTiming(), red_cards=RedCardEffects())
    fair = prices.fair_probabilities()
    return np.stack([fair[:, prices.catalogue.column(*column)] for column in columns], axis=1)


def test_means_and_rho_come_back_from_the_prices_they_made() -> None:
    random = np.random.default_rng(4)
    home, away, rhos = random.uniform(0.3, 4.5, 200), random.uniform(0.3, 3.0, 200), random.uniform(-0.12, 0.04, 200)
    rhos = np.minimum(rhos, 0.9 / (home * away))
    rhos = np.maximum(rhos, -0.9 / np.maximum(home, away))
    states = MatchStates.before_kick_off(200)
    found = imply(MANY, prices_for(MANY, home, away, rhos, states), None)
    assert not found.flags.any()
    np.testing.assert_allclose(found.home_means, home, atol=1e-6)
    np.testing.assert_allclose(found.away_means, away, atol=1e-6)
    np.testing.assert_allclose(found.rhos, rhos, atol=1e-6)
    assert found.errors.max() < 1e-8


def follow(prices: Floats, start: Floats, step_tolerance: float) -> ImpliedMeans:
    left = ScoringLeft.of(MatchStates.before_kick_off(len(prices)), GoalTiming(), RedCardEffects())
    targets = PriceTargets(MANY, prices, np.ones(len(MANY)))
    return follow_goal_means(targets, rhos=None, left=left, start=start, step_tolerance=step_tolerance, steps_max=25)


def test_a_search_that_begins_near_by_ends_there_and_rows_without_a_start_find_their_own() -> None:
    home, away, rhos = np.array([1.5, 2.2, 1.1]), np.array([1.2, 0.7, 1.4]), np.array([-0.05, 0.02, -0.1])
    prices = prices_for(MANY, home, away, rhos, MatchStates.before_kick_off(3))
    start = np.stack([home * 1.01, away * 0.99, rhos + 0.002], axis=1)
    start[1] = np.nan
    found = follow(prices, start, 1e-9)
    assert not found.flags.any()
    np.testing.assert_allclose(np.stack([found.home_means, found.away_means]), np.stack([home, away]), atol=1e-7)
    # One step from one part in a hundred off leaves about its square, and a rho that is hardly felt a little more.
    rough = follow(prices, start, 0.05)
    np.testing.assert_allclose(rough.home_means, home, rtol=1e-3)
    assert np.abs(rough.home_means - home)[0] > 1e-9


def test_means_come_back_from_prices_in_play() -> None:
    ones = np.ones(2, dtype=np.int64)
    states = MatchStates(
        np.array([int(Period.FIRST_HALF), int(Period.SECOND_HALF)]),
        np.array([30.0, 70.0]),
        np.array([np.nan, np.nan]),
        *(ones, ones * 0, ones, ones * 0, ones * 0, ones),
    )
    home, away, rhos = np.array([1.6, 1.3]), np.array([0.9, 1.4]), np.array([-0.05, 0.0])
    found = imply(MANY, prices_for(MANY, home, away, rhos, states), rhos, states)
    assert not found.flags.any()
    np.testing.assert_allclose(found.home_means, home, atol=1e-6)
    np.testing.assert_allclose(found.away_means, away, atol=1e-6)


def test_missing_prices_leave_the_others_to_decide() -> None:
    states = MatchStates.before_kick_off(1)
    prices = prices_for(MANY, np.array([1.5]), np.array([1.1]), np.zeros(1), states)
    prices[0, 1] = prices[0, 4] = np.nan
    found = imply(MANY, prices, np.zeros(1))
    assert float(found.home_means[0]) == pytest.approx(1.5, abs=1e-7)


def test_prices_that_contradict_each_other_are_met_half_way() -> None:
    columns = (*RESULT, ("total:2.5", "over"), ("total:2.5", "under"))
    found = imply(columns, np.array([[0.5, 0.27, 0.23, 0.6, 0.5]]), np.zeros(1))
    assert found.flags.tolist() == [0]
    assert 0.01 < float(found.errors[0]) < 0.1


@pytest.mark.parametrize(
    ("prices", "flag"),
    [
        ([0.5, np.nan, np.nan], RowFlag.TOO_FEW_PRICES),
        ([np.nan, np.nan, np.nan], RowFlag.TOO_FEW_PRICES),
        ([0.5, 0.3, 1.2], RowFlag.PRICES_OUT_OF_RANGE),
        ([0.5, -0.3, 0.2], RowFlag.PRICES_OUT_OF_RANGE),
        ([0.0, 0.5, 0.5], RowFlag.PRICES_OUT_OF_RANGE),
    ],
)
def test_a_row_that_cannot_be_solved_says_why_and_leaves_the_others(prices: list[float], flag: RowFlag) -> None:
    fine = [0.5, 0.27, 0.23]
    found = imply(RESULT, np.array([fine, prices, fine]), np.zeros(3))
    assert found.flags.tolist() == [0, int(flag), 0]
    assert np.isnan([found.home_means[1], found.away_means[1], found.rhos[1], found.errors[1]]).all()
    alone = imply(RESULT, np.array([fine]), np.zeros(1))
    np.testing.assert_allclose(found.home_means[[0, 2]], alone.home_means[0], atol=1e-9)


def test_a_match_that_is_over_implies_nothing() -> None:
    none = np.zeros(1, dtype=np.int64)
    states = MatchStates(np.array([int(Period.FINISHED)]), np.zeros(1), np.array([np.nan]), *(none,) * 6)
    found = imply(RESULT, np.array([[0.5, 0.27, 0.23]]), np.zeros(1), states)
    assert found.flags.tolist() == [int(RowFlag.CLOCK_IMPOSSIBLE)]


def test_markets_that_are_not_on_the_final_score_are_refused() -> None:
    with pytest.raises(ModelInputInvalid):
        imply((("next_goal:1", "home"), ("1x2", "home")), np.array([[0.5, 0.4]]), np.zeros(1))
    with pytest.raises(ModelInputInvalid):
        imply(RESULT, np.array([[0.5, 0.4]]), np.zeros(1))
