"""The margin: taken out of a provider's prices, put onto our own.

Every function works on a batch: one market a row, NaN pads short rows. A row that has no solution (fewer than two
prices, a price not above 1.0, a sum out of reach) comes back as NaN throughout: that is its flag.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEPS_MAX = 64
SUM_ACCURACY = 2e-13
SUM_TOLERANCE = 1e-12


def remove_margin_multiplicative(decimal_odds: Floats, *, winner_counts: Floats) -> Floats:
    """Scale the implied probabilities to the sum they must have.

    Args:
        decimal_odds: Shape (n_markets, n_outcomes), each above 1.0; NaN where there is none.
        winner_counts: What each row's probabilities sum to: 1.0, or k where k outcomes win.

    Returns:
        Fair probabilities, same shape.
    """
    implied, solvable = _rows_inside_unit(_implied_probabilities(decimal_odds))
    sums = implied.sum(axis=0)
    fair = implied * (winner_counts / np.where(solvable, sums, 1.0))
    return _flagged(fair, solvable & (fair.max(axis=0) < 1.0), decimal_odds)


def remove_margin_by_power(decimal_odds: Floats, *, winner_counts: Floats) -> Floats:
    """Raise the implied probabilities to the power that makes them sum to what they must.

    A sum below it (an exchange's best prices) is solved as well, by a power below one.

    Args:
        decimal_odds: Shape (n_markets, n_outcomes), each above 1.0; NaN where there is none.
        winner_counts: What each row's probabilities sum to: 1.0, or k where k outcomes win.

    Returns:
        Fair probabilities, same shape, each solved row summing to its target within 1e-12.

    Source:
        Vovk and Zhdanov (2009); Clarke, Kovalchik and Ingram (2017).
    """
    return _scale_by_power(_implied_probabilities(decimal_odds), winner_counts)


def apply_margin_by_odds_ratio(fair_probabilities: Floats, *, overrounds: Floats) -> Floats:
    """Multiply all odds ratios p/(1-p) of a row by the one factor that makes the row sum to its overround.

    The factor is found by Newton's method from 1.0: the sum is concave in it, so that no step goes past the root.

    Args:
        fair_probabilities: Shape (n_markets, n_outcomes); NaN where there is none.
        overrounds: What each row is to sum to, at or above its present sum and below its number of outcomes.

    Returns:
        Implied probabilities with margin, same shape.

    Source:
        Cheung (2015).
    """
    fair, solvable = _rows_inside_unit(fair_probabilities)
    counts = np.count_nonzero(fair, axis=0)
    solvable &= (overrounds < counts) & (overrounds >= fair.sum(axis=0) - SUM_TOLERANCE)
    unlikely = 1.0 - fair
    spread = fair * unlikely

    def step(factors: Floats) -> tuple[Floats, Floats]:
        inverses = 1.0 / (unlikely + factors * fair)
        return (factors * fair * inverses).sum(axis=0) - overrounds, (spread * inverses * inverses).sum(axis=0)

    factors, is_solved = _newton(step, np.ones(len(solvable)), solvable)
    return _flagged(factors * fair / (unlikely + factors * fair), is_solved, fair_probabilities)


def apply_margin_by_power(fair_probabilities: Floats, *, overrounds: Floats) -> Floats:
    """Raise the fair probabilities to the power that makes each row sum to its overround.

    Args:
        fair_probabilities: Shape (n_markets, n_outcomes); NaN where there is none.
        overrounds: What each row is to sum to, below its number of outcomes.

    Returns:
        Implied probabilities with margin, same shape.
    """
    return _scale_by_power(fair_probabilities, overrounds)


def _scale_by_power(probabilities: Floats, targets: Floats) -> Floats:
    """Newton on sum(p^k) - target: convex and falling in k, so that from the left no step goes past the root."""
    inside, solvable = _rows_inside_unit(probabilities)
    is_there = inside > 0.0
    solvable &= (targets > 0.0) & (targets < np.count_nonzero(is_there, axis=0))
    logs = np.log(np.where(is_there, inside, 1.0))

    def step(powers: Floats) -> tuple[Floats, Floats]:
        raised = np.exp(powers * logs)
        raised *= is_there
        return raised.sum(axis=0) - targets, (raised * logs).sum(axis=0)

    start = np.where(inside.sum(axis=0) >= targets, 1.0, 0.0)
    powers, is_solved = _newton(step, start, solvable)
    scaled = np.exp(powers * logs)
    return _flagged(scaled, is_solved & (scaled > 0.0).all(axis=0), probabilities)


def _newton(step: Callable[[Floats], tuple[Floats, Floats]], start: Floats, solvable: Flags) -> tuple[Floats, Flags]:
    """Follow the tangents until no sum moves any more; `step` returns how far each sum is off, and its slope."""
    roots = start
    is_unsolvable = ~solvable
    for _ in range(STEPS_MAX):
        errors, slopes = step(roots)
        errors[is_unsolvable] = 0.0
        distances = np.abs(errors)
        if distances.max(initial=0.0) <= SUM_ACCURACY:
            break
        slopes[is_unsolvable] = 1.0
        roots = roots - errors / slopes
    return roots, solvable & (distances <= SUM_TOLERANCE)


def _implied_probabilities(decimal_odds: Floats) -> Floats:
    """Return one over the odds; what is no price makes its row unsolvable there, as 1.0 or more does."""
    is_price = ~(decimal_odds <= 1.0)
    return np.asarray(1.0 / np.where(is_price, decimal_odds, 1.0))


def _rows_inside_unit(probabilities: Floats) -> tuple[Floats, Flags]:
    """Return the rows turned into columns, 0 for NaN, and which can be solved; the others are 0 throughout.

    The long axis comes last, so that sums over outcomes run along it.
    """
    columns = np.ascontiguousarray(probabilities.T)
    is_there = columns == columns  # noqa: PLR0124 # NaN alone differs from itself
    is_inside = (columns > 0.0) & (columns < 1.0)
    solvable = (is_inside == is_there).all(axis=0) & (is_there.sum(axis=0) >= 2)
    return np.where(is_inside & solvable, columns, 0.0), solvable


def _flagged(columns: Floats, is_solved: Flags, given: Floats) -> Floats:
    """Return columns turned back into rows, NaN where nothing was given and throughout a row that was not solved."""
    return np.asarray(np.where(is_solved[:, None] & ~np.isnan(given), columns.T, np.nan))
