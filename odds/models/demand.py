"""How many bets a price draws, in a model of demand, and the price at which the house gains most from them.

A bet that pays 1.0 costs its implied probability u and wins with its fair probability p. Bets come at the rate

    lambda(p, u) = p / (1 - p) * (1 - u) / u

relative to that at the fair price, so the house gains lambda (u - p) in the mean, which as a function of u is
p / (1 - p) * (1 + p - u - p / u): greatest where u^2 = p.

This demand falls slowly with the price: two even outcomes are best quoted at 1.41 each. It tells which way and how
unevenly a house without rivals would lean, not what a house among others can ask.

Source:
    Lorig, Zhou and Zou (2021), Optimal bookmaking, European Journal of Operational Research; arXiv 1907.01056.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]


def bet_intensities(fair_probabilities: Floats, implied_probabilities: Floats) -> Floats:
    """Return how many bets come for each that would come at the fair price.

    Args:
        fair_probabilities: Any shape, the first axis being the row; each above 0.0 and below 1.0.
        implied_probabilities: Same shape, 1 / decimal odds; above 0.0 and below 1.0.

    Returns:
        Same shape, above 0.0.

    Raises:
        ModelInputInvalid: If shapes differ or a probability is out of range or NaN.
    """
    if fair_probabilities.shape != implied_probabilities.shape:
        shapes = (fair_probabilities.shape, implied_probabilities.shape)
        raise ModelInputInvalid(f"Probabilities of one shape were expected, their shapes were {shapes}")
    _expect_inside_unit("Fair", fair_probabilities)
    _expect_inside_unit("Implied", implied_probabilities)
    return np.asarray(_chance_ratios(fair_probabilities) / _chance_ratios(implied_probabilities))


def expected_gain_rates(fair_probabilities: Floats, implied_probabilities: Floats) -> Floats:
    """Return the house's mean gain, a bet paying 1.0, in the time in which one bet would come at the fair price.

    Arguments, shape and errors are those of `bet_intensities`; below 0.0 where the implied probability is too low.
    """
    intensities = bet_intensities(fair_probabilities, implied_probabilities)
    return np.asarray(intensities * (implied_probabilities - fair_probabilities))


def best_implied_probabilities(fair_probabilities: Floats) -> Floats:
    """Return the implied probability at which the house's expected gain is greatest.

    Args:
        fair_probabilities: Any shape, the first axis being the row; each above 0.0 and below 1.0.

    Returns:
        Same shape, above the fair probabilities.

    Raises:
        ModelInputInvalid: If a probability is out of range or NaN.
    """
    _expect_inside_unit("Fair", fair_probabilities)
    return np.sqrt(fair_probabilities)


def _chance_ratios(probabilities: Floats) -> Floats:
    return np.asarray(probabilities / (1.0 - probabilities))


def _expect_inside_unit(name: str, probabilities: Floats) -> None:
    is_inside = (probabilities > 0.0) & (probabilities < 1.0)
    require(is_inside, expected=f"{name} probabilities must be above 0.0 and below 1.0", found=probabilities)
