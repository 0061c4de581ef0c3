"""Games of goals by periods, a draw played on: both sides' goals as independent Poisson counts, draws weighted.

The goals to come of either side are Poisson with the share of its mean for which time is left in the periods. Games end
level oftener than that, since both sides then wait for overtime, so that draws are weighted by a factor of their own:
means and factor are what the prices of result, totals and handicaps imply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.football.selections import ScoreMarketLines, Selection, quarter_lines, score_selections
from markets.layout import MarketLayout
from odds.model_input import count_rows
from odds.models.football.score_grids import independent_grid, poisson_masses, shift_masses

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LINES: Final = ScoreMarketLines(
    totals=quarter_lines(0.5, 14.5),
    team_totals=quarter_lines(0.5, 8.5),
    handicaps=quarter_lines(-6.0, 6.0),
    european_handicaps=(-4, -3, -2, -1, 1, 2, 3, 4),
    correct_score_goals_max=5,
    margin_max=4,
    exact_goals_max=9,
    team_exact_goals_max=5,
    goal_ranges=(),
)
SIZE: Final = 32
"""Cells of a side's goals; what is beyond is in the last two."""
GOALS_MAX: Final = 20
"""So far, of a side: of more than so many nothing is said."""
STEPS_MAX: Final = 25
STEP_MAX: Final = 0.5
STEP_TOLERANCE: Final = 1e-4
PROBE: Final = 1e-5
HOLD: Final = 1e-6
"""How much a parameter is held where it was, beside squared errors of chances: late in a game prices say little."""
LOG_MEAN_MIN, LOG_MEAN_MAX = float(np.log(0.02)), float(np.log(12.0))
LOG_FACTOR_MAX: Final = 1.5


@dataclass(frozen=True, slots=True)
class GoalForecast:
    """What games are expected to come to; each of shape (n_games,).

    Attributes:
        home_means: Goals of all periods, from 0.02 to 12.
        away_means: The same.
        draw_factors: How much oftener a level score comes than two independent counts make it; 1.0 for as often.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    home_means: Floats
    away_means: Floats
    draw_factors: Floats

    def __post_init__(self) -> None:
        count_rows(self.home_means, self.away_means, self.draw_factors)

    def rows(self, positions: Integers) -> GoalForecast:
        """Return the games at these positions."""
        return GoalForecast(self.home_means[positions], self.away_means[positions], self.draw_factors[positions])


@dataclass(frozen=True, slots=True)
class GoalScores:
    """Where games stand; each of shape (n_games,).

    Attributes:
        home_goals: Of the periods so far, 0 to 20; of overtime none.
        away_goals: The same.
        share_left: Of the time of all periods, 0.0 to 1.0.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    home_goals: Integers
    away_goals: Integers
    share_left: Floats

    def __post_init__(self) -> None:
        count_rows(self.home_goals, self.away_goals, self.share_left)


@dataclass(frozen=True, slots=True, eq=False)
class ImpliedForecast:
    """What prices imply, and how far the model stays from them: root of the weighted mean squared difference."""

    forecast: GoalForecast
    errors: Floats


@lru_cache(maxsize=1)
def goal_markets() -> MarketLayout:
    """Return all markets on the score of the periods, their outcomes in the order of the columns here."""
    columns = [(selection.market_id, selection.outcome_id) for selection in _selections()]
    markets = groupby(columns, lambda column: column[0])
    return MarketLayout.of_markets((market_id, tuple(outcome for _, outcome in group)) for market_id, group in markets)


def final_scores(forecast: GoalForecast, scores: GoalScores) -> Floats:
    """Return the joint distribution of the goals of both sides after all periods, shape (n_games, SIZE, SIZE)."""
    grid = _unweighted(forecast, scores)
    level = np.arange(SIZE)
    grid[:, level, level] *= forecast.draw_factors[:, None]
    grid /= grid.sum(axis=(1, 2))[:, None, None]
    return grid


def goal_market_chances(grid: Floats, columns: Integers) -> Floats:
    """Return the chance of each outcome on the score of the periods, what is handed back set aside.

    Args:
        grid: As `final_scores` returns it.
        columns: Of `goal_markets`, shape (n_columns,).

    Returns:
        Shape (n_games, n_columns); NaN where all is handed back.
    """
    win, lose = _matrices()
    flat = grid.reshape(len(grid), -1)
    won, lost = flat @ win[columns].T, flat @ lose[columns].T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(won / (won + lost))


def result_chances(forecast: GoalForecast, scores: GoalScores) -> Floats:
    """Return the chances of home, draw and away after all periods, shape (n_games, 3)."""
    return _results(final_scores(forecast, scores))


def period_chances(forecast: GoalForecast, scores: GoalScores) -> Floats:
    """Return the same of one period: the goals in it so far, and the share of the time of all periods that it has left.

    Draws are not weighted: nothing is played on after a period.
    """
    return _results(_unweighted(forecast, scores))


def win_after_draw(forecast: GoalForecast) -> Floats:
    """Return the home side's chance to win what is level: to score the next goal, shape (n_games,)."""
    return forecast.home_means / (forecast.home_means + forecast.away_means)


def imply_forecast(
    targets: Floats, columns: Integers, weights: Floats, *, scores: GoalScores, start: GoalForecast
) -> ImpliedForecast:
    """Find the means and factors whose prices come nearest to the targets, in squares, all games at once.

    Args:
        targets: Fair probabilities, what is handed back set aside, shape (n_games, n_columns); NaN where there is none.
        columns: Of `goal_markets`, shape (n_columns,).
        weights: How much the squared error of each counts, shape (n_columns,).
        scores: Where the games stand.
        start: Where to begin; what the targets leave open stays there.
    """
    counted = np.where(np.isnan(targets), 0.0, weights)
    counted /= np.maximum(counted.sum(axis=1), 1e-12)[:, None]
    wanted = np.nan_to_num(targets)

    def misses(at: Floats) -> Floats:
        found = goal_market_chances(final_scores(_forecast_of(at), scores), columns)
        return np.where(counted > 0.0, np.nan_to_num(found) - wanted, 0.0)

    begin = np.log(np.stack([start.home_means, start.away_means, start.draw_factors], axis=1))
    at, here = begin.copy(), misses(begin)
    for _ in range(STEPS_MAX):
        slopes = np.stack([(misses(at + PROBE * unit) - here) / PROBE for unit in np.eye(3)], axis=2)
        weighted = slopes * counted[:, :, None]
        curvature = np.einsum("nki,nkj->nij", weighted, slopes) + HOLD * np.eye(3)
        downhill = np.einsum("nki,nk->ni", weighted, here) + HOLD * (at - begin)
        steps = np.clip(-np.linalg.solve(curvature, downhill[:, :, None])[:, :, 0], -STEP_MAX, STEP_MAX)
        at = _bounded(at + steps)
        here = misses(at)
        if not (np.abs(steps) > STEP_TOLERANCE).any():
            break
    return ImpliedForecast(_forecast_of(at), np.sqrt((counted * here**2).sum(axis=1)))


def _forecast_of(parameters: Floats) -> GoalForecast:
    return GoalForecast(*np.exp(parameters).T)


def _bounded(parameters: Floats) -> Floats:
    least = np.array([LOG_MEAN_MIN, LOG_MEAN_MIN, -LOG_FACTOR_MAX])
    return np.clip(parameters, least, np.array([LOG_MEAN_MAX, LOG_MEAN_MAX, LOG_FACTOR_MAX]))


def _unweighted(forecast: GoalForecast, scores: GoalScores) -> Floats:
    sides = (
        shift_masses(poisson_masses(means * scores.share_left, size=SIZE), goals)
        for means, goals in ((forecast.home_means, scores.home_goals), (forecast.away_means, scores.away_goals))
    )
    return independent_grid(*sides)


def _results(grid: Floats) -> Floats:
    above = np.tri(grid.shape[1], k=-1)
    home, away = np.einsum("nij,ij->n", grid, above), np.einsum("nij,ji->n", grid, above)
    return np.stack([home, np.einsum("nii->n", grid), away], axis=1)


@lru_cache(maxsize=1)
def _selections() -> tuple[Selection, ...]:
    home, away = np.divmod(np.arange(SIZE * SIZE), SIZE)
    return tuple(score_selections(home, away, LINES, prefix=""))


@lru_cache(maxsize=1)
def _matrices() -> tuple[Floats, Floats]:
    """Return what wins and what loses at each score, shape (n_columns, SIZE * SIZE) each."""
    return np.stack([item.win for item in _selections()]), np.stack([item.lose for item in _selections()])
