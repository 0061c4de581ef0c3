"""The margin as one Jensen-Shannon divergence between each fair probability and its implied one.

Of the two, u is the higher one and u - d the lower; d, the fall, is what is looked for.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odds.margin.newton import find_roots
from odds.margin.rows import ONE, Columns, Flags, Solution, sum_outcomes

Floats = NDArray[np.float64]

FALL_MIN: Final = np.array(1e-18)
"""Keeps what is divided by above 0."""
FALL_SHARE_MAX: Final = np.array(1.0 - 1e-9)
"""What would fall by more than this share of itself would fall through 0: nothing is so far from it."""
NEXT_FALL_CHANGE_MAX: Final = 5e-14
"""Falls are no better than this, far below what a price shows: it saves most books a second step."""
TWO: Final = np.array(2.0)
NOTHING: Final = 1e-30
"""Where an outcome that is not there falls from: far too little to count."""


class _Falls(NamedTuple):
    falls: Floats
    divergences: Floats
    is_out_of_reach: Flags | None
    is_unfinished: Flags | None


def take_out_by_jensen_shannon(columns: Columns) -> Solution:
    """Lower each value by one divergence."""
    upper = columns.values
    found = _fall(upper, ONE - upper, columns.sums - columns.targets, 2.0 * columns.sums - columns.counts, columns)
    return Solution(upper - found.falls, found.divergences, found.is_out_of_reach, found.is_unfinished)


def put_on_by_jensen_shannon(columns: Columns) -> Solution:
    """Raise each value by one divergence: its complement falls by as much."""
    lower = columns.values
    found = _fall(ONE - lower, lower, columns.targets - columns.sums, columns.counts - 2.0 * columns.sums, columns)
    return Solution(lower + found.falls, found.divergences, found.is_out_of_reach, found.is_unfinished)


def _fall(upper: Floats, others: Floats, margins: Floats, leans: Floats, columns: Columns) -> _Falls:
    """Find falls of one divergence that sum to the margins; leans are what upper less others sum to."""
    is_there = columns.is_there
    if is_there is not None:
        upper, others = np.where(is_there, upper, NOTHING), np.where(is_there, others, 1.0)
    margins, deepest = abs(margins) + float(FALL_MIN), upper * FALL_SHARE_MAX
    start, bends = _first_falls(upper, others, margins, leans, is_there)
    falls, is_unfinished = find_roots(
        _step,
        start,
        upper,
        others,
        deepest,
        margins,
        bends=bends,
        next_move_max=NEXT_FALL_CHANGE_MAX,
    )
    is_too_deep: Flags = falls >= deepest
    if is_there is not None:
        is_too_deep &= is_there
    is_out_of_reach = np.logical_or.reduce(is_too_deep, 0) if np.count_nonzero(is_too_deep) else None
    one = 0 if is_there is None else (is_there.argmax(axis=0), np.arange(is_there.shape[1]))
    fourfold, _ = _measure(falls[one], upper[one], others[one])
    return _Falls(falls, 0.25 * fourfold, is_out_of_reach, is_unfinished)


def _first_falls(
    upper: Floats, others: Floats, margins: Floats, leans: Floats, is_there: Flags | None
) -> tuple[Floats, Floats]:
    """Return falls right to the fourth order of the angle between the values, and how much a step from there bends.

    With u = sin^2 b a fall by the angle a leaves sin^2(b - a), and the distance is a(1 - a^2 (2 - S)/(12 S)) where S is
    sin^2(2b - a). One tangent of a for all sums to the margin exactly; then each is corrected for its S.
    """
    roots = np.sqrt(upper * others)
    sums = sum_outcomes(roots)
    tangents = margins / (sums + np.sqrt(abs(sums * sums + (leans - margins) * margins)))
    squares = tangents * tangents
    leaning = (upper - others) * (0.5 * tangents)
    middles = roots + leaning
    slopes = middles + leaning
    falls = middles * (2.0 * tangents / (1.0 + squares))
    corrections = slopes / (falls * falls)
    if is_there is not None:
        corrections *= is_there
    total = sum_outcomes(corrections)
    strength = squares * squares * tangents / 3.0
    corrections *= strength
    corrections -= slopes * (strength * total / (sums + tangents * leans))
    corrections += falls
    # One over the sines of the angles from half, and how deep the deepest may fall: there the distance bends most.
    inverses = 2.0 * squares * total
    depths = 1.0 + 2.0 * tangents * inverses
    bends = inverses * depths * depths
    return corrections, bends * bends


def _step(falls: Floats, upper: Floats, others: Floats, deepest: Floats, margins: Floats) -> Floats:
    """Step towards equal distances and the wanted sum at once: the distance is nearly straight in the fall."""
    divergences, slopes = _measure(falls, upper, others)
    moves = np.sqrt(divergences)
    moves /= slopes
    divergences /= slopes
    divergences += divergences
    following = falls - divergences
    moves *= (margins - sum_outcomes(following)) / sum_outcomes(moves)
    following += moves
    stepped: Floats = np.fmin(np.fmax(following, FALL_MIN), deepest)
    return stepped


def _measure(falls: Floats, upper: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Return four times the divergences, and how fast that grows with the falls.

    Nothing cancels when the values are close.
    """
    lower = upper - falls
    sums = upper + lower
    other_sums = TWO - sums
    near, far = falls / sums, falls / other_sums
    nears, fars = np.log1p(-near * near), np.log1p(-far * far)
    log_ratios = np.log1p(falls / (others * lower))
    return falls * log_ratios + sums * nears + other_sums * fars, log_ratios + fars - nears
