"""Whether what a game returned is what it says it returns, as far as so many rounds can tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

from casino.par_sheet import ParSheet

Z_MAX: Final = 3.2905
"""A fair game is further off once in a thousand times."""
ROUNDS_MIN: Final = 100_000
"""Of fewer nothing is said."""


@dataclass(frozen=True, slots=True)
class Return:
    """What a version of a game returned.

    Attributes:
        rounds: How many were played.
        mean: Mean of the win of a round, in units of its stake.
        z: How many of its own deviations that mean is off what it says.
    """

    rounds: int
    mean: float
    z: float

    @property
    def is_known(self) -> bool:
        """Return whether there are enough rounds to say anything."""
        return self.rounds >= ROUNDS_MIN

    @property
    def is_off(self) -> bool:
        """Return whether it is further off than chance explains."""
        return self.is_known and abs(self.z) > Z_MAX


def return_of(sheet: ParSheet, *, rounds: int, mean: float) -> Return:
    """Return what at least one round says of a game."""
    return Return(rounds, mean, (mean - float(sheet.rtp)) * sqrt(rounds) / sheet.deviation)


def drift_max(sheet: ParSheet, rounds: int) -> float:
    """Return how far off so many rounds of a fair game are, at most, but once in a thousand times."""
    return Z_MAX * sheet.deviation / sqrt(rounds)
