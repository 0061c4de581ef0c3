"""How good forecasts were: scores, calibration, and the value of bets against closing prices.

Scores come one a forecast, so that differences between models keep their pairs; `mean_of` adds the standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean with its standard error, NaN for a single value."""

    mean: float
    standard_error: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often things forecast with about the same probability came true; each of shape (n_bins,), no bin empty.

    Attributes:
        counts: Forecasts in the bin.
        forecast_means: Their mean.
        frequencies: Part of them that came true.
        standard_errors: Of the frequencies, if the forecasts are right.
    """

    counts: Counts
    forecast_means: Floats
    frequencies: Floats
    standard_errors: Floats

    def error(self) -> float:
        """Return the expected calibration error: mean distance of forecasts and frequencies, weighted by counts."""
        return float(np.average(np.abs(self.forecast_means - self.frequencies), weights=self.counts))


def ranked_probability_scores(probabilities: Floats, results: Counts) -> Floats:
    """Return how far forecasts were from results in an order, 0.0 to 1.0, lower being better.

    Args:
        probabilities: Shape (n_forecasts, n_outcomes), outcomes in their order, each row summing to 1.0.
        results: Shape (n_forecasts,), the column that came true.

    Source:
        Epstein (1969); Constantinou and Fenton (2012).
    """
    _check(probabilities, results)
    distances = np.cumsum(probabilities - _indicators(probabilities, results), axis=1)[:, :-1]
    return np.asarray((distances**2).mean(axis=1))


def brier_scores(probabilities: Floats, results: Counts) -> Floats:
    """Return the squared distances of forecasts and results over all outcomes, 0.0 to 2.0; arguments as above."""
    _check(probabilities, results)
    return np.asarray(((probabilities - _indicators(probabilities, results)) ** 2).sum(axis=1))


def log_losses(probabilities: Floats, results: Counts) -> Floats:
    """Return minus the natural logarithm of what came true; infinite where that was held impossible."""
    _check(probabilities, results)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(probabilities[np.arange(len(results)), results]))


def mean_of(values: Floats) -> MeanEstimate:
    """Return the mean of independent values with its standard error.

    For the difference between two models give the differences of their scores, match by match.
    """
    if not len(values):
        raise ModelInputInvalid("At least 1 value was expected, was none")
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return MeanEstimate(float(np.mean(values)), spread / float(np.sqrt(len(values))), len(values))


def calibrate(probabilities: Floats, happened: NDArray[np.bool_], *, bins: int) -> Calibration:
    """Sort forecasts into bins of equal counts and compare them with what happened.

    Args:
        probabilities: Shape (n_forecasts,), each 0.0 to 1.0; for outcomes of many matches, flattened.
        happened: Shape (n_forecasts,), whether each came true.
        bins: How many, at most the number of forecasts.

    Raises:
        ModelInputInvalid: If a forecast is no probability, or there are fewer than bins.
    """
    is_valid = (probabilities >= 0.0) & (probabilities <= 1.0)
    require(is_valid, expected="Probabilities must be 0.0 to 1.0", found=probabilities)
    if not 1 <= bins <= len(probabilities):
        raise ModelInputInvalid(f"Bins must be 1 to {len(probabilities)}, was {bins}")
    order = np.argsort(probabilities, kind="stable")
    parts = [(probabilities[part], happened[part]) for part in np.array_split(order, bins)]
    counts = np.array([len(forecasts) for forecasts, _ in parts], dtype=np.int64)
    variances = np.array([(forecasts * (1.0 - forecasts)).sum() for forecasts, _ in parts])
    return Calibration(
        counts=counts,
        forecast_means=np.array([forecasts.mean() for forecasts, _ in parts]),
        frequencies=np.array([came_true.mean() for _, came_true in parts]),
        standard_errors=np.sqrt(variances) / counts,
    )


def closing_line_values(taken_decimal_odds: Floats, closing_fair_odds: Floats) -> Floats:
    """Return by how much the odds taken beat the fair odds at the close: 0.05 for 5 %; negative if they do not.

    Args:
        taken_decimal_odds: Any shape, each above 1.0.
        closing_fair_odds: Same shape, without margin.
    """
    for odds in (taken_decimal_odds, closing_fair_odds):
        require(np.asarray(odds > 1.0), expected="Decimal odds must be above 1.0", found=odds)
    return np.asarray(taken_decimal_odds / closing_fair_odds - 1.0)


def _indicators(probabilities: Floats, results: Counts) -> Floats:
    return np.asarray(np.arange(probabilities.shape[1]) == results[:, None], dtype=np.float64)


def _check(probabilities: Floats, results: Counts) -> None:
    is_valid = (probabilities >= 0.0) & (probabilities <= 1.0)
    require(is_valid, expected="Probabilities must be 0.0 to 1.0", found=probabilities)
    sums = probabilities.sum(axis=1)
    require(np.abs(sums - 1.0) <= SUM_TOLERANCE, expected="Probabilities must sum to 1.0", found=sums)
    is_valid = (results >= 0) & (results < probabilities.shape[1])
    require(is_valid, expected=f"Results must be 0 to {probabilities.shape[1] - 1}", found=results)
