"""The joint distribution of one match, score by score: goals before half-time and after it, both sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from kernel.errors import DomainError
from odds.football.catalogue import Catalogue, catalogue, full_time_matrix, half_matrix
from odds.football.order_of_goals import NUMBERED_GOALS, RACES, first_chances
from odds.football.score_grids import Floats, Integers, dixon_coles_factors
from odds.football.score_views import SIZES, GoalsToCome, GridSizes, half_masses

SCORE_SIZES = (SIZES[0], SIZES[1])
"""Grids of the joint distribution; matches that need a larger one are refused."""


class LegNotCombinable(DomainError):
    """A leg asks for more than the joint distribution holds."""

    reason: ClassVar[str] = "LEG_NOT_COMBINABLE"


@dataclass(frozen=True, slots=True, eq=False)
class HalfScores:
    """Every split of goals over halves, one row each: what each view makes of it.

    Attributes:
        home: Goals at half-time and after it, shape (2, n_scores).
        away: As many.
        full_time: Cell of the final score grid.
        halves: Cell of the first half's grid, and of the second's, shape (2, n_scores).
        results: Column of the (half-time, full-time) results.
        totals: Column of the half with more goals.
    """

    home: Integers
    away: Integers
    full_time: Integers
    halves: Integers
    results: Integers
    totals: Integers


@dataclass(frozen=True, slots=True, eq=False)
class MatchScores:
    """Probabilities of every split of goals over halves.

    Attributes:
        probabilities: Shape (n_scores,), summing to 1.0.
        score: Goals so far, home then away.
    """

    sizes: GridSizes
    scores: HalfScores
    probabilities: Floats
    score: tuple[int, int]

    def stake_weights(self, column: int) -> tuple[Floats, Floats]:
        """Return which part of a stake on an outcome of the catalogue wins, and loses, at each split of goals.

        For outcomes about the order of goals it is the chance of that order, given the split.

        Raises:
            LegNotCombinable: If the outcome depends on more than the goals and their order.
        """
        columns = catalogue()
        if column < columns.full_time_count:
            matrix = full_time_matrix(self.sizes)
            return matrix.win[self.scores.full_time, column], matrix.lose[self.scores.full_time, column]
        if column < columns.results_begin:
            half, place = divmod(column - columns.full_time_count, columns.half_count)
            matrix = half_matrix(self.sizes)
            return matrix.win[self.scores.halves[half], place], matrix.lose[self.scores.halves[half], place]
        wins = self._other_wins(columns, column)
        return wins, 1.0 - wins

    def is_about_order(self, column: int) -> bool:
        """Return whether an outcome is about the order of the goals."""
        return catalogue().orders_begin <= column < catalogue().minutes_begin

    def read(self, measure: Floats) -> tuple[Floats, Floats]:
        """Return how much of a measure wins and how much loses for every outcome of the catalogue.

        Args:
            measure: A weight for each split of goals, shape (n_scores,).

        Returns:
            Two rows of shape (n_outcomes,); NaN where an outcome cannot be read from the splits.
        """
        columns = catalogue()
        final, halves = full_time_matrix(self.sizes), half_matrix(self.sizes)
        views = [(np.bincount(self.scores.full_time, measure, minlength=self.sizes.full_time**2), final)]
        views += [(np.bincount(cells, measure, minlength=self.sizes.half**2), halves) for cells in self.scores.halves]
        win, lose = (np.full(columns.layout.outcome_count, np.nan) for _ in range(2))
        win[: columns.results_begin] = np.concatenate([view @ matrix.win for view, matrix in views])
        lose[: columns.results_begin] = np.concatenate([view @ matrix.lose for view, matrix in views])
        for column in range(columns.results_begin, columns.minutes_begin):
            wins, loses = self.stake_weights(column)
            win[column], lose[column] = measure @ wins, measure @ loses
        return win, lose

    def _other_wins(self, columns: Catalogue, column: int) -> Floats:
        if column < columns.results_begin + 9:
            return np.asarray((self.scores.results == column - columns.results_begin).astype(np.float64))
        if column < columns.orders_begin:
            return np.asarray((self.scores.totals == column - columns.results_begin - 9).astype(np.float64))
        if column >= columns.minutes_begin:
            raise LegNotCombinable("A leg must be about goals and their order, was about minutes")
        number, side = divmod(column - columns.orders_begin, 3)
        return _order_wins(self.sizes, self.score, number)[:, side]


def match_scores(goals: GoalsToCome) -> MatchScores:
    """Return the joint distribution of the first match of a batch.

    Raises:
        LegNotCombinable: If the match has, or awaits, more goals than such a distribution holds.
    """
    row = goals.rows(np.zeros(1, dtype=np.int64))
    size = int(row.sizes()[0])
    if size >= len(SCORE_SIZES):
        raise LegNotCombinable("Legs can be combined while a match has few goals, this one has or awaits too many")
    sizes = SCORE_SIZES[size]
    before, after = half_masses(row, sizes)
    scores = half_scores(sizes)
    masses = before[0][0][scores.home[0]] * before[1][0][scores.away[0]]
    masses = masses * after[0][0][scores.home[1]] * after[1][0][scores.away[1]]
    factors = np.ones((sizes.full_time, sizes.full_time))
    factors[:2, :2] = dixon_coles_factors(row.home_means, row.away_means, row.rhos)[0]
    masses = masses * factors.ravel()[scores.full_time]
    score = int(row.states.home_goals[0]), int(row.states.away_goals[0])
    return MatchScores(sizes, scores, masses / masses.sum(), score)


@lru_cache(maxsize=len(SCORE_SIZES))
def half_scores(sizes: GridSizes) -> HalfScores:
    """Return every split of goals that grids of such a size hold."""
    axes = np.indices((sizes.half,) * 4).reshape(4, -1)
    home, away = axes[[0, 2]], axes[[1, 3]]
    final = home.sum(axis=0), away.sum(axis=0)
    inside = [_inside(goals, sizes.full_time) for goals in final]
    before = 1 - np.sign(home[0] - away[0])
    return HalfScores(
        home,
        away,
        inside[0] * sizes.full_time + inside[1],
        home * sizes.half + away,
        before * 3 + 1 - np.sign(final[0] - final[1]),
        1 - np.sign(home[0] + away[0] - home[1] - away[1]),
    )


def _inside(goals: Integers, size: int) -> Integers:
    """Return the cells of goals in a grid whose last two cells hold what is beyond, odd and even apart."""
    beyond = np.maximum(goals - (size - 1), 0)
    return np.asarray(goals - beyond - beyond % 2)


@lru_cache(maxsize=64)
def _order_wins(sizes: GridSizes, score: tuple[int, int], number: int) -> Floats:
    """Return the chances of home, none, away for a numbered goal or race, given each split of goals."""
    scores = half_scores(sizes)
    splits = np.stack([scores.home[0], scores.away[0], scores.home[1], scores.away[1]], axis=1).tolist()
    wins = np.empty((len(splits), 3))
    for index, (home, away, home_after, away_after) in enumerate(splits):
        if number < len(NUMBERED_GOALS):
            chances = _scorer(NUMBERED_GOALS[number], score, (home, away), (home_after, away_after))
        else:
            chances = _race(RACES[number - len(NUMBERED_GOALS)], score, (home, away), (home_after, away_after))
        wins[index] = chances[0], 1.0 - chances[0] - chances[1], chances[1]
    return wins


def _scorer(goal: int, now: tuple[int, int], half_time: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    """Return the chances that home, and that away, scores a goal; NaN where it fell already and both have scored."""
    if goal <= sum(now):
        return _known(bool(now[0]), bool(now[1]))
    begin = now if sum(half_time) >= goal else (max(now[0], half_time[0]), max(now[1], half_time[1]))
    end = half_time if sum(half_time) >= goal else (half_time[0] + after[0], half_time[1] + after[1])
    home, away = max(end[0] - begin[0], 0), max(end[1] - begin[1], 0)
    if sum(end) < goal or home + away == 0:
        return 0.0, 0.0
    return home / (home + away), away / (home + away)


def _race(goals: int, now: tuple[int, int], half_time: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    """Return the chances that home, and that away, is first to a number of goals."""
    if max(now) >= goals:
        return _known(now[0] >= goals, now[1] >= goals)
    begin, end = now, half_time
    if max(half_time) < goals:
        begin = max(now[0], half_time[0]), max(now[1], half_time[1])
        end = half_time[0] + after[0], half_time[1] + after[1]
    to_come = max(end[0] - begin[0], 0), max(end[1] - begin[1], 0)
    return first_chances(goals - begin[0], goals - begin[1], to_come[0], to_come[1])


def _known(is_home: bool, is_away: bool) -> tuple[float, float]:
    return (np.nan, np.nan) if is_home and is_away else (float(is_home), float(is_away))
