"""In which minutes goals fall: how likely those to come keep to what legs ask of their minutes.

Given how many goals each half still has, they fall at independent times drawn from the shape of the scoring rate,
whoever scores them and in whatever order. That a goal falls in a band says that fewer have fallen when the band begins
and at least as many when it ends; that there is none, that fewer have fallen in the end. So what legs ask permits some
numbers of goals at the end of each band: the share of courses that keep to them is found by one recursion over the
bands, the last first, for all numbers of goals to come at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Final

import numpy as np

from odds.models.football.match_states import HALF_MINUTES
from odds.models.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS
from odds.models.football.score_grids import Flags, Floats

ANSWERS: Final = len(MINUTE_BANDS) + 1
"""To when a numbered goal falls: a band, or none behind them, in the order of the catalogue's outcomes."""
MINUTE_CONDITIONS: Final = tuple(range(ANSWERS * len(NUMBERED_GOALS)))
"""All that can be asked: every answer for each numbered goal."""
GOALS_TOLD_MAX: Final = NUMBERED_GOALS[-1]
"""So many goals, or more, are all the same to what can be asked."""

_FIRST_HALF_BANDS: Final = sum(end <= HALF_MINUTES for end in MINUTE_BANDS)
_BANDS_BY_HALF: Final = range(_FIRST_HALF_BANDS), range(_FIRST_HALF_BANDS, len(MINUTE_BANDS))
_COUNTS_CACHED_MAX: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class GoalMinutes:
    """How many of the goals that a half has left when a band begins fall in it.

    Attributes:
        goals_so_far: When this begins.
        exactly: Chance of so many, by how many are left, shape (n_bands, GOALS_TOLD_MAX, n_counts).
        enough: Chance that the goals told before the band become GOALS_TOLD_MAX in it, by how many those are and how
            many are left, shape (n_bands, GOALS_TOLD_MAX + 1, n_counts).
    """

    goals_so_far: int
    exactly: Floats
    enough: Floats

    def chances(self, asked: Sequence[frozenset[int]]) -> Floats:
        """Return how likely goals fall in the minutes asked, given how many each half still has.

        Args:
            asked: Sets of `MINUTE_CONDITIONS` about goals to come, each to hold together.

        Returns:
            Shape (n_sets, n_counts, n_counts): by goals to come before half-time, then after it. What cannot be is 0.0.
        """
        permitted = np.stack([_permitted()[list(conditions)].all(axis=0) for conditions in asked])
        first, second = (self._half_chances(permitted, bands) for bands in _BANDS_BY_HALF)
        counts = np.arange(self.exactly.shape[2])
        so_far, at_half_time = (np.minimum(self.goals_so_far + count, GOALS_TOLD_MAX) for count in (0, counts))
        return np.asarray(first[:, so_far, :, None] * second[:, at_half_time])

    def _half_chances(self, permitted: Flags, bands: range) -> Floats:
        """Return the chances for one half, shape (n_sets, goals told before it, goals it has)."""
        size = self.exactly.shape[2]
        chances = np.ones((len(permitted), GOALS_TOLD_MAX + 1, size))
        for band in reversed(bands):
            after = chances * permitted[:, band, :, None]
            # Once all that can be asked about has fallen, how many goals are left no longer matters.
            chances = after[:, GOALS_TOLD_MAX:, :1] * self.enough[band]
            for fallen in range(GOALS_TOLD_MAX):
                reached = after[:, fallen:GOALS_TOLD_MAX, : size - fallen]
                chances[:, : GOALS_TOLD_MAX - fallen, fallen:] += reached * self.exactly[band, fallen, fallen:]
        return chances


def goal_minutes(shares_after: Floats, *, goals_so_far: int, goals_to_come_max: int) -> GoalMinutes:
    """Return how the goals to come spread over the bands.

    Args:
        shares_after: Share of the goals to come that falls after the end of each band, shape (n_bands,).
        goals_so_far: Of both sides.
        goals_to_come_max: Up to how many a half can have.
    """
    before = np.concatenate([[1.0], shares_after[:-1]])
    ends = np.concatenate([np.full(len(bands), shares_after[bands[-1]]) for bands in _BANDS_BY_HALF])
    left = before - ends
    # Of what its half has left when a band begins; where that is nothing, no goal is left to fall either.
    falls = np.divide(before - shares_after, left, out=np.ones_like(left), where=left > 0.0).clip(0.0, 1.0)
    counts = np.arange(goals_to_come_max + 1)
    picked, passed = falls[:, None] ** counts, (1.0 - falls)[:, None] ** counts
    masses = _binomials(len(counts)) * picked[:, :, None] * passed[:, np.maximum(counts - counts[:, None], 0)]
    at_least = np.cumsum(masses[:, ::-1], axis=1)[:, ::-1]
    return GoalMinutes(goals_so_far, masses[:, :GOALS_TOLD_MAX].copy(), at_least[:, GOALS_TOLD_MAX::-1].copy())


@lru_cache(maxsize=_COUNTS_CACHED_MAX)
def _binomials(size: int) -> Floats:
    """Return in how many ways some of a number of goals can be picked, shape (picked, of how many)."""
    return np.array([[comb(goals, picked) for goals in range(size)] for picked in range(size)], dtype=np.float64)


@lru_cache(maxsize=1)
def _permitted() -> Flags:
    """Return which numbers of goals each condition permits at the end of each band.

    Returns:
        Shape (n_conditions, n_bands, GOALS_TOLD_MAX + 1).
    """
    told = np.arange(GOALS_TOLD_MAX + 1)
    permitted = np.ones((len(MINUTE_CONDITIONS), len(MINUTE_BANDS), len(told)), dtype=np.bool_)
    for condition in MINUTE_CONDITIONS:
        number, answer = divmod(condition, ANSWERS)
        if answer < len(MINUTE_BANDS):
            permitted[condition, answer] = told >= NUMBERED_GOALS[number]
        if answer > 0:
            permitted[condition, answer - 1] = told < NUMBERED_GOALS[number]
    return permitted
