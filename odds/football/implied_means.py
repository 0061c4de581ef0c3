"""From market prices back to goal means, and rho: a Gauss-Newton search for all fixtures at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from odds.football.catalogue import catalogue, full_time_matrix
from odds.football.errors import ModelInputMalformed, RowFlag
from odds.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.football.score_grids import Flags, Floats, dixon_coles_slopes, poisson_masses, shift_masses
from odds.football.score_views import SIZES, GridSizes

STEPS_MAX = 60
STEP_MAX = 1.0
STEP_TOLERANCE = 1e-9
"""A row has converged when its step in log means and rho is below this."""
START = (float(np.log(1.4)), float(np.log(1.1)), -0.03)
LOG_MEAN_MIN, LOG_MEAN_MAX = float(np.log(0.02)), float(np.log(12.0))
RHO_MIN, RHO_MAX = -0.3, 0.3
COLUMNS_CACHED_MAX = 256
_WIDE_SCORE = 5
_WIDE_LOG_MEAN = float(np.log(3.0))


@dataclass(frozen=True, slots=True, eq=False)
class PriceTargets:
    """Fair probabilities that means are to reproduce.

    Attributes:
        columns: Market and outcome id of each column; markets on the final score only. On a line the probability is
            one over the fair odds, what is handed back set aside.
        fair_probabilities: Shape (n_matches, n_columns), margin taken out; NaN where there is none.
        weights: How much each squared error counts, shape (n_columns,).
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
        ModelInputMalformed: If the columns do not line up, or one is not on the final score.
    """
    search = _Search.of(targets, rhos, states, timing, red_cards)
    flags = _flags(search, states)
    parameters = np.tile(np.array(START), (len(states), 1))
    if rhos is not None:
        parameters[:, 2] = rhos
    costs = np.full(len(states), np.nan)
    solvable = np.flatnonzero(flags == RowFlag.FINE)
    is_wide = search.offsets.max(axis=0) > _WIDE_SCORE
    for sizes, rows in ((SIZES[1], solvable[~is_wide[solvable]]), (SIZES[3], solvable[is_wide[solvable]])):
        parameters[rows], costs[rows], flags[rows] = search.rows(rows).solve(parameters[rows], sizes)
    again = solvable[~is_wide[solvable] & (parameters[solvable, :2].max(axis=1) > _WIDE_LOG_MEAN)]
    parameters[again], costs[again], flags[again] = search.rows(again).solve(parameters[again], SIZES[3])
    parameters[flags != RowFlag.FINE] = np.nan
    costs[flags != RowFlag.FINE] = np.nan
    return ImpliedMeans(np.exp(parameters[:, 0]), np.exp(parameters[:, 1]), parameters[:, 2], np.sqrt(costs), flags)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    columns: tuple[int, ...]
    targets: Floats
    weights: Floats
    has_rho: bool
    offsets: NDArray[np.int64]
    factors: Floats

    @classmethod
    def of(
        cls,
        targets: PriceTargets,
        rhos: Floats | None,
        states: MatchStates,
        timing: GoalTiming,
        red_cards: RedCardEffects,
    ) -> _Search:
        shape = (len(states), len(targets.columns))
        if targets.fair_probabilities.shape != shape or targets.weights.shape != shape[1:]:
            raise ModelInputMalformed(f"Target prices must have shape {shape}, and as many weights as columns")
        if rhos is not None and rhos.shape != shape[:1]:
            raise ModelInputMalformed(f"Rhos must have {shape[0]} rows")
        is_there = ~np.isnan(targets.fair_probabilities)
        first, second = timing.shares_left(states)
        return cls(
            tuple(_column(*column) for column in targets.columns),
            np.where(is_there, targets.fair_probabilities, 0.0),
            is_there * targets.weights,
            rhos is None,
            np.stack([states.home_goals, states.away_goals]),
            np.stack(red_cards.rate_factors(states)) * (first + second),
        )

    def rows(self, rows: NDArray[np.int64]) -> _Search:
        return _Search(
            self.columns,
            self.targets[rows],
            self.weights[rows],
            self.has_rho,
            self.offsets[:, rows],
            self.factors[:, rows],
        )

    def solve(self, start: Floats, sizes: GridSizes) -> tuple[Floats, Floats, NDArray[np.int8]]:
        """Return parameters, mean squared errors and flags after damped steps, each row on its own terms."""
        parameters, damping = start.copy(), np.full(len(start), 1e-6)
        flags = np.full(len(start), RowFlag.NOT_CONVERGED, dtype=np.int8)
        errors, slopes = self._evaluate(parameters, sizes)
        costs = (self.weights * errors**2).sum(axis=1)
        active = np.arange(len(start))
        for _ in range(STEPS_MAX):
            if not len(active):
                break
            part = self if len(active) == len(start) else self.rows(active)
            steps = _steps(errors[active], slopes[active], part.weights, damping[active])
            moved = _bounded(parameters[active] + steps, self.has_rho)
            distance = np.abs(moved - parameters[active]).max(axis=1)
            new_errors, new_slopes = part._evaluate(moved, sizes)
            new_costs = (part.weights * new_errors**2).sum(axis=1)
            is_better = new_costs <= costs[active]
            better = active[is_better]
            parameters[better], costs[better] = moved[is_better], new_costs[is_better]
            errors[better], slopes[better] = new_errors[is_better], new_slopes[is_better]
            damping[active] *= np.where(is_better, 0.1, 10.0)
            is_settled = distance < STEP_TOLERANCE
            flags[active[is_settled]] = RowFlag.FINE
            active = active[~is_settled]
        return parameters, costs / np.maximum(self.weights.sum(axis=1), 1e-300), flags

    def _evaluate(self, parameters: Floats, sizes: GridSizes) -> tuple[Floats, Floats]:
        """Return errors, shape (n, n_columns), and their slopes, shape (n, n_parameters, n_columns)."""
        grids = _grids_with_slopes(parameters, self.offsets, self.factors, sizes.full_time, self.has_rho)
        read = grids.reshape(-1, grids.shape[2]) @ _reading_matrix(self.columns, sizes)
        win, lose = np.split(read.reshape(*grids.shape[:2], 2 * len(self.columns)), 2, axis=2)
        decided = np.maximum(win[0] + lose[0], 1e-300)
        errors = win[0] / decided - self.targets
        slopes = (win[1:] * lose[0] - win[0] * lose[1:]) / decided**2
        return errors, slopes.transpose(1, 0, 2)


def _column(market_id: str, outcome_id: str) -> int:
    column = catalogue().column(market_id, outcome_id)
    if column >= catalogue().full_time_count:
        raise ModelInputMalformed(f"Target prices must be on the final score, {market_id[:64]!r} is not")
    return column


@lru_cache(maxsize=COLUMNS_CACHED_MAX)
def _reading_matrix(columns: tuple[int, ...], sizes: GridSizes) -> Floats:
    matrix = full_time_matrix(sizes)
    return np.hstack([matrix.win[:, columns], matrix.lose[:, columns]])


def _grids_with_slopes(
    parameters: Floats, offsets: NDArray[np.int64], factors: Floats, size: int, has_rho: bool
) -> Floats:
    """Return final score grids and their slopes by log mean of home, of away, and rho: shape (1 + n, n_rows, size^2).

    They are not scaled to one: what is read from them is ratios.
    """
    means = np.exp(parameters[:, :2])
    sides, slopes = [], []
    for side in (0, 1):
        left = means[:, side] * factors[side]
        masses = poisson_masses(left, size=size)
        moved = -masses
        moved[:, 1:] += masses[:, :-1]
        moved[:, -2] += masses[:, -1]
        sides.append(shift_masses(masses, offsets[side]))
        slopes.append(shift_masses(left[:, None] * moved, offsets[side]))
    grids = np.empty((3 + has_rho, len(parameters), size, size))
    np.multiply(sides[0][:, :, None], sides[1][:, None, :], out=grids[0])
    np.multiply(slopes[0][:, :, None], sides[1][:, None, :], out=grids[1])
    np.multiply(sides[0][:, :, None], slopes[1][:, None, :], out=grids[2])
    _move_low_scores(grids, means, parameters[:, 2], has_rho)
    return grids.reshape(3 + has_rho, len(parameters), size * size)


def _move_low_scores(grids: Floats, means: Floats, rhos: Floats, has_rho: bool) -> None:
    low = grids[0, :, :2, :2].copy()
    unit = dixon_coles_slopes(means[:, 0], means[:, 1])
    grids[:3, :, :2, :2] *= 1.0 + rhos[:, None, None] * unit
    if has_rho:
        grids[3] = 0.0
        grids[3, :, :2, :2] = low * unit
    by_mean = low * unit * rhos[:, None, None]
    grids[1, :, 0, :2] += by_mean[:, 0, :]
    grids[2, :, :2, 0] += by_mean[:, :, 0]


def _steps(errors: Floats, slopes: Floats, weights: Floats, damping: Floats) -> Floats:
    weighted = slopes * weights[:, None, :]
    normal = weighted @ slopes.transpose(0, 2, 1)
    unknowns = np.arange(normal.shape[1])
    diagonal = normal[:, unknowns, unknowns]
    normal[:, unknowns, unknowns] = diagonal * (1.0 + damping[:, None]) + 1e-14
    gradient = (weighted * errors[:, None, :]).sum(axis=2)
    steps = np.zeros((len(errors), 3))
    steps[:, : len(unknowns)] = -np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
    longest = np.abs(steps).max(axis=1, keepdims=True)
    return np.asarray(steps * np.minimum(1.0, STEP_MAX / np.maximum(longest, 1e-300)))


def _bounded(parameters: Floats, has_rho: bool) -> Floats:
    """Keep means and rho where every probability is positive."""
    parameters[:, :2] = np.clip(parameters[:, :2], LOG_MEAN_MIN, LOG_MEAN_MAX)
    if not has_rho:
        return parameters
    home, away = np.exp(parameters[:, 0]), np.exp(parameters[:, 1])
    lowest = np.maximum(np.maximum(-1.0 / home, -1.0 / away), RHO_MIN)
    highest = np.minimum(np.minimum(1.0 / (home * away), 1.0), RHO_MAX)
    parameters[:, 2] = np.clip(parameters[:, 2], lowest, highest)
    return parameters


def _flags(search: _Search, states: MatchStates) -> NDArray[np.int8]:
    flags = states.flags()
    is_given = search.weights > 0.0
    unknowns = 2 + search.has_rho
    flags[is_given.sum(axis=1) < unknowns] = RowFlag.TOO_FEW_PRICES
    is_probability: Flags = (search.targets > 0.0) & (search.targets < 1.0)
    flags[(is_given & ~is_probability).any(axis=1)] = RowFlag.PRICES_OUT_OF_RANGE
    flags[search.factors.min(axis=0) <= 0.0] = RowFlag.CLOCK_IMPOSSIBLE
    return flags
