"""The margin as one Jensen-Shannon divergence between each fair probability and its implied one."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.margin.newton import find_roots
from odds.margin.rows import Columns, Flags, Solution

Floats = NDArray[np.float64]

HALF_DISTANCE_MIN: Final = 1e-18
DISTANCE_MIN: Final = 1e-36
"""Keep what is divided by above 0."""
MISMATCH_MAX: Final = 1e-6
"""How far apart, relative to them, the distances of a book's outcomes may be when it counts as solved."""

_sum = np.add.reduce


def take_out_by_jensen_shannon(columns: Columns) -> Solution:
    """Lower each value by one divergence."""
    return _lower(columns.values, columns.targets, columns)


def put_on_by_jensen_shannon(columns: Columns) -> Solution:
    """Raise each value by one divergence: its complement is lowered by the same."""
    solution = _lower(1.0 - columns.values, columns.counts - columns.targets, columns)
    return Solution(1.0 - solution.values, solution.parameters, solution.is_out_of_reach, solution.is_unfinished)


def _lower(upper: Floats, targets: Floats, columns: Columns) -> Solution:
    """Step towards equal distances and the wanted sum at once.

    The distance is the square root of the divergence, nearly straight in the lower value.
    """
    is_there: Flags | float = 1.0
    if columns.is_there is not None:
        is_there = columns.is_there
        upper = np.where(is_there, upper, 0.5)

    def step(lower: Floats, upper: Floats, weights: Floats, targets: Floats) -> Floats:
        distances, slopes = _distances(lower, upper)
        tangents = lower - distances * slopes
        common = (targets - _sum(weights * tangents, 0)) / _sum(weights * slopes, 0)
        following = tangents + np.maximum(common, DISTANCE_MIN) * slopes
        stepped: Floats = np.minimum(np.maximum(following, 0.1 * lower), upper)
        return stepped

    weights = np.multiply(is_there, np.ones_like(upper))
    spread = upper * (1.0 - upper)
    reach = np.sqrt(spread)
    share = (_sum(weights * upper, 0) - targets) / _sum(weights * reach, 0)
    start = _first_guess(upper, spread, np.minimum(share, 1.0))
    lower, is_unfinished = find_roots(step, start, upper, weights, targets)
    distances, _ = _distances(lower, upper)
    common = _sum(weights * distances, 0) / columns.counts
    gaps = (weights * abs(distances - common)).max(axis=0)
    is_mismatched = ~(gaps <= MISMATCH_MAX * (common + MISMATCH_MAX))
    return Solution(lower, common * common, is_mismatched if np.count_nonzero(is_mismatched) else None, is_unfinished)


def _first_guess(upper: Floats, spread: Floats, share: Floats) -> Floats:
    """Return lower values whose squared half distance is m(1 - m) times one number, m being the middle."""
    quarter = 0.25 * share * share
    linear = quarter * (0.5 - upper)
    half = (np.sqrt(linear * linear + (1.0 + quarter) * quarter * spread) - linear) / (1.0 + quarter)
    return np.asarray(np.maximum(upper - 2.0 * half, 0.05 * upper))


def _distances(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return the roots of the divergences, and how fast the lower values move with them.

    Written in the half distance over the middle: what cancels when the values are close costs no accuracy in them.
    """
    half = np.maximum(0.5 * (upper - lower), HALF_DISTANCE_MIN)
    middle = upper - half
    others = 1.0 - middle
    near, far = half / middle, half / others
    below, above = np.log1p(-near), np.log1p(near)
    unlikely, likely = np.log1p(far), np.log1p(-far)
    inner = below - unlikely
    divergences = middle * (below + above)
    divergences += others * (unlikely + likely)
    divergences += half * (above - likely - inner)
    distances = np.sqrt(np.maximum(0.5 * divergences, DISTANCE_MIN))
    return distances, 4.0 * distances / inner
