"""Games of goals by periods: chances against distributions worked out otherwise, and prices back to means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson, skellam

from odds.models.goal_games import (
    GoalForecast,
    GoalScores,
    final_scores,
    goal_market_chances,
    goal_markets,
    imply_forecast,
    period_chances,
    result_chances,
    win_after_draw,
)

HOME, AWAY = 3.3, 2.7


def forecast(*, factor: float = 1.0, home: float = HOME, away: float = AWAY) -> GoalForecast:
    return GoalForecast(np.array([home]), np.array([away]), np.array([factor]))


def scores(home: int = 0, away: int = 0, *, left: float = 1.0) -> GoalScores:
    return GoalScores(np.array([home]), np.array([away]), np.array([left]))


def chance(market_id: str, outcome_id: str, model: GoalForecast, at: GoalScores) -> float:
    column = goal_markets().outcome_index(market_id, outcome_id)
    return float(goal_market_chances(final_scores(model, at), np.array([column]))[0, 0])


def test_the_result_is_that_of_the_difference_of_two_poisson_counts() -> None:
    expected = [skellam.sf(0, HOME, AWAY), skellam.pmf(0, HOME, AWAY), skellam.cdf(-1, HOME, AWAY)]
    assert result_chances(forecast(), scores())[0] == pytest.approx(expected, abs=1e-9)
    assert expected[1] == pytest.approx(0.162148, abs=1e-6)


def test_a_lead_late_in_the_game_is_worth_what_the_goals_to_come_leave() -> None:
    left = 1.0 / 3.0
    expected = [skellam.sf(-1, 1.1, 0.9), skellam.pmf(-1, 1.1, 0.9), skellam.cdf(-2, 1.1, 0.9)]
    assert result_chances(forecast(), scores(2, 1, left=left))[0] == pytest.approx(expected, abs=1e-9)
    assert result_chances(forecast(factor=1.4), scores(2, 2, left=0.0))[0].tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.5])
def test_draws_come_oftener_by_their_factor_and_the_rest_keep_their_shares(factor: float) -> None:
    plain, weighted = (result_chances(forecast(factor=item), scores())[0] for item in (1.0, factor))
    draw = plain[1]
    assert weighted[1] == pytest.approx(factor * draw / (1.0 - draw + factor * draw))
    assert weighted[0] / weighted[2] == pytest.approx(plain[0] / plain[2])


@pytest.mark.parametrize(
    ("market_id", "outcome_id", "expected"),
    [
        ("total:5.5", "over", poisson.sf(5, 6.0)),
        ("total:6", "over", poisson.sf(6, 6.0) / (1.0 - poisson.pmf(6, 6.0))),
        (
            "total:5.75",
            "over",
            (poisson.sf(5, 6.0) - poisson.pmf(6, 6.0) / 2.0) / (1.0 - poisson.pmf(6, 6.0) / 2.0),
        ),
        ("home_total:3.5", "under", poisson.cdf(3, 3.3)),
        ("handicap:-1.5", "home", skellam.sf(1, 3.3, 2.7)),
        ("handicap:1", "away", skellam.cdf(-2, 3.3, 2.7) / (1.0 - skellam.pmf(-1, 3.3, 2.7))),
        ("draw_no_bet", "home", skellam.sf(0, 3.3, 2.7) / (1.0 - skellam.pmf(0, 3.3, 2.7))),
        ("double_chance", "1x", skellam.sf(-1, 3.3, 2.7)),
        ("btts", "yes", poisson.sf(0, 3.3) * poisson.sf(0, 2.7)),
        ("correct_score", "3-2", poisson.pmf(3, 3.3) * poisson.pmf(2, 2.7)),
    ],
)
def test_markets_on_goals_have_the_chances_of_their_counts(market_id: str, outcome_id: str, expected: float) -> None:
    assert chance(market_id, outcome_id, forecast(), scores()) == pytest.approx(expected, abs=1e-8)


def test_a_line_that_is_passed_is_certain_and_one_that_all_is_handed_back_on_has_no_chance() -> None:
    assert chance("total:4.5", "over", forecast(), scores(3, 2, left=0.1)) == pytest.approx(1.0)
    assert np.isnan(chance("total:5", "over", forecast(), scores(3, 2, left=0.0)))


def test_a_period_is_a_third_of_the_game_and_its_draws_are_not_weighted() -> None:
    expected = [skellam.sf(0, 1.1, 0.9), skellam.pmf(0, 1.1, 0.9), skellam.cdf(-1, 1.1, 0.9)]
    assert period_chances(forecast(factor=1.5), scores(left=1.0 / 3.0))[0] == pytest.approx(expected, abs=1e-9)


def test_what_is_level_goes_to_the_next_goal() -> None:
    assert win_after_draw(forecast())[0] == pytest.approx(0.55)


def columns(*outcomes: tuple[str, str]) -> np.ndarray:
    return np.array([goal_markets().outcome_index(*outcome) for outcome in outcomes])


TARGETS = columns(
    *(("1x2", outcome) for outcome in ("home", "draw", "away")),
    *((f"total:{line}", "over") for line in ("4.5", "5.5", "6.5")),
    ("handicap:-1.5", "home"),
)
WEIGHTS = np.array([3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("home", "away", "factor", "at"),
    [
        (3.3, 2.7, 1.45, scores()),
        (0.8, 4.6, 1.0, scores()),
        (7.5, 6.0, 0.9, scores()),
        (3.3, 2.7, 1.45, scores(1, 2, left=0.45)),
    ],
)
def test_prices_lead_back_to_the_means_they_were_made_of(
    home: float, away: float, factor: float, at: GoalScores
) -> None:
    told = goal_market_chances(final_scores(forecast(home=home, away=away, factor=factor), at), TARGETS)
    found = imply_forecast(told, TARGETS, WEIGHTS, scores=at, start=forecast(home=3.0, away=3.0))
    parameters = (found.forecast.home_means[0], found.forecast.away_means[0], found.forecast.draw_factors[0])
    assert parameters == pytest.approx((home, away, factor), rel=5e-3)
    assert found.errors[0] < 1e-4


def test_what_prices_leave_open_stays_where_it_was() -> None:
    told = np.full((1, len(TARGETS)), np.nan)
    found = imply_forecast(told, TARGETS, WEIGHTS, scores=scores(), start=forecast(factor=1.3))
    assert found.forecast.draw_factors[0] == pytest.approx(1.3)
    assert found.forecast.home_means[0] == pytest.approx(HOME)
    assert found.errors[0] == 0.0


def test_prices_that_no_goals_explain_are_far_from_the_model() -> None:
    told = np.array([[0.9, 0.05, 0.05, 0.1, 0.5, 0.9, 0.02]])
    assert imply_forecast(told, TARGETS, WEIGHTS, scores=scores(), start=forecast()).errors[0] > 0.1
