"""Goal models, refitted before every half-week on the matches before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import INFLATED_DRAWS, FittedGoalModel, GoalModelSpec, fit_goal_model, problem_of
from odds.models.football.results import MatchResults, decay_weights
from odds.models.football.score_grids import dixon_coles_grid
from studies.accuracy.history import Experience, experience_before, rest_leads
from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Advance = Callable[[], None]
"""Called after every refit."""

SCORE_CELLS: Final = 16
REST: Final = "rest_lead"


@dataclass(frozen=True, slots=True)
class WalkedModel:
    """Which model walks.

    Attributes:
        name: As tables call it.
        spec: What is fitted.
        has_rest: Whether the teams' days of rest are a covariate.
        gammas: Rue and Salvesen's adjustments to forecast with; 0.0 is none.
    """

    name: str
    spec: GoalModelSpec
    has_rest: bool = False
    gammas: tuple[float, ...] = (0.0,)


POISSON: Final = WalkedModel("Poisson", GoalModelSpec(GoalFamily.POISSON))
DIXON_COLES: Final = WalkedModel("Dixon-Coles", GoalModelSpec(GoalFamily.DIXON_COLES))
ADJUSTED: Final = WalkedModel(
    "Dixon-Coles, Rue-Salvesen", GoalModelSpec(GoalFamily.DIXON_COLES), gammas=(0.0, 0.05, 0.1, 0.15, 0.2)
)
RESTED: Final = WalkedModel("Dixon-Coles, days of rest", GoalModelSpec(GoalFamily.DIXON_COLES), has_rest=True)
BIVARIATE: Final = WalkedModel("bivariate Poisson", GoalModelSpec(GoalFamily.BIVARIATE_POISSON))
INFLATED: Final = WalkedModel(
    "bivariate Poisson, draws inflated", GoalModelSpec(GoalFamily.BIVARIATE_POISSON, INFLATED_DRAWS)
)
NEGATIVE_BINOMIAL: Final = WalkedModel("negative binomial", GoalModelSpec(GoalFamily.NEGATIVE_BINOMIAL))
CONWAY_MAXWELL: Final = WalkedModel("Conway-Maxwell", GoalModelSpec(GoalFamily.CONWAY_MAXWELL))
MODELS: Final = (POISSON, DIXON_COLES, ADJUSTED, RESTED, BIVARIATE, INFLATED, NEGATIVE_BINOMIAL, CONWAY_MAXWELL)


@dataclass(frozen=True, slots=True, eq=False)
class GoalForecasts:
    """What a walk forecast; NaN in seasons that it did not walk through.

    Attributes:
        probabilities: Home, draw and away, shape (n_gammas, n_matches, 3).
        over_probabilities: More than 2.5 goals, shape (n_gammas, n_matches).
        rhos: Dixon and Coles's rho of the model, shape (n_matches,).
    """

    probabilities: Floats
    over_probabilities: Floats
    rhos: Floats


def walk_goal_model(
    table: MatchTable, model: WalkedModel, half_life_days_by_year: Mapping[int, float], advance: Advance
) -> GoalForecasts:
    """Forecast every match of some seasons by a model fitted to what was before its half-week.

    Args:
        table: All matches.
        model: What to fit.
        half_life_days_by_year: The seasons to forecast, and after how many days a match counts for half in each.
        advance: Called after every refit.
    """
    count = len(table.days)
    forecasts = GoalForecasts(
        np.full((len(model.gammas), count, 3), np.nan),
        np.full((len(model.gammas), count), np.nan),
        np.full(count, np.nan),
    )
    leads = rest_leads(table)
    half_weeks = table.half_weeks
    for year, half_life_days in half_life_days_by_year.items():
        before = experience_before(table, year)
        season = np.flatnonzero(table.season_years == year)
        fitted: FittedGoalModel | None = None
        for half_week in np.unique(half_weeks[season]).tolist():
            known = before.joined(Experience.of(table, season[table.days[season] < half_week]))
            weights = known.shares * decay_weights(
                (half_week - table.days[known.sources]).astype(np.float64),
                decay_per_day=float(np.log(2.0)) / half_life_days,
            )
            results = _results(table, known, weights, leads if model.has_rest else None)
            start = None if fitted is None else _warm_start(fitted, results)
            fitted = fit_goal_model(results, model.spec, start=start)
            rows = season[half_weeks[season] == half_week]
            _forecast(table, rows, model, fitted, leads=leads, forecasts=forecasts)
            advance()
    return forecasts


def refits_of(table: MatchTable, years: Mapping[int, float]) -> int:
    """Return how often a walk through these seasons fits."""
    return sum(len(np.unique(table.half_weeks[table.season_years == year])) for year in years)


def _results(table: MatchTable, known: Experience, weights: Floats, leads: Floats | None) -> MatchResults:
    covariates = None if leads is None else leads[known.sources, None]
    return MatchResults.of(
        [table.teams[team] for team in known.home.tolist()],
        [table.teams[team] for team in known.away.tolist()],
        table.home_goals[known.sources],
        table.away_goals[known.sources],
        weights=weights,
        covariate_names=() if leads is None else (REST,),
        home_covariates=covariates,
        away_covariates=None if covariates is None else -covariates,
    )


def _warm_start(fitted: FittedGoalModel, results: MatchResults) -> Floats | None:
    """Return the last fit's parameters as a start; the teams are those of the season, so they line up."""
    if fitted.teams != results.teams:
        return None
    parameters = np.array(
        [
            fitted.intercept,
            fitted.home_advantage,
            *fitted.attack[:-1],
            *fitted.defence[:-1],
            *fitted.covariates,
            *fitted.extras.values(),
        ]
    )
    return parameters if len(parameters) == len(problem_of(results, fitted.spec).start()) else None


def _forecast(
    table: MatchTable,
    rows: Counts,
    model: WalkedModel,
    fitted: FittedGoalModel,
    *,
    leads: Floats,
    forecasts: GoalForecasts,
) -> None:
    names = [[table.teams[team] for team in side[rows].tolist()] for side in (table.home, table.away)]
    covariates = leads[rows, None] if model.has_rest else None
    forecasts.rhos[rows] = fitted.rho
    for place, gamma in enumerate(model.gammas):
        adjusted = fitted.adjusted_for_strength(gamma)
        means = adjusted.goal_means(
            *names, home_covariates=covariates, away_covariates=None if covariates is None else -covariates
        )
        grids = _score_grids(adjusted, *means)
        forecasts.probabilities[place, rows] = chances_of_results(grids)
        forecasts.over_probabilities[place, rows] = 1.0 - grids[:, UNDER].sum(axis=1)


def _score_grids(fitted: FittedGoalModel, home_means: Floats, away_means: Floats) -> Floats:
    """Return score grids; a rho that fits the past but not a match's means gives way to the nearest that does."""
    if fitted.spec.family is not GoalFamily.DIXON_COLES:
        return fitted.score_grid(home_means, away_means, size=SCORE_CELLS)
    lowest = np.maximum(-1.0 / home_means, -1.0 / away_means)
    highest = np.minimum(1.0 / (home_means * away_means), 1.0)
    return dixon_coles_grid(home_means, away_means, np.clip(fitted.rho, lowest, highest), size=SCORE_CELLS)


def chances_of_results(grids: Floats) -> Floats:
    """Return home, draw and away of score grids, shape (n, 3)."""
    sides = [np.tril(grids, -1).sum(axis=(1, 2)), np.triu(grids, 1).sum(axis=(1, 2))]
    draws = np.trace(grids, axis1=1, axis2=2)
    return np.stack([sides[0], draws, sides[1]], axis=1)


UNDER: Final = np.add.outer(np.arange(SCORE_CELLS), np.arange(SCORE_CELLS)) < 3
"""Cells of a score grid with fewer than three goals."""
