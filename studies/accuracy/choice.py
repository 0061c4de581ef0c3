"""Settings chosen season by season on the seasons before, and the forecaster that knows only how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studies.accuracy.history import forecast_years
from studies.accuracy.metrics import log_losses
from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]


def choose_settings(table: MatchTable, probabilities: Floats) -> dict[int, int]:
    """Return, by season, the setting whose mean log loss over all earlier forecasts was lowest.

    Args:
        table: All matches.
        probabilities: Forecasts under each setting, shape (n_settings, n_matches, 3); NaN where there are none.

    Returns:
        The first setting for the first season: there is nothing before it to choose by.
    """
    results = table.results
    years = forecast_years(table)
    chosen = {}
    for year in years:
        earlier = np.isin(table.season_years, [other for other in years if other < year])
        losses = [float(log_losses(each[earlier], results[earlier]).sum()) for each in probabilities]
        chosen[year] = int(np.argmin(losses))
    return chosen


def take_chosen(table: MatchTable, values: Floats, chosen: dict[int, int]) -> Floats:
    """Return each season's forecasts under its setting.

    Args:
        table: All matches.
        values: Shape (n_settings, n_matches, ...).
        chosen: Setting by season.

    Returns:
        Shape (n_matches, ...); NaN in seasons without a setting.
    """
    taken = np.full(values.shape[1:], np.nan)
    for year, place in chosen.items():
        rows = table.season_years == year
        taken[rows] = values[place, rows]
    return taken


def base_rates(table: MatchTable, happened: NDArray[np.bool_]) -> Floats:
    """Return how often each outcome happened in all matches before the half-week, same shape as `happened`.

    Args:
        table: All matches.
        happened: Shape (n_matches, n_outcomes).
    """
    half_weeks = table.half_weeks
    before = np.searchsorted(table.days, half_weeks, side="left")
    sums = np.concatenate([np.zeros((1, happened.shape[1])), np.cumsum(happened, axis=0)])
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[before] / before[:, None])
