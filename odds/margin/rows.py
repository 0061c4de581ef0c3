"""Batches of markets on their way through a margin: checked, turned into columns, solved in blocks that fit the cache.

Inside, books are columns: arrays are (n_outcomes, n_books), so that every operation runs along the long axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK_CELLS: Final = 24_576
"""Numbers solved at once: a few such arrays stay in a core's second-level cache."""
SUM_TOLERANCE: Final = 1e-12
OUTCOMES_ADDED_SINGLY_MAX: Final = 4

ZERO: Final = np.zeros(())
ONE: Final = np.ones(())
"""As arrays: with a Python number an operation on one book takes half as long again."""


class MarginFlag(IntEnum):
    """Whether a row was solved, or why not."""

    SOLVED = 0
    OUTCOMES_TOO_FEW = 1
    """Fewer than two."""
    ODDS_NOT_ABOVE_ONE = 2
    """A price at or under 1.0, or an infinite one."""
    PROBABILITY_NOT_INSIDE_UNIT = 3
    """A given probability is not above 0.0 and below 1.0."""
    SUM_BELOW_TARGET = 4
    """The row sums to less than it should: there is no margin to take out, or none to put on."""
    TARGET_OUT_OF_REACH = 5
    """No probabilities of so many outcomes sum to that, or none by this method."""
    RESULT_OUT_OF_RANGE = 6
    """The method leads to a probability that is not above 0.0 and below 1.0."""
    NOT_CONVERGED = 7
    """The parameter was not found within the steps allowed, or not well enough to make the sum right."""
    OVERROUND_NOT_KEPT = 8
    """On the ladder and within its bounds the row sums to less than its overround."""
    BELOW_LADDER = 9
    """All outcomes are too likely for the ladder's lowest step."""


@dataclass(frozen=True, slots=True, eq=False)
class MarginRows:
    """What a margin method makes of a batch.

    Attributes:
        probabilities: Shape (n_books, n_outcomes); NaN where there is no outcome and throughout rows not solved.
        parameters: What the method found, shape (n_books,); NaN in rows that never came to it.
        flags: A `MarginFlag` by row.
    """

    probabilities: Floats
    parameters: Floats
    flags: NDArray[np.uint8]

    @property
    def is_solved(self) -> Flags:
        """Which rows have probabilities."""
        return np.asarray(self.flags == MarginFlag.SOLVED)


class Columns(NamedTuple):
    """Sound books as columns, and what each is to sum to.

    A single book has no batch axis at all: numpy is much quicker with its scalars than with arrays of one.

    Attributes:
        values: Probabilities, shape (n_outcomes, n_books), above 0.0 and below 1.0; 0.0 where there is no outcome.
        sums: Of the values, shape (n_books,).
        targets: What they are to sum to, shape (n_books,).
        counts: How many outcomes there are, shape (n_books,).
        is_there: Where there is an outcome; None if everywhere.
    """

    values: Floats
    sums: Floats
    targets: Floats
    counts: Floats
    is_there: Flags | None


class Solution(NamedTuple):
    """Probabilities with or without margin, the parameter, and where there is or was found none (None: nowhere)."""

    values: Floats
    parameters: Floats
    is_out_of_reach: Flags | None = None
    is_unfinished: Flags | None = None


Solver = Callable[[Columns], Solution]


def sum_outcomes(values: Floats) -> Floats:
    """Sum over the first axis; a few are added one by one, as to begin a reduction takes longer than that."""
    if 2 <= len(values) <= OUTCOMES_ADDED_SINGLY_MAX:
        sums: Floats = values[0] + values[1]
        for index in range(2, len(values)):
            sums += values[index]
        return sums
    reduced: Floats = np.add.reduce(values, 0)
    return reduced


def are_all(flags: Flags) -> bool:
    """Return whether all are true, or the only one is."""
    return bool(flags) if flags.ndim == 0 else np.count_nonzero(flags) == flags.size


@np.errstate(all="ignore")
def solve_rows(
    rows: Floats, targets: Floats | float, solver: Solver, *, are_odds: bool, sum_may_be_below: bool, outcomes_min: int
) -> MarginRows:
    """Check every row, solve the sound ones, and flag the others.

    Args:
        rows: Shape (n_books, n_outcomes): decimal odds or probabilities; NaN pads short books.
        targets: What each row's result is to sum to: shape (n_books,), or one for all.
        solver: Takes sound columns.
        are_odds: Whether the rows are odds.
        sum_may_be_below: For odds whether a sum below the target is solved; for probabilities one above it.
        outcomes_min: Fewer than these make no book.
    """
    job = _Job(solver, are_odds, sum_may_be_below, outcomes_min)
    count, width = rows.shape
    wanted = np.empty(count)
    wanted[:] = targets
    if count == 1:
        return _solve_block(rows[0], wanted[0], job)
    size = max(1, BLOCK_CELLS // max(width, 1))
    if count <= size:
        return _solve_block(np.ascontiguousarray(rows.T), wanted, job)
    blocks = [
        _solve_block(np.ascontiguousarray(rows[first : first + size].T), wanted[first : first + size], job)
        for first in range(0, count, size)
    ]
    return MarginRows(
        np.concatenate([block.probabilities.T for block in blocks], axis=1).T,
        np.concatenate([block.parameters for block in blocks]),
        np.concatenate([block.flags for block in blocks]),
    )


class _Job(NamedTuple):
    solver: Solver
    are_odds: bool
    sum_may_be_below: bool
    outcomes_min: int

    def margins(self, sums: Floats, targets: Floats) -> Floats:
        return sums - targets if self.are_odds else targets - sums


def _solve_block(given: Floats, targets: Floats, job: _Job) -> MarginRows:
    """Solve all at once if all are sound and full, otherwise the sound ones; a single book has no batch axis."""
    values = ONE / given if job.are_odds else given
    width = len(values)
    is_inside = (values > ZERO) & (values < ONE)
    if width >= job.outcomes_min and are_all(is_inside):
        sums = sum_outcomes(values)
        is_sound = (targets > 0.0) & (targets < width)
        if not job.sum_may_be_below:
            is_sound &= job.margins(sums, targets) >= -SUM_TOLERANCE
        if are_all(is_sound):
            return _solve_all(Columns(values, sums, targets, 0.0 * targets + width, None), job.solver)
    shape = (width, np.size(targets))
    return _solve_sound(values.reshape(shape), is_inside.reshape(shape), np.asarray(targets).reshape(-1), job)


def _solve_all(columns: Columns, solver: Solver) -> MarginRows:
    solution = solver(columns)
    values = solution.values
    if solution.is_out_of_reach is None and solution.is_unfinished is None:
        is_inside = (values > ZERO) & (values < ONE)
        if are_all(is_inside) and are_all(_is_sum_kept(columns, values)):
            count = values.size // len(values)
            rows = values.T if values.ndim > 1 else values[None]
            return MarginRows(rows, np.asarray(solution.parameters).reshape(count), np.zeros(count, dtype=np.uint8))
    return _flag_solution(columns, solution)


def _is_sum_kept(columns: Columns, values: Floats) -> Flags:
    """Return which books sum to what they should; where prices differ from 1.0 by the last digit they may not."""
    is_kept: Flags = abs(sum_outcomes(values) - columns.targets) <= SUM_TOLERANCE * (1.0 + columns.targets)
    return is_kept


def _flag_solution(columns: Columns, solution: Solution) -> MarginRows:
    values = solution.values.reshape(len(solution.values), -1)
    flags = np.zeros(values.shape[1], dtype=np.uint8)
    is_there = np.ones(values.shape, dtype=np.bool_) if columns.is_there is None else columns.is_there
    flags[(is_there & ~((values > ZERO) & (values < ONE))).any(axis=0)] = MarginFlag.RESULT_OUT_OF_RANGE
    flags[(flags == MarginFlag.SOLVED) & ~_is_sum_kept(columns, np.where(is_there, values, 0.0))] = (
        MarginFlag.NOT_CONVERGED
    )
    if solution.is_unfinished is not None:
        flags[solution.is_unfinished] = MarginFlag.NOT_CONVERGED
    if solution.is_out_of_reach is not None:
        flags[solution.is_out_of_reach] = MarginFlag.TARGET_OUT_OF_REACH
    values = np.where(is_there & (flags == MarginFlag.SOLVED), values, np.nan)
    return MarginRows(values.T, np.asarray(solution.parameters).reshape(-1), flags)


def _solve_sound(values: Floats, is_inside: Flags, targets: Floats, job: _Job) -> MarginRows:
    """Flag what cannot be solved and solve the rest, apart from it."""
    is_there = ~np.isnan(values)
    counts = is_there.sum(axis=0, dtype=np.float64)
    values = np.where(is_inside, values, 0.0)
    sums = sum_outcomes(values)
    flags = np.zeros(len(targets), dtype=np.uint8)
    if not job.sum_may_be_below:
        flags[job.margins(sums, targets) < -SUM_TOLERANCE] = MarginFlag.SUM_BELOW_TARGET
    flags[~((targets > 0.0) & (targets < counts))] = MarginFlag.TARGET_OUT_OF_REACH
    is_unsound = (is_inside != is_there).any(axis=0)
    flags[is_unsound] = MarginFlag.ODDS_NOT_ABOVE_ONE if job.are_odds else MarginFlag.PROBABILITY_NOT_INSIDE_UNIT
    flags[counts < job.outcomes_min] = MarginFlag.OUTCOMES_TOO_FEW
    probabilities = np.full(values.shape, np.nan)
    parameters = np.full(len(flags), np.nan)
    sound = np.flatnonzero(flags == MarginFlag.SOLVED)
    if len(sound):
        is_full = bool(is_there[:, sound].all())
        columns = Columns(
            values[:, sound], sums[sound], targets[sound], counts[sound], None if is_full else is_there[:, sound]
        )
        solved = _solve_all(columns, job.solver)
        if not is_full:
            solved.probabilities.T[~is_there[:, sound]] = np.nan
        probabilities[:, sound] = solved.probabilities.T
        parameters[sound], flags[sound] = solved.parameters, solved.flags
    return MarginRows(probabilities.T, parameters, flags)
