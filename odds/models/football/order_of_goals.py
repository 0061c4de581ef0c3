"""Who scores which goal, who gets to n first, and when the next goal falls.

Given how many goals each side still scores, every order of them is equally likely, and their times are independent
draws from the shape of the scoring rate: both sides' rates rise and fall together. So all of this follows from the
final score.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Final

import numpy as np

from odds.models.football.match_states import MatchStates
from odds.models.football.score_grids import Floats, Integers, shift_masses

NUMBERED_GOALS: Final = (1, 2, 3, 4, 5, 6)
RACES: Final = (2, 3)
MINUTE_BANDS: Final = (15, 30, 45, 60, 75, 90)
ORDERS_CACHED_MAX: Final = 128


def order_probabilities(full_time: Floats, states: MatchStates, size: int) -> Floats:
    """Return who scores each numbered goal and wins each race.

    Args:
        full_time: Distribution of the final score, shape (n, size^2).
        states: Where the matches stand, n of them.
        size: Cells a side.

    Returns:
        Shape (n, 3 * (n_goals + n_races)): home, none, away of each numbered goal, then of each race. NaN where it has
        happened and the score does not tell who it was.
    """
    probabilities = np.empty((len(full_time), 3 * (len(NUMBERED_GOALS) + len(RACES))))
    keys = states.home_goals * (size + 1) + states.away_goals
    for key in np.unique(keys).tolist():
        rows = np.flatnonzero(keys == key)
        home, away = divmod(int(key), size + 1)
        part = full_time if len(rows) == len(full_time) else full_time[rows]
        probabilities[rows] = part @ order_matrix(home, away, size)
    return probabilities


@lru_cache(maxsize=ORDERS_CACHED_MAX)
def order_matrix(home_now: int, away_now: int, size: int) -> Floats:
    """Return, for each final score, the chances of every scorer and winner given the score now.

    Returns:
        Shape (size^2, 3 * (n_goals + n_races)), columns as in `order_probabilities`; scores out of reach have zeros.
    """
    columns = [_scorer_columns(goal, home_now, away_now, size) for goal in NUMBERED_GOALS]
    columns += [_race_columns(goals, home_now, away_now, size) for goals in RACES]
    return np.asarray(np.concatenate(columns, axis=1))


def next_goal_minutes(full_time: Floats, states: MatchStates, shares_after: Floats, size: int) -> Floats:
    """Return in which band of minutes the next goal falls.

    Args:
        full_time: Distribution of the final score, shape (n, size^2).
        states: Where the matches stand, n of them.
        shares_after: Share of the scoring to come that is after the end of each band, shape (n, n_bands).
        size: Cells a side.

    Returns:
        Shape (n, n_bands + 1): the bands, then no further goal.
    """
    left = full_time @ _totals(size)
    so_far = states.home_goals + states.away_goals
    if so_far.any():
        left = shift_down(left, so_far)
    survival = np.zeros_like(shares_after)
    for goals in range(left.shape[1] - 1, -1, -1):
        survival *= shares_after
        survival += left[:, goals, None]
    survival[shares_after >= 1.0] = 1.0
    ones = np.ones((len(survival), 1))
    until = np.hstack([ones, survival])
    return np.asarray(np.maximum(np.hstack([until[:, :-1] - until[:, 1:], survival[:, -1:]]), 0.0))


def shift_down(masses: Floats, offsets: Integers) -> Floats:
    """Move each row's distribution down by its offset, which it has no mass below."""
    return np.asarray(shift_masses(masses[:, ::-1], offsets)[:, ::-1])


def _scorer_columns(goal: int, home_now: int, away_now: int, size: int) -> Floats:
    home, away = np.divmod(np.arange(size * size), size)
    to_come = np.maximum(home - home_now, 0) + np.maximum(away - away_now, 0)
    if goal <= home_now + away_now:
        return _settled(None if home_now and away_now else (1.0, 0.0) if home_now else (0.0, 1.0), len(home))
    happens = home + away >= goal
    share = np.divide(np.maximum(home - home_now, 0), to_come, out=np.zeros(len(to_come)), where=to_come > 0)
    return np.stack([happens * share, ~happens, happens * (1.0 - share)], axis=1)


def _race_columns(goals: int, home_now: int, away_now: int, size: int) -> Floats:
    home, away = np.divmod(np.arange(size * size), size)
    if max(home_now, away_now) >= goals:
        both = min(home_now, away_now) >= goals
        return _settled(None if both else (1.0, 0.0) if home_now >= goals else (0.0, 1.0), len(home))
    chances = [
        first_chances(goals - home_now, goals - away_now, max(h - home_now, 0), max(a - away_now, 0))
        for h, a in zip(home.tolist(), away.tolist(), strict=True)
    ]
    wins = np.array(chances)
    return np.stack([wins[:, 0], 1.0 - wins.sum(axis=1), wins[:, 1]], axis=1)


def _settled(chances: tuple[float, float] | None, score_count: int) -> Floats:
    row = (np.nan, np.nan, np.nan) if chances is None else (chances[0], 0.0, chances[1])
    return np.tile(np.array(row), (score_count, 1))


def first_chances(home_needs: int, away_needs: int, home_left: int, away_left: int) -> tuple[float, float]:
    """Return the chances that home, and that away, is first to what it needs, all orders being equally likely."""
    if home_left < home_needs:
        return 0.0, float(away_left >= away_needs)
    if away_left < away_needs:
        return 1.0, 0.0
    orders = comb(home_left + away_left, home_left)
    won = sum(
        comb(home_needs - 1 + away_before, away_before)
        * comb(home_left - home_needs + away_left - away_before, away_left - away_before)
        for away_before in range(away_needs)
    )
    return won / orders, 1.0 - won / orders


@lru_cache(maxsize=8)
def _totals(size: int) -> Floats:
    home, away = np.divmod(np.arange(size * size), size)
    matrix = np.zeros((size * size, 2 * size - 1))
    matrix[np.arange(size * size), home + away] = 1.0
    return matrix
