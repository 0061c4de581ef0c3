"""A few steps of Newton's method on many rows at once, with slopes by differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS_MAX: Final = 12
LOGIT_ERROR_MAX: Final = 1e-3


def solve_logits(
    chances: Callable[[Floats], Floats], wanted: Floats, start: Floats, *, probe: float, step_max: float
) -> Floats:
    """Return what makes the chances those wanted, one a row; the rows do not depend on each other.

    Args:
        chances: Of shape (n,), rising in what it is given.
        wanted: Shape (n,); where it is NaN the start is returned.
        start: Shape (n,).
        probe: How far beside the slope is looked at.
        step_max: The longest step.
    """
    at, target = start.copy(), to_logits(wanted)
    for _ in range(STEPS_MAX):
        here = to_logits(chances(at))
        misses = np.where(np.isnan(target), 0.0, target - here)
        if not (np.abs(misses) > LOGIT_ERROR_MAX).any():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            steps = misses * probe / (to_logits(chances(at + probe)) - here)
        at = at + np.where(np.isfinite(steps), np.clip(steps, -step_max, step_max), np.sign(misses) * step_max)
    return at


def to_logits(chances: Floats) -> Floats:
    """Return the logarithms of the odds, those of next to none or all cut off."""
    inside = np.clip(chances, 1e-9, 1.0 - 1e-9)
    return np.asarray(np.log(inside / (1.0 - inside)))
