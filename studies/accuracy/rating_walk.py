"""Elo and Pi ratings, turned into home, draw and away by an ordered logit fitted to earlier seasons."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from studies.accuracy.history import forecast_years, leavers_and_newcomers
from studies.accuracy.ratings import (
    EloSettings,
    PiSettings,
    PlayedMatches,
    fit_ordered_logit,
    rate_by_elo,
    rate_by_pi,
)
from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ELO: Final = EloSettings(
    step=np.array([20.0, 10.0, 20.0, 40.0, 5.0, 10.0, 40.0]),
    margin_power=np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
    home_advantage=np.full(7, 65.0),
)
"""Settings among which earlier seasons choose; the first is for the first season, which has none before it."""
PI: Final = PiSettings(
    learning_rate=np.array([0.035, 0.035, 0.06, 0.06, 0.1, 0.1]),
    catch_up_rate=np.array([0.7, 0.4, 0.7, 0.4, 0.7, 0.4]),
)
"""Likewise; the first is the paper's."""


def walk_elo(table: MatchTable) -> Floats:
    """Return forecasts under every setting, shape (n_settings, n_matches, 3); NaN in opening seasons."""
    ratings = np.zeros((len(ELO.step), len(table.teams)))
    expected = np.empty((len(ELO.step), len(table.days)))
    for year in table.years():
        rows = _season(table, year)
        ratings = _promote(table, year, ratings)
        rated = rate_by_elo(_played(table, rows), ELO, ratings)
        ratings, expected[:, rows] = rated.ratings, rated.forecasts
    return _chances(table, np.asarray(logit(expected)))


def walk_pi(table: MatchTable) -> Floats:
    """Return forecasts under every setting, shape (n_settings, n_matches, 3); NaN in opening seasons."""
    ratings = np.zeros((len(PI.learning_rate), len(table.teams), 2))
    expected = np.empty((len(PI.learning_rate), len(table.days)))
    for year in table.years():
        rows = _season(table, year)
        ratings = _promote(table, year, ratings)
        rated = rate_by_pi(_played(table, rows), PI, ratings)
        ratings, expected[:, rows] = rated.ratings, rated.forecasts
    return _chances(table, expected)


def _season(table: MatchTable, year: int) -> Flags:
    return np.asarray(table.season_years == year)


def _played(table: MatchTable, rows: Flags) -> PlayedMatches:
    return PlayedMatches(table.home[rows], table.away[rows], table.home_goals[rows], table.away_goals[rows])


def _promote(table: MatchTable, year: int, ratings: Floats) -> Floats:
    """Return ratings for a season's start: newcomers take the mean of the relegated; after a gap all are equal."""
    if year - 1 not in table.years():
        return np.zeros_like(ratings)
    leavers, newcomers = leavers_and_newcomers(table, year - 1)
    if leavers:
        ratings[:, newcomers] = ratings[:, leavers].mean(axis=1, keepdims=True)
    return ratings


def _chances(table: MatchTable, differences: Floats) -> Floats:
    """Turn what tells the teams apart into chances, season by season, by the seasons before.

    Opening seasons, in which ratings start from nothing, teach the second season and none after it.
    """
    chances = np.full((*differences.shape, 3), np.nan)
    forecast = forecast_years(table)
    is_settled = np.isin(table.season_years, forecast)
    for year in forecast:
        earlier = table.season_years < year
        lessons = earlier & is_settled if (earlier & is_settled).any() else earlier
        rows = _season(table, year)
        for place, difference in enumerate(differences):
            model = fit_ordered_logit(difference[lessons], table.results[lessons])
            chances[place, rows] = model.probabilities(difference[rows])
    return chances
