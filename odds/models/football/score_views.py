"""The one joint distribution of a match, seen from every side that markets ask about.

Goals of both halves follow from the means still to come and the score so far. Every view below is a marginal of the
same distribution over (goals at half-time, goals after it), so that markets read from them never contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.models.football.match_states import MatchStates
from odds.models.football.order_of_goals import next_goal_minutes, order_probabilities
from odds.models.football.score_grids import Floats, Integers, dixon_coles_factors, poisson_masses, shift_masses

SIDES: Final = 3
"""Home, draw or none, away: the order in which results and scorers stand in every view."""

_HALF_TIME_OF_LOW = np.array([0, 1, 0])
_AFTER_OF_LOW = np.array([0, 0, 1])
_FINAL_OF_LOW = _HALF_TIME_OF_LOW + _AFTER_OF_LOW


@dataclass(frozen=True, slots=True)
class GridSizes:
    """Cells a side of the grids; what is beyond is in the last cell."""

    full_time: int
    half: int


SIZES: Final = (GridSizes(12, 9), GridSizes(16, 16), GridSizes(24, 24), GridSizes(56, 56))

_FULL_TIME_SIZES: Final = [sizes.full_time for sizes in SIZES[:-1]]
_HALF_SIZES: Final = [sizes.half for sizes in SIZES[:-1]]


@dataclass(frozen=True, slots=True)
class WantedViews:
    """Which views are wanted beside that of the final score."""

    halves: bool
    orders: bool
    minutes: bool


ALL_VIEWS: Final = WantedViews(halves=True, orders=True, minutes=True)


@dataclass(frozen=True, slots=True, eq=False)
class HalfViews:
    """What halves are asked about, one row a match.

    Attributes:
        first: Score at half-time, shape (n, half^2).
        second: Goals of the second half alone, shape (n, half^2).
        results: Result at half-time and at the end, shape (n, 9), half-time first, each home, draw, away.
        totals: Whether the first half, neither or the second has more goals, shape (n, 3).
    """

    first: Floats
    second: Floats
    results: Floats
    totals: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ScoreViews:
    """Marginals of the joint distribution, one row a match; None for those not wanted.

    Attributes:
        full_time: Final score, shape (n, size^2), home goals first.
        halves: Of either half.
        orders: Scorers of numbered goals and winners of races, as `order_of_goals` has them; NaN where past.
        minutes: When the next goal falls, as `order_of_goals` has it.
    """

    sizes: GridSizes
    full_time: Floats
    halves: HalfViews | None
    orders: Floats | None
    minutes: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class GoalsToCome:
    """What the score views follow from, one row a match.

    Attributes:
        home_means: Mean goals of the whole match, before it began.
        away_means: Mean goals of the whole match, before it began.
        rhos: Dixon and Coles's rho.
        first_half: Mean goals still to come before half-time, home then away, shape (2, n).
        second_half: Mean goals still to come after half-time, home then away, shape (2, n).
        states: Where the matches stand.
        shares_after: Share of the goals to come that falls after the end of each minute band, shape (n, n_bands); None
            where no view asks for it.
    """

    home_means: Floats
    away_means: Floats
    rhos: Floats
    first_half: Floats
    second_half: Floats
    states: MatchStates
    shares_after: Floats | None

    def rows(self, index: Integers) -> GoalsToCome:
        """Return some of the matches."""
        return GoalsToCome(
            self.home_means[index],
            self.away_means[index],
            self.rhos[index],
            self.first_half[:, index],
            self.second_half[:, index],
            self.states.rows(index),
            None if self.shares_after is None else self.shares_after[index],
        )

    def sizes(self) -> NDArray[np.int64]:
        """Return which of `SIZES` each match needs for a tail of about 1e-5 a side in the last cells."""
        goals = np.maximum(self.states.home_goals, self.states.away_goals)
        wholes = np.maximum.reduce(self.first_half + self.second_half, 0)
        needed = np.searchsorted(_FULL_TIME_SIZES, goals + np.maximum(_reach(wholes), SIZES[0].half - 1))
        return np.asarray(np.maximum(needed, self.half_sizes()))

    def half_sizes(self) -> NDArray[np.int64]:
        """Return the same for the grids of halves alone."""
        goals = np.maximum(self.states.home_goals, self.states.away_goals)
        halves = np.maximum.reduce(np.maximum(self.first_half, self.second_half), 0)
        return np.asarray(np.searchsorted(_HALF_SIZES, goals + _reach(halves)))


def _reach(means: Floats) -> Floats:
    """Return how many goals hardly ever are exceeded."""
    return np.asarray(means + 4.6 * np.sqrt(means) + 3.0)


def score_views(goals: GoalsToCome, sizes: GridSizes, wanted: WantedViews = ALL_VIEWS) -> ScoreViews:
    """Return the views of matches whose goals to come are Poisson, low scores moved by rho.

    Rho acts on the final score as it stood before the match; in play its effect is what is left of it given the score,
    so that at the start nothing changes and at the end the result is certain.
    """
    home, away = _final_masses(goals, sizes.full_time)
    grid = home[:, :, None] * away[:, None, :]
    scale = None
    if np.count_nonzero(goals.rhos):
        low = grid[:, :2, :2]
        moves = low * (dixon_coles_factors(goals.home_means, goals.away_means, goals.rhos) - 1.0)
        low += moves
        scale = 1.0 / (1.0 + moves.sum(axis=(1, 2)))
        grid *= scale[:, None, None]
    flat = grid.reshape(len(grid), -1)
    minutes = None
    if wanted.minutes and goals.shares_after is not None:
        minutes = next_goal_minutes(flat, goals.states, goals.shares_after, sizes.full_time)
    return ScoreViews(
        sizes,
        flat,
        _half_views(goals, sizes, scale) if wanted.halves else None,
        order_probabilities(flat, goals.states, sizes.full_time) if wanted.orders else None,
        minutes,
    )


def _half_views(goals: GoalsToCome, sizes: GridSizes, scale: Floats | None) -> HalfViews:
    """Return the views of halves.

    Args:
        goals: To come.
        sizes: Of the grids.
        scale: What the final score was multiplied by after rho moved low scores; None where rho is 0.0.
    """
    before, after = half_masses(goals, sizes)
    first = before[0][:, :, None] * before[1][:, None, :]
    second = after[0][:, :, None] * after[1][:, None, :]
    results, totals = _across_halves(first, second)
    if scale is not None:
        low, maps = _low_score_moves(goals, (before, after)), _low_score_maps()
        first[:, :2, :2] += (low @ maps.first_half).reshape(-1, 2, 2)
        second[:, :2, :2] += (low @ maps.second_half).reshape(-1, 2, 2)
        results += low @ maps.results
        totals += low @ maps.totals
        first *= scale[:, None, None]
        second *= scale[:, None, None]
        results *= scale[:, None]
        totals *= scale[:, None]
    return HalfViews(first.reshape(len(first), -1), second.reshape(len(second), -1), results, totals)


Sides = tuple[Floats, Floats]


def half_masses(goals: GoalsToCome, sizes: GridSizes) -> tuple[Sides, Sides]:
    """Return the distributions of goals at half-time and of goals after it, each home and away, shape (n, half)."""
    before, after = [], []
    for side, (now, half_time) in enumerate(_scores_so_far(goals.states)):
        before.append(shift_masses(poisson_masses(goals.first_half[side], size=sizes.half), half_time))
        after.append(shift_masses(poisson_masses(goals.second_half[side], size=sizes.half), now - half_time))
    return (before[0], before[1]), (after[0], after[1])


def _final_masses(goals: GoalsToCome, size: int) -> Sides:
    means = goals.first_half + goals.second_half
    (home, _), (away, _) = _scores_so_far(goals.states)
    return (
        shift_masses(poisson_masses(means[0], size=size), home),
        shift_masses(poisson_masses(means[1], size=size), away),
    )


def _scores_so_far(states: MatchStates) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers]]:
    """Return goals so far and those of them before half-time, home then away."""
    is_split = states.is_after_first_half()
    return (
        (states.home_goals, np.where(is_split, states.half_time_home_goals, states.home_goals)),
        (states.away_goals, np.where(is_split, states.half_time_away_goals, states.away_goals)),
    )


def _low_score_moves(goals: GoalsToCome, halves: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]) -> Floats:
    """Return what rho adds to each of the nine ways to a final score of at most a goal a side, shape (n, 9)."""
    sides = [halves[0][side][:, _HALF_TIME_OF_LOW] * halves[1][side][:, _AFTER_OF_LOW] for side in (0, 1)]
    factors = dixon_coles_factors(goals.home_means, goals.away_means, goals.rhos) - 1.0
    factors = factors[:, _FINAL_OF_LOW[:, None], _FINAL_OF_LOW[None, :]]
    return np.asarray((sides[0][:, :, None] * sides[1][:, None, :] * factors).reshape(-1, 9))


def _across_halves(first_half: Floats, second_half: Floats) -> tuple[Floats, Floats]:
    """Return (half-time, full-time) results and which half has more goals, of independent halves."""
    size = first_half.shape[1]
    leads_and_totals = _leads_and_totals(size)
    leads_count = 2 * size - 1
    before = first_half.reshape(-1, size * size) @ leads_and_totals
    after = second_half.reshape(-1, size * size) @ leads_and_totals
    opposite = after[:, leads_count - 1 :: -1]
    at_least = np.cumsum(opposite, axis=1)
    final = np.stack([at_least - opposite, opposite, 1.0 - at_least], axis=1)
    results = (final * before[:, None, :leads_count]) @ _lead_signs(size)
    results = results.transpose(0, 2, 1).reshape(-1, 9)
    more, equal = before[:, leads_count:], after[:, leads_count:]
    is_equal = (more * equal).sum(axis=1)
    is_first = (more * np.cumsum(equal, axis=1)).sum(axis=1) - is_equal
    totals = np.stack([is_first, is_equal, 1.0 - is_first - is_equal], axis=1)
    return np.maximum(results, 0.0), np.maximum(totals, 0.0)


@lru_cache(maxsize=len(SIZES))
def _leads_and_totals(size: int) -> Floats:
    """Return the matrix from scores to leads (from -(size-1) up), then to totals."""
    home, away = np.divmod(np.arange(size * size), size)
    matrix = np.zeros((size * size, 2 * (2 * size - 1)))
    rows = np.arange(size * size)
    matrix[rows, home - away + size - 1] = 1.0
    matrix[rows, 2 * size - 1 + home + away] = 1.0
    return matrix


@lru_cache(maxsize=len(SIZES))
def _lead_signs(size: int) -> Floats:
    leads = np.arange(-(size - 1), size)
    return np.stack([leads > 0, leads == 0, leads < 0], axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _LowScoreMaps:
    first_half: Floats
    second_half: Floats
    results: Floats
    totals: Floats


@lru_cache(maxsize=1)
def _low_score_maps() -> _LowScoreMaps:
    """Return where each of the nine low-score paths falls in the views."""
    home, away = (axis.ravel() for axis in np.meshgrid(np.arange(3), np.arange(3), indexing="ij"))
    before = _HALF_TIME_OF_LOW[home], _HALF_TIME_OF_LOW[away]
    after = _AFTER_OF_LOW[home], _AFTER_OF_LOW[away]
    half_time = 1 - np.sign(before[0] - before[1])
    full_time = 1 - np.sign(before[0] + after[0] - before[1] - after[1])
    more = 1 - np.sign(before[0] + before[1] - after[0] - after[1])
    return _LowScoreMaps(
        np.eye(4)[before[0] * 2 + before[1]],
        np.eye(4)[after[0] * 2 + after[1]],
        np.eye(9)[half_time * SIDES + full_time],
        np.eye(SIDES)[more],
    )
