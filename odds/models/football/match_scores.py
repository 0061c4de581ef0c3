"""The joint distribution of one match, score by score: goals before half-time and after it, both sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from odds.models.builder_legs import LegNotCombinable
from odds.models.football.catalogue import catalogue, full_time_matrix, half_matrix
from odds.models.football.goal_minutes import ANSWERS, MINUTE_CONDITIONS, GoalMinutes, goal_minutes
from odds.models.football.goal_paths import path_chances
from odds.models.football.past_goals import PastGoals, past_goals
from odds.models.football.score_grids import Floats, Integers, dixon_coles_factors
from odds.models.football.score_views import SIZES, GoalsToCome, GridSizes, half_masses

RESULTS = 9
"""Pairs of results at half-time and at the end."""
HALF_SIZE_MAX: Final = 1
"""Which of `SIZES` the grid of a half has at most: matches that need a larger one are refused."""
SIZES_CACHED_MAX: Final = 4
ORDERS_CACHED_MAX: Final = 32
FURTHER_ORDERS_CACHED_MAX: Final = 4
"""Half a megabyte for each question about the order of goals, where many are awaited."""


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

    def splits(self) -> Integers:
        """Return home and away goals at half-time, then after it, shape (4, n_scores)."""
        return np.stack([self.home[0], self.away[0], self.home[1], self.away[1]])


@dataclass(frozen=True, slots=True, eq=False)
class MatchScores:
    """Probabilities of every split of goals over halves.

    Attributes:
        probabilities: Shape (n_scores,), summing to 1.0.
        score: Goals so far, home then away.
        minutes: When the goals to come fall.
        past: What is known of those so far.
    """

    sizes: GridSizes
    scores: HalfScores
    probabilities: Floats
    score: tuple[int, int]
    minutes: GoalMinutes
    past: PastGoals

    def stake_weights(self, column: int) -> tuple[Floats, Floats]:
        """Return which part of a stake on an outcome about scores wins, and loses, at each split of goals.

        Args:
            column: Of the catalogue, before those about the order of goals.
        """
        columns = catalogue()
        if column < columns.full_time_count:
            matrix = full_time_matrix(self.sizes)
            return matrix.win[self.scores.full_time, column], matrix.lose[self.scores.full_time, column]
        if column < columns.results_begin:
            half, place = divmod(column - columns.full_time_count, columns.half_count)
            matrix = half_matrix(self.sizes)
            return matrix.win[self.scores.halves[half], place], matrix.lose[self.scores.halves[half], place]
        place = column - columns.results_begin
        is_won = self.scores.results == place if place < RESULTS else self.scores.totals == place - RESULTS
        return is_won.astype(np.float64), (~is_won).astype(np.float64)

    def order_chances(self, conditions: frozenset[int]) -> Floats:
        """Return how likely goals fall in the order asked at each split of them; see `goal_paths.path_chances`."""
        return _order_chances(self.sizes, self.score, conditions)

    def further_order_chances(self, conditions: frozenset[int], further: tuple[int, ...]) -> Floats:
        """Return the same with each of some further `CONDITIONS` added in turn, shape (n_further, n_scores)."""
        return _further_order_chances(self.sizes, self.score, conditions, further)

    def minute_chances(self, conditions: frozenset[int]) -> Floats:
        """Return how likely goals fall in the minutes asked at each split of them; see `GoalMinutes.chances`."""
        (chances,) = self.minutes.chances([conditions])
        return np.asarray(chances.ravel()[_goals_to_come(self.sizes, sum(self.score))])

    def read_minutes(self, measures: Floats, conditions: frozenset[int]) -> Floats:
        """Return what is left of measures with conditions about minutes, each of all further ones added in turn.

        Args:
            measures: Weights for each split of goals, shape (n_measures, n_scores).
            conditions: Of `MINUTE_CONDITIONS`, about goals to come.

        Returns:
            Shape (n_measures, n_conditions); NaN for goals that have fallen.
        """
        so_far = sum(self.score)
        chances = self.minutes.chances([conditions | {further} for further in MINUTE_CONDITIONS])
        chances = chances.reshape(len(MINUTE_CONDITIONS), -1)
        cells = _goals_to_come(self.sizes, so_far)
        found = np.stack([chances @ np.bincount(cells, measure, minlength=chances.shape[1]) for measure in measures])
        found[:, : so_far * ANSWERS] = np.nan
        return found

    def read(self, measure: Floats) -> tuple[Floats, Floats]:
        """Return how much of a measure wins and how much loses for every outcome about scores.

        Args:
            measure: A weight for each split of goals, shape (n_scores,).

        Returns:
            Two rows, columns as the catalogue's before those about the order of goals.
        """
        columns = catalogue()
        final, halves = full_time_matrix(self.sizes), half_matrix(self.sizes)
        views = [(np.bincount(self.scores.full_time, measure, minlength=self.sizes.full_time**2), final)]
        views += [(np.bincount(cells, measure, minlength=self.sizes.half**2), halves) for cells in self.scores.halves]
        results = np.bincount(self.scores.results, measure, minlength=RESULTS)
        totals = np.bincount(
            self.scores.totals, measure, minlength=columns.orders_begin - columns.results_begin - RESULTS
        )
        others = np.concatenate([results, totals])
        win = np.concatenate([*(view @ matrix.win for view, matrix in views), others])
        lose = np.concatenate([*(view @ matrix.lose for view, matrix in views), measure.sum() - others])
        return win, lose


def match_scores(goals: GoalsToCome) -> MatchScores:
    """Return the joint distribution of the first match of a batch.

    Raises:
        LegNotCombinable: If a half has, or awaits, more goals than such a distribution holds, or the minutes of goals
            to come are not known.
    """
    row = goals.rows(np.zeros(1, dtype=np.int64))
    sizes = _sizes(row)
    if row.shares_after is None:
        raise LegNotCombinable("Goals to come must be known minute by minute for legs to be combined")
    score = int(row.states.home_goals[0]), int(row.states.away_goals[0])
    return MatchScores(
        sizes,
        half_scores(sizes),
        _probabilities(row, sizes),
        score,
        goal_minutes(row.shares_after[0], goals_so_far=sum(score), goals_to_come_max=2 * (sizes.half - 1)),
        past_goals(row.states),
    )


def _sizes(row: GoalsToCome) -> GridSizes:
    half = int(row.half_sizes()[0])
    if half > HALF_SIZE_MAX:
        raise LegNotCombinable("Legs can be combined while a match has few goals, this one has or awaits too many")
    # Only halves are held apart, so that the final score may have as large a grid as it needs.
    return GridSizes(SIZES[int(row.sizes()[0])].full_time, SIZES[half].half)


def _probabilities(row: GoalsToCome, sizes: GridSizes) -> Floats:
    before, after = half_masses(row, sizes)
    scores = half_scores(sizes)
    masses = before[0][0][scores.home[0]] * before[1][0][scores.away[0]]
    masses = masses * after[0][0][scores.home[1]] * after[1][0][scores.away[1]]
    factors = np.ones((sizes.full_time, sizes.full_time))
    factors[:2, :2] = dixon_coles_factors(row.home_means, row.away_means, row.rhos)[0]
    masses = masses * factors.ravel()[scores.full_time]
    return np.asarray(masses / masses.sum())


@lru_cache(maxsize=SIZES_CACHED_MAX)
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


@lru_cache(maxsize=32)
def _goals_to_come(sizes: GridSizes, so_far: int) -> Integers:
    """Return the cell of how many goals come before half-time, and after it, at each split of them."""
    scores, size = half_scores(sizes), 2 * sizes.half - 1
    first, second = scores.home + scores.away
    before = np.maximum(first - so_far, 0)
    after = np.clip(first + second - so_far - before, 0, size - 1)
    return np.asarray(before * size + after)


@lru_cache(maxsize=ORDERS_CACHED_MAX)
def _order_chances(sizes: GridSizes, score: tuple[int, int], conditions: frozenset[int]) -> Floats:
    return np.asarray(path_chances(score, half_scores(sizes).splits(), sizes.half, [conditions])[0])


@lru_cache(maxsize=FURTHER_ORDERS_CACHED_MAX)
def _further_order_chances(
    sizes: GridSizes, score: tuple[int, int], conditions: frozenset[int], further: tuple[int, ...]
) -> Floats:
    asked = [conditions | {condition} for condition in further]
    return path_chances(score, half_scores(sizes).splits(), sizes.half, asked)
