"""From market prices back to goal means, and rho: a Gauss-Newton search for all fixtures at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, RowFlag
from odds.models.football.catalogue import catalogue, full_time_matrix
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.models.football.score_grids import Flags, Floats, dixon_coles_slopes, poisson_masses, shift_masses
from odds.models.football.score_views import SIZES, GridSizes

STEPS_MAX = 60
STEP_MAX = 1.0
STEP_TOLERANCE = 1e-9
"""A row has converged when its step in log means and rho is below this, unless asked otherwise."""
START = (float(np.log(1.4)), float(np.log(1.1)), -0.03)
LOG_MEAN_MIN, LOG_MEAN_MAX = float(np.log(0.02)), float(np.log(12.0))
RHO_MIN, RHO_MAX = -0.3, 0.3
COLUMNS_CACHED_MAX = 256
BLOCK_ROWS = 128
"""Rows searched at a time: what they need then stays in the processor's cache."""
DAMPING, DAMPING_DOWN, DAMPING_UP = 1e-6, 0.1, 10.0
_WIDE_SCORE = 5
_WIDE_LOG_MEAN = float(np.log(3.0))
_FINE, _NOT_CONVERGED = int(RowFlag.FINE), int(RowFlag.NOT_CONVERGED)


@dataclass(frozen=True, slots=True, eq=False)
class PriceTargets:
    """Fair probabilities that means are to reproduce.

    Attributes:
        columns: Market and outcome id of each column; markets on the final score only. On a line the probability is
            one over the fair odds, what is handed back set aside.
        fair_probabilities: Shape (n_matches, n_columns), margin taken out; NaN where there is none.
        weights: How much each squared error counts, shape (n_columns,), or of each match, shape (n_matches, n_columns).
    """

    columns: tuple[tuple[str, str], ...]
    fair_probabilities: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ImpliedMeans:
    """What was found, one row a match; NaN where flagged.

    Attributes:
        home_means: Mean goals of the whole match with full sides, before it began.
        away_means: As many.
        rhos: Rho found, or as given.
        errors: Root of the weighted mean squared difference between prices and model.
        flags: A `RowFlag` a match, int8.
    """

    home_means: Floats
    away_means: Floats
    rhos: Floats
    errors: Floats
    flags: NDArray[np.int8]


def imply_goal_means(
    targets: PriceTargets,
    *,
    rhos: Floats | None,
    states: MatchStates,
    timing: GoalTiming,
    red_cards: RedCardEffects,
) -> ImpliedMeans:
    """Find the means (and rho, unless given) whose prices come nearest to the targets, in squares.

    Args:
        targets: Prices of n matches.
        rhos: Rho to take as given, shape (n,); none to find it too, from -0.3 to 0.3 and possible with the means.
        states: Where the matches stand, n of them.
        timing: How goals spread over the minutes.
        red_cards: What players sent off do to the rates.

    Returns:
        Means from 0.02 to 12, settled to 1e-9 in their logarithms; a row that cannot be solved is flagged and leaves
        the others as they are.

    Raises:
        ModelInputInvalid: If the columns do not line up, or one is not on the final score.
    """
    left = ScoringLeft.of(states, timing, red_cards)
    return follow_goal_means(
        targets, rhos=rhos, left=left, start=None, step_tolerance=STEP_TOLERANCE, steps_max=STEPS_MAX
    )


def follow_goal_means(
    targets: PriceTargets,
    *,
    rhos: Floats | None,
    left: ScoringLeft,
    start: Floats | None,
    step_tolerance: float,
    steps_max: int,
) -> ImpliedMeans:
    """Find means as `imply_goal_means` does, from where they were before, and as near as is asked.

    Args:
        targets: Prices of n matches.
        rhos: Rho to take as given, shape (n,); none to find it too.
        left: Where the matches stand, n of them.
        start: Home mean, away mean and rho to begin from, shape (n, 3); NaN in rows that have none.
        step_tolerance: A row has settled after a step below this; the next would be of the order of its square.
        steps_max: A row that has not by then is flagged.

    Raises:
        ModelInputInvalid: If the columns do not line up, or one is not on the final score.
    """
    search = _Search.of(targets, rhos, left)
    found = _Found(_start(len(left.flags), rhos, start), np.full(len(left.flags), np.nan), _flags(search, left.flags))
    solvable = np.flatnonzero(found.flags == _FINE)
    is_wide = (np.maximum(search.offsets[0], search.offsets[1]) > _WIDE_SCORE) | _is_wide(found.parameters)
    narrow = solvable[~is_wide[solvable]]
    pace = _Pace(step_tolerance, steps_max)
    search.solve_blocks(narrow, SIZES[1], pace, found)
    is_wide[narrow[_is_wide(found.parameters[narrow])]] = True
    search.solve_blocks(solvable[is_wide[solvable]], SIZES[3], pace, found)
    is_lost = found.flags != _FINE
    if np.count_nonzero(is_lost):
        found.parameters[is_lost], found.costs[is_lost] = np.nan, np.nan
    means = np.exp(found.parameters[:, :2])
    return ImpliedMeans(means[:, 0], means[:, 1], found.parameters[:, 2], np.sqrt(found.costs), found.flags)


def _start(count: int, rhos: Floats | None, start: Floats | None) -> Floats:
    """Return the first parameters: log means and rho."""
    parameters = np.empty((count, 3))
    parameters[:] = START
    if start is not None:
        is_there = ~np.isnan(start[:, 0])
        parameters[is_there, :2] = np.log(start[is_there, :2])
        parameters[is_there, 2] = start[is_there, 2]
    if rhos is not None:
        parameters[:, 2] = rhos
    return _bounded(parameters, rhos is None)


def _is_wide(parameters: Floats) -> Flags:
    """Return which rows' means need a wide grid."""
    return np.asarray(np.maximum(parameters[:, 0], parameters[:, 1]) > _WIDE_LOG_MEAN)


@dataclass(frozen=True, slots=True)
class _Pace:
    """Until when to step."""

    step_tolerance: float
    steps_max: int


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What rows have come to: log means and rho, mean squared errors and flags."""

    parameters: Floats
    costs: Floats
    flags: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Where some rows of a search are.

    Attributes:
        rows: Which they are.
        parameters: Log means and rho, shape (n, 3).
        errors: Shape (n, n_columns).
        slopes: Of the errors, shape (n, n_parameters, n_columns).
        costs: Shape (n,).
        damping: Shape (n,).
    """

    rows: NDArray[np.int64]
    parameters: Floats
    errors: Floats
    slopes: Floats
    costs: Floats
    damping: Floats

    def some(self, is_kept: Flags) -> _Point:
        return _Point(*(getattr(self, field.name)[is_kept] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    columns: tuple[int, ...]
    targets: Floats
    weights: Floats
    has_rho: bool
    offsets: NDArray[np.int64]
    factors: Floats

    @classmethod
    def of(cls, targets: PriceTargets, rhos: Floats | None, left: ScoringLeft) -> _Search:
        shape = (len(left.flags), len(targets.columns))
        if targets.fair_probabilities.shape != shape or targets.weights.shape not in (shape, shape[1:]):
            raise ModelInputInvalid(f"Target prices must have shape {shape}, and as many weights as columns")
        if rhos is not None and rhos.shape != shape[:1]:
            raise ModelInputInvalid(f"Rhos must have {shape[0]} rows")
        is_there = ~np.isnan(targets.fair_probabilities)
        return cls(
            _columns(targets.columns),
            np.where(is_there, targets.fair_probabilities, 0.0),
            np.where(is_there, targets.weights, 0.0),
            rhos is None,
            np.array((left.states.home_goals, left.states.away_goals)),
            left.first_half + left.second_half,
        )

    def rows(self, rows: NDArray[np.int64] | Flags) -> _Search:
        return _Search(
            self.columns,
            self.targets[rows],
            self.weights[rows],
            self.has_rho,
            self.offsets[:, rows],
            self.factors[:, rows],
        )

    def solve_blocks(self, rows: NDArray[np.int64], sizes: GridSizes, pace: _Pace, found: _Found) -> None:
        """Search for some rows, from where they are, a block at a time, and write down what they come to."""
        for begin in range(0, len(rows), BLOCK_ROWS):
            block = rows[begin : begin + BLOCK_ROWS]
            part = self if len(block) == len(self.targets) else self.rows(block)
            part._solve(block, sizes, pace, found)

    def _solve(self, rows: NDArray[np.int64], sizes: GridSizes, pace: _Pace, found: _Found) -> None:
        """Take damped steps, each row on its own terms, until all have settled."""
        found.flags[rows] = _NOT_CONVERGED
        part, weights = self, np.maximum(np.add.reduce(self.weights, 1), 1e-300)
        point = part._point(rows, found.parameters[rows], np.full(len(rows), DAMPING), sizes)
        for _ in range(pace.steps_max):
            moved = _bounded(point.parameters + _steps(point, part.weights), self.has_rho)
            is_settled = np.maximum.reduce(np.abs(moved - point.parameters), 1) < pace.step_tolerance
            settled_count = np.count_nonzero(is_settled)
            if settled_count:
                done = point.rows[is_settled]
                found.parameters[done], found.flags[done] = moved[is_settled], _FINE
                found.costs[done] = (point.costs / weights)[is_settled]
                if settled_count == len(moved):
                    return
                going = ~is_settled
                part, point, moved, weights = part.rows(going), point.some(going), moved[going], weights[going]
            point = _better(point, part._point(point.rows, moved, point.damping, sizes))

    def _point(self, rows: NDArray[np.int64], parameters: Floats, damping: Floats, sizes: GridSizes) -> _Point:
        errors, slopes = self._evaluate(parameters, sizes)
        return _Point(rows, parameters, errors, slopes, np.add.reduce(self.weights * np.square(errors), 1), damping)

    def _evaluate(self, parameters: Floats, sizes: GridSizes) -> tuple[Floats, Floats]:
        """Return errors, shape (n, n_columns), and their slopes, shape (n, n_parameters, n_columns)."""
        read = self._read(parameters, sizes)
        count = len(self.columns)
        win, lose = read[:, :, :count], read[:, :, count:]
        decided = np.maximum(win[:, 0] + lose[:, 0], 1e-300)
        errors = win[:, 0] / decided - self.targets
        slopes = win[:, 1:] * lose[:, :1] - win[:, :1] * lose[:, 1:]
        slopes /= np.square(decided)[:, None]
        return errors, slopes

    def _read(self, parameters: Floats, sizes: GridSizes) -> Floats:
        """Return what wins and what loses on each column, and its slopes by log mean of home, of away, and rho.

        They are not scaled to a sum of one: what is made of them is ratios.

        Returns:
            Shape (n, 3 or 4, 2 * n_columns).
        """
        reading, count = _reading(self.columns, sizes), len(parameters)
        means = np.exp(parameters[:, :2].T)
        home, away, home_slopes, away_slopes = _masses_with_slopes(means * self.factors, self.offsets, sizes.full_time)
        by_away = (np.concatenate((away, away_slopes)) @ reading.by_away).reshape(2, count, sizes.full_time, -1)
        of_home = np.empty((count, 2, sizes.full_time))
        of_home[:, 0], of_home[:, 1] = home, home_slopes
        read = np.empty((count, 3 + self.has_rho, by_away.shape[3]))
        np.matmul(of_home, by_away[0], out=read[:, :2])
        np.matmul(of_home[:, :1], by_away[1], out=read[:, 2:3])
        if self.has_rho:
            read[:, 3] = 0.0
        low = (home[:, :2], away[:, :2], home_slopes[:, :2], away_slopes[:, :2])
        moves = _low_score_moves(low, means, parameters[:, 2])
        read += moves[:, : 3 + self.has_rho].reshape(count, -1, 4) @ reading.low_scores
        return read


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What wins, then what loses, on each of some columns at each final score.

    Attributes:
        by_away: Shape (size, size * 2 * n_columns): away goals first, then home goals.
        low_scores: The same at 0-0, 0-1, 1-0 and 1-1, shape (4, 2 * n_columns).
    """

    by_away: Floats
    low_scores: Floats


@lru_cache(maxsize=COLUMNS_CACHED_MAX)
def _reading(columns: tuple[int, ...], sizes: GridSizes) -> _Reading:
    matrix, size = full_time_matrix(sizes), sizes.full_time
    by_score = np.hstack([matrix.win[:, columns], matrix.lose[:, columns]]).reshape(size, size, -1)
    by_away = np.ascontiguousarray(by_score.transpose(1, 0, 2)).reshape(size, -1)
    return _Reading(by_away, np.ascontiguousarray(by_score[:2, :2].reshape(4, -1)))


@lru_cache(maxsize=COLUMNS_CACHED_MAX)
def _columns(columns: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
    return tuple(_column(*column) for column in columns)


def _column(market_id: str, outcome_id: str) -> int:
    column = catalogue().column(market_id, outcome_id)
    if column >= catalogue().full_time_count:
        raise ModelInputInvalid(f"Target prices must be on the final score, {market_id[:64]!r} is not")
    return column


def _masses_with_slopes(means: Floats, offsets: NDArray[np.int64], size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return distributions of final goals of home and away, then their slopes by log mean, each shape (n, size)."""
    count = means.shape[1]
    left = means.reshape(-1)
    masses = poisson_masses(left, size=size)
    slopes = masses @ _slope_matrix(size)
    slopes *= left[:, None]
    sides = []
    for side, offset in enumerate(offsets):
        rows = slice(side * count, (side + 1) * count)
        if np.count_nonzero(offset):
            sides.append((shift_masses(masses[rows], offset), shift_masses(slopes[rows], offset)))
        else:
            sides.append((masses[rows], slopes[rows]))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


@lru_cache(maxsize=len(SIZES))
def _slope_matrix(size: int) -> Floats:
    """Return what takes Poisson masses to their slopes by the mean: each count's, less its own.

    What leaves the last cell goes on to the one before it: they gather even and odd counts beyond them.
    """
    matrix = np.eye(size, k=1) - np.eye(size)
    matrix[-1, -2] = 1.0
    return matrix


def _low_score_moves(low: tuple[Floats, Floats, Floats, Floats], means: Floats, rhos: Floats) -> Floats:
    """Return what rho adds at the four low scores, its slopes by log mean of home, of away, and by rho.

    Args:
        low: Mass of no goal and of one, of home and of away, then their slopes by log mean, each shape (n, 2).
        means: Of the whole match, home then away, shape (2, n).
        rhos: Shape (n,).

    Returns:
        Shape (n, 4, 2, 2), home goals last but one.
    """
    home, away, home_slopes, away_slopes = low
    moves = np.empty((len(rhos), 4, 2, 2))
    np.multiply(home[:, :, None], away[:, None], out=moves[:, 3])
    np.multiply(home_slopes[:, :, None], away[:, None], out=moves[:, 1])
    np.multiply(home[:, :, None], away_slopes[:, None], out=moves[:, 2])
    # Tau itself moves with a mean where the side has no goal.
    moves[:, 1, 0] += moves[:, 3, 0]
    moves[:, 2, :, 0] += moves[:, 3, :, 0]
    moves[:, 1:] *= dixon_coles_slopes(means[0], means[1])[:, None]
    moves[:, 0] = moves[:, 3]
    moves[:, :3] *= rhos[:, None, None, None]
    return moves


def _better(before: _Point, after: _Point) -> _Point:
    """Return the better of two points a row, damped less where it was the later one."""
    is_better = after.costs <= before.costs
    if np.count_nonzero(is_better) == len(is_better):
        return replace(after, damping=after.damping * DAMPING_DOWN)
    return _Point(
        before.rows,
        np.where(is_better[:, None], after.parameters, before.parameters),
        np.where(is_better[:, None], after.errors, before.errors),
        np.where(is_better[:, None, None], after.slopes, before.slopes),
        np.where(is_better, after.costs, before.costs),
        before.damping * np.where(is_better, DAMPING_DOWN, DAMPING_UP),
    )


def _steps(point: _Point, weights: Floats) -> Floats:
    """Return damped Gauss-Newton steps, shape (n, 3), none longer than allowed."""
    weighted = point.slopes * weights[:, None, :]
    normal = weighted @ point.slopes.transpose(0, 2, 1)
    unknowns = normal.shape[1]
    diagonal = normal.reshape(len(normal), -1)[:, :: unknowns + 1]
    diagonal *= 1.0 + point.damping[:, None]
    diagonal += 1e-14
    steps = np.zeros((len(normal), 3))
    steps[:, :unknowns] = np.linalg.solve(normal, -(weighted @ point.errors[:, :, None]))[:, :, 0]
    longest = np.maximum.reduce(np.abs(steps), 1)
    if np.count_nonzero(longest > STEP_MAX):
        steps *= np.minimum(1.0, STEP_MAX / np.maximum(longest, STEP_MAX))[:, None]
    return steps


def _bounded(parameters: Floats, has_rho: bool) -> Floats:
    """Keep means and rho where every probability is positive."""
    log_means = parameters[:, :2]
    np.minimum(np.maximum(log_means, LOG_MEAN_MIN, out=log_means), LOG_MEAN_MAX, out=log_means)
    if not has_rho:
        return parameters
    rhos, means = parameters[:, 2], np.exp(log_means)
    lowest = np.maximum(-1.0 / np.maximum(means[:, 0], means[:, 1]), RHO_MIN)
    highest = np.minimum(1.0 / (means[:, 0] * means[:, 1]), RHO_MAX)
    np.minimum(np.maximum(rhos, lowest, out=rhos), highest, out=rhos)
    return parameters


def _flags(search: _Search, flags: NDArray[np.int8]) -> NDArray[np.int8]:
    flags = flags.copy()
    is_given = search.weights > 0.0
    unknowns = 2 + search.has_rho
    flags[np.add.reduce(is_given, 1) < unknowns] = RowFlag.TOO_FEW_PRICES
    is_impossible = is_given & ~((search.targets > 0.0) & (search.targets < 1.0))
    flags[np.logical_or.reduce(is_impossible, 1)] = RowFlag.PRICES_OUT_OF_RANGE
    flags[np.minimum(search.factors[0], search.factors[1]) <= 0.0] = RowFlag.CLOCK_IMPOSSIBLE
    return flags
