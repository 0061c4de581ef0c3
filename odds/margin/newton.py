"""Newton's method for many books at once; those that are done are left out once they are most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.margin.rows import are_all, sum_outcomes

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEPS_MAX: Final = 60
NEXT_MOVE_MAX: Final = 1e-15
SQUARED_MOVE_MAX: Final = 1e-24
"""Or when the last one was, squared: what still moves then are the last digits."""
SQUARED_MOVE_MIN: Final = 1e-60
"""Keeps what is divided by above 0."""


def find_roots(
    step: Callable[..., Floats],
    start: Floats,
    *inputs: Floats,
    bends: Floats | None = None,
    next_move_max: float = NEXT_MOVE_MAX,
) -> tuple[Floats, Flags | None]:
    """Step all roots until the next step would move none any more.

    Steps shrink quadratically: the next one is foretold as the square of the last one times a factor, what that one was
    of the square of the one before if no better is known.

    Args:
        step: Takes roots and the inputs, returns the next roots; safe from wherever it leads.
        start: The last axis being the books, if there is a batch; several values a book are roots of one system.
        inputs: What the step needs, with the same last axis; the last one has one value a book.
        bends: The factor at most, a value a book, where it is known.
        next_move_max: A root is found when its next step would be smaller than this, relative to 1 + root.

    Returns:
        The roots, and which books' are not found; None if all are.
    """
    roots, active = start, None
    current = start
    is_system = start.ndim > inputs[-1].ndim
    before: Floats | float = SQUARED_MOVE_MIN
    is_moving: Flags
    for _ in range(STEPS_MAX):
        following = step(current, *inputs)
        moves = following - current
        squares = moves * moves
        current = following
        scale: Floats | float = 1.0
        if is_system:
            squares = sum_outcomes(squares)
        else:
            scale = 1.0 + abs(current)
        foretold = squares * (np.sqrt(squares) / before if bends is None else bends)
        is_found = (squares <= SQUARED_MOVE_MAX * scale * scale) | (foretold <= next_move_max * scale)
        if are_all(is_found):
            return _merge(roots, active, current), None
        before = squares + SQUARED_MOVE_MIN
        is_moving = ~is_found
        if 2 * np.count_nonzero(is_moving) < is_moving.size:
            roots = _merge(roots, active, current)
            kept = np.flatnonzero(is_moving)
            active = kept if active is None else active[kept]
            current, before, inputs = current[..., kept], before[kept], tuple(item[..., kept] for item in inputs)
            bends = None if bends is None else bends[kept]
            is_moving = is_moving[kept]
    if active is None:
        return current, is_moving
    is_unfinished = np.zeros(start.shape[-1], dtype=np.bool_)
    is_unfinished[active] = is_moving
    return _merge(roots, active, current), is_unfinished


def _merge(roots: Floats, active: NDArray[np.int64] | None, current: Floats) -> Floats:
    if active is None:
        return current
    merged = roots.copy()
    merged[..., active] = current
    return merged
