"""Newton's method for many books at once; those that are done are left out once they are most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEPS_MAX: Final = 60
NEXT_MOVE_MAX: Final = 2e-16
"""A root is found when its next step would be smaller than this, relative to 1 + root."""
MOVE_MAX: Final = 1e-12
"""Or when the last one was: what still moves then are the last digits."""
MOVE_MIN: Final = 1e-30
"""Keeps what is divided by above 0."""


def find_roots(step: Callable[..., Floats], start: Floats, *inputs: Floats) -> tuple[Floats, Flags | None]:
    """Step all roots until the next step would move none any more.

    Steps shrink quadratically: the next one is foretold as the last one times the square of what it is of the one
    before.

    Args:
        step: Takes roots and the inputs, returns the next roots; safe from wherever it leads.
        start: The last axis being the books, if there is a batch; several values a book are roots of one system.
        inputs: What the step needs, with the same last axis.

    Returns:
        The roots, and which are not found; None if all are.
    """
    roots, active = start, None
    current = start
    before = MOVE_MIN + 0.0 * start
    is_moving: Flags = np.zeros(0, dtype=np.bool_)
    for _ in range(STEPS_MAX):
        following = step(current, *inputs)
        moves = abs(following - current)
        current = following
        ratios = moves / before
        scale = 1.0 + abs(current)
        is_found = (moves <= MOVE_MAX * scale) | (ratios * ratios * moves <= NEXT_MOVE_MAX * scale)
        if is_found if is_found.ndim == 0 else np.count_nonzero(is_found) == is_found.size:
            return _merge(roots, active, current), None
        before = moves + MOVE_MIN
        is_moving = ~is_found if current.ndim == inputs[-1].ndim else ~np.logical_and.reduce(is_found, 0)
        if 2 * np.count_nonzero(is_moving) < is_moving.size:
            roots = _merge(roots, active, current)
            kept = np.flatnonzero(is_moving)
            active = kept if active is None else active[kept]
            current, before, inputs = current[..., kept], before[..., kept], tuple(item[..., kept] for item in inputs)
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
