"""Conway-Maxwell-Poisson counts through their means: less varied than Poisson counts, as varied, or more.

Masses are in proportion to rate^count / count!^upsilon. An upsilon of 1.0 is Poisson, above it counts vary less, below
it more; the rate is not the mean and has no closed form of it, so it is searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]

MEAN_MAX: Final = 30.0
UPSILON_MIN: Final = 0.3
UPSILON_MAX: Final = 5.0
BOUND_ROUNDING: Final = 1e-3
"""By how much a difference quotient taken at a bound of upsilon may pass it, relative to it."""
CELLS_MIN: Final = 160
"""At the largest mean and the least upsilon the counts beyond have less than 1e-18 together."""
STEPS_MAX: Final = 20
"""Six are enough from where the search begins."""
TOLERANCE: Final = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class ConwayMaxwellCounts:
    """Distributions of counts that share an upsilon.

    Attributes:
        upsilon: 0.3 to 5.0.
        log_rates: Shape (n,).
        log_sums: Logarithms of what the masses are divided by, shape (n,).
        masses: Shape (n, n_cells), each row summing to 1.0.
    """

    upsilon: float
    log_rates: Floats
    log_sums: Floats
    masses: Floats

    @classmethod
    def of_means(cls, means: Floats, upsilon: float, *, cells: int = CELLS_MIN) -> ConwayMaxwellCounts:
        """Find the distributions of these means, met within about 1e-13 of each.

        Args:
            means: Shape (n,), above 0.0, at most 30.0.
            upsilon: 0.3 to 5.0.
            cells: From 0 to as many counts; 160 are always taken.

        Raises:
            ModelInputInvalid: If a mean or upsilon is out of range or NaN.

        Source:
            Huang (2017), Statistical Modelling 17:359, for the parametrisation by the mean.
        """
        if not UPSILON_MIN * (1.0 - BOUND_ROUNDING) <= upsilon <= UPSILON_MAX * (1.0 + BOUND_ROUNDING):
            raise ModelInputInvalid(f"Upsilon must be {UPSILON_MIN} to {UPSILON_MAX}, was {upsilon}")
        is_valid = (means > 0.0) & (means <= MEAN_MAX)
        require(is_valid, expected=f"Means must be above 0.0, at most {MEAN_MAX}", found=means)
        counts = np.arange(max(cells, CELLS_MIN), dtype=np.float64)
        penalties = upsilon * gammaln(counts + 1.0)
        log_means = np.log(means)
        # The rate is the mean of count^upsilon, hence beyond mean^upsilon on one side. The slope of the log mean in the
        # log rate goes from 1 to 1 / upsilon, hence the rate is beyond the mean on the same side, and Newton's steps
        # from the nearer of the two keep to that side.
        nearer = np.maximum if upsilon > 1.0 else np.minimum
        log_rates = nearer(log_means, upsilon * log_means)
        for _ in range(STEPS_MAX):
            log_sums, masses = _masses_of(log_rates, counts, penalties)
            found = masses @ counts
            variances = masses @ counts**2 - found**2
            steps = (log_means - np.log(found)) * found / variances
            log_rates = log_rates + steps
            if np.abs(steps).max(initial=0.0) <= TOLERANCE * max(1.0, float(np.abs(log_rates).max(initial=0.0))):
                break
        log_sums, masses = _masses_of(log_rates, counts, penalties)
        return cls(upsilon, log_rates, log_sums, masses)


def _masses_of(log_rates: Floats, counts: Floats, penalties: Floats) -> tuple[Floats, Floats]:
    logs = log_rates[:, None] * counts - penalties
    peaks = logs.max(axis=1)
    weights = np.exp(logs - peaks[:, None])
    sums = weights.sum(axis=1)
    return peaks + np.log(sums), weights / sums[:, None]
