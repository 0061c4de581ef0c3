"""In which order goals fall: how likely paths of the score keep to what legs ask of them.

Given how many goals each side scores before half-time and after it, all orders of the goals of a half are equally
likely, so that the last of x home and y away goals is the home side's with x/(x + y). What legs ask of the order, "home
scores the third goal", "away is first to two", forbids single steps of the path, whatever came before: the share of
paths left is found by one recursion over the steps, for all scores at half-time at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from odds.models.football.order_of_goals import NUMBERED_GOALS, RACES
from odds.models.football.score_grids import Flags, Floats, Integers

HOME, NONE, AWAY = range(3)
"""Who scores a numbered goal, or wins a race, in the order of the catalogue's outcomes."""
SIDES_ASKED: Final = 3
CONDITIONS: Final = tuple(range(SIDES_ASKED * (len(NUMBERED_GOALS) + len(RACES))))
"""All that can be asked: each of the three for each numbered goal, then for each race."""

Score = tuple[int, int]


def path_chances(score: Score, splits: Integers, size: int, asked: Sequence[frozenset[int]]) -> Floats:
    """Return how likely the order of goals is as asked, given how many goals each half has.

    Args:
        score: Goals so far, home then away, each below `size`.
        splits: Shape (4, n_splits): home and away goals at half-time, then after it; each below `size`.
        size: Cells a side of a half's grid.
        asked: Sets of `CONDITIONS`, each to hold together.

    Returns:
        Shape (n_sets, n_splits); NaN throughout sets that ask about what is past.
    """
    half_time = np.maximum(splits[:2], np.array(score)[:, None])
    final = np.maximum(splits[:2] + splits[2:], half_time)
    walks = _walk(np.stack([_permitted(score, conditions, 2 * size) for conditions in asked]), size)
    before, after = half_time - np.array(score)[:, None], np.minimum(final - half_time, size - 1)
    chances = walks[before[0], before[1], :, score[0], score[1]]
    chances *= walks[after[0], after[1], :, np.minimum(half_time[0], size - 1), np.minimum(half_time[1], size - 1)]
    for place, conditions in enumerate(asked):
        for condition in conditions:
            chances[:, place] *= _ends(score, condition, final)
    return np.ascontiguousarray(chances.T)


def _walk(permitted: Flags, size: int) -> Floats:
    """Return the share of paths left, by steps taken and start.

    Args:
        permitted: Shape (n_sets, 2, 2 * size, 2 * size): whether home, and away, may score from a score.
        size: Steps a side, and starts a side.

    Returns:
        Shape (size, size, n_sets, size, size): home and away goals, set, home and away score at the start.
    """
    walks = np.zeros((size, size, len(permitted), size, size))
    walks[0, 0] = 1.0
    steps = permitted.astype(np.float64)
    for home in range(size):
        for away in range(size):
            if home:
                reached = walks[home - 1, away] * steps[:, 0, home - 1 : home - 1 + size, away : away + size]
                walks[home, away] += reached * (home / (home + away))
            if away:
                reached = walks[home, away - 1] * steps[:, 1, home : home + size, away - 1 : away - 1 + size]
                walks[home, away] += reached * (away / (home + away))
    return walks


def _permitted(score: Score, conditions: frozenset[int], size: int) -> Flags:
    """Return from which scores home, and away, may score, shape (2, size, size)."""
    home, away = np.indices((size, size))
    permitted = np.ones((2, size, size), dtype=np.bool_)
    for condition in conditions:
        number, side = divmod(condition, SIDES_ASKED)
        if side == NONE or is_past(score, condition):
            continue
        if number < len(NUMBERED_GOALS):
            forbidden = home + away == NUMBERED_GOALS[number] - 1
        else:
            goals = RACES[number - len(NUMBERED_GOALS)]
            forbidden = (away == goals - 1) & (home < goals) if side == HOME else (home == goals - 1) & (away < goals)
        permitted[1 if side == HOME else 0] &= ~forbidden
    return permitted


def _ends(score: Score, condition: int, final: Integers) -> Flags | Floats:
    """Return whether a final score leaves what is asked possible: whether the goal, or the winner, is there or not."""
    number, side = divmod(condition, SIDES_ASKED)
    if is_past(score, condition):
        return np.full(final.shape[1], np.nan)
    if number < len(NUMBERED_GOALS):
        is_there = final[0] + final[1] >= NUMBERED_GOALS[number]
    else:
        is_there = np.maximum(final[0], final[1]) >= RACES[number - len(NUMBERED_GOALS)]
    return np.asarray(is_there != (side == NONE))


def is_past(score: Score, condition: int) -> bool:
    """Return whether what is asked about has happened already."""
    number = condition // SIDES_ASKED
    if number < len(NUMBERED_GOALS):
        return sum(score) >= NUMBERED_GOALS[number]
    return max(score) >= RACES[number - len(NUMBERED_GOALS)]
