"""Score effects on the scoring rates, and the counts of corners and cards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from markets.fixture import Period
from odds.model_input import ModelInputInvalid, RowFlag
from odds.models.football.count_markets import CARDS, CORNERS, CountPrices, price_counts
from odds.models.football.markets import MatchPrices, price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.score_effects import ScoreEffects, price_matches_with_score_effects

NO_EFFECTS = ScoreEffects((1.0,) * 5, (1.0,) * 5)
CHASING = ScoreEffects((1.3, 1.2, 1.0, 0.9, 0.8), (0.8, 0.9, 1.0, 1.2, 1.3))


def live() -> MatchStates:
    columns = [[0, 1, 2, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    periods = [Period.NOT_STARTED, Period.HALF_TIME, Period.SECOND_HALF, Period.FIRST_HALF]
    return MatchStates(
        np.array([int(period) for period in periods]),
        np.array([0.0, 45.0, 70.0, 30.0]),
        np.full(4, np.nan),
        *(np.array(column) for column in columns),
    )


def with_effects(effects: ScoreEffects) -> MatchPrices:
    return price_matches_with_score_effects(
        np.array([1.5, 0.9, 2.1, 1.2]),
        np.array([1.2, 1.4, 0.8, 1.0]),
        effects=effects,
        states=live(),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )


def test_without_effects_the_chain_prices_as_independent_sides_do() -> None:
    plain = price_matches(
        np.array([1.5, 0.9, 2.1, 1.2]),
        np.array([1.2, 1.4, 0.8, 1.0]),
        rhos=np.zeros(4),
        states=live(),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    chain = with_effects(NO_EFFECTS)
    np.testing.assert_allclose(chain.win_weights, plain.win_weights, atol=1e-6)


def test_sides_that_chase_draw_more_often() -> None:
    column = with_effects(CHASING).catalogue.column("1x2", "draw")
    assert with_effects(CHASING).win_weights[0, column] > with_effects(NO_EFFECTS).win_weights[0, column] + 0.005


def test_results_at_half_time_and_at_the_end_agree_under_effects() -> None:
    prices = with_effects(CHASING)
    column = prices.catalogue.column
    for half_time in ("home", "draw", "away"):
        pairs = [column("half_time_full_time", f"{half_time}/{final}") for final in ("home", "draw", "away")]
        half = prices.win_weights[:, column("first_half_1x2", half_time)]
        np.testing.assert_allclose(prices.win_weights[:, pairs].sum(axis=1), half, atol=1e-9)
        pairs = [column("half_time_full_time", f"{first}/{half_time}") for first in ("home", "draw", "away")]
        final = prices.win_weights[:, column("1x2", half_time)]
        np.testing.assert_allclose(prices.win_weights[:, pairs].sum(axis=1), final, atol=1e-6)


def test_effects_out_of_range_are_refused() -> None:
    with pytest.raises(ModelInputInvalid):
        with_effects(ScoreEffects((0.0, 1.0, 1.0, 1.0, 1.0), (1.0,) * 5))


def count(dispersion: float = 0.0, share: float = 1.0, so_far: tuple[int, int] = (0, 0)) -> CountPrices:
    return price_counts(
        CORNERS,
        np.array([5.5]),
        np.array([4.5]),
        dispersion=dispersion,
        shares_left=np.array([share]),
        home_counts=np.array([so_far[0]]),
        away_counts=np.array([so_far[1]]),
    )


def probability(prices: CountPrices, market_id: str, outcome_id: str) -> float:
    return float(prices.fair_probabilities[0, prices.layout.outcome_index(market_id, outcome_id)])


def test_corners_follow_poisson_counts() -> None:
    prices = count()
    assert probability(prices, "corners_total:9.5", "over") == pytest.approx(poisson.sf(9, 10.0), abs=1e-9)
    assert probability(prices, "home_corners_total:5.5", "under") == pytest.approx(poisson.cdf(5, 5.5), abs=1e-9)
    most = [probability(prices, "most_corners", outcome_id) for outcome_id in ("home", "draw", "away")]
    assert sum(most) == pytest.approx(1.0)
    assert most[0] > most[2]


def test_dispersed_counts_follow_the_negative_binomial() -> None:
    expected = nbinom.sf(5, 1 / 0.2, 1 / (1 + 0.2 * 5.5))
    assert probability(count(0.2), "home_corners_total:5.5", "over") == pytest.approx(expected, abs=1e-9)


def test_counts_so_far_are_added_to_what_is_to_come() -> None:
    half_way = count(0.0, 0.5, (4, 3))
    assert probability(half_way, "corners_total:9.5", "over") == pytest.approx(poisson.sf(2, 5.0), abs=1e-9)
    over = count(0.1, 0.0, (6, 5))
    assert probability(over, "corners_total:10.5", "over") == pytest.approx(1.0)
    assert probability(over, "most_corners", "home") == pytest.approx(1.0)


def test_cards_have_their_own_lines() -> None:
    prices = price_counts(
        CARDS,
        np.array([1.7, np.nan]),
        np.array([2.1, 2.0]),
        dispersion=0.1,
        shares_left=np.ones(2),
        home_counts=np.zeros(2, dtype=np.int64),
        away_counts=np.zeros(2, dtype=np.int64),
    )
    assert 0.3 < probability(prices, "cards_total:3.5", "over") < 0.6
    assert prices.flags.tolist() == [0, int(RowFlag.GOAL_MEANS_OUT_OF_RANGE)]
    assert np.isnan(prices.fair_probabilities[1]).all()
