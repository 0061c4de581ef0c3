"""Cricket with limited overs: runs to come from balls left and wickets in hand.

What a side may still expect is its full innings times the share of resources left. Runs to come are negative binomial
with a variance that is a fixed multiple of the mean, so that the runs of two stretches of an innings add up. With few
balls left that tail is far too long, as nobody makes more than six off a ball without an extra: so many runs are never
likelier than for a side that hits at every ball. The two innings are independent, and a side chasing bats no
differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtr

from odds.model_input import RowFlag, RowFlags, count_rows, flag_rows

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

WICKETS: Final = 10
BALLS_OF_AN_OVER: Final = 6.0
FULL_INNINGS_BALLS: Final = 300

DECAY_PER_OVER: Final = 0.027256
"""How the value of a further over falls, no wicket lost."""
WICKETS_MIDDLE: Final = 3.1525
WICKETS_SPREAD: Final = 3.9214
"""With the decay, fitted by least squares to the published table; see `resources`."""

HITTING_CHANCES: Final = (0.15, 0.35, 0.15, 0.0, 0.20, 0.0, 0.15)
"""Of 0 to 6 runs off a ball, for a side that hits at every one: more than any side keeps up, about 14 an over."""
EXTRA_CHANCE: Final = 0.04
"""That a wide or no-ball comes before the next ball that counts; each is worth a run."""
NO_BALL_SHARE: Final = 0.25
"""Of those, what can be hit as well."""
EXTRAS_OF_A_BALL_MAX: Final = 4
BOUNDED_BALLS_MAX: Final = 300
"""With more balls left, runs are not bounded by them."""

FIRST, TIE, SECOND = range(3)
"""Columns of the chances of a match, by who bats first."""


@dataclass(frozen=True, slots=True)
class MatchForecast:
    """What full innings are expected to come to; each of shape (n_matches,).

    Attributes:
        first_mean: Runs of the side batting first, above 0.
        second_mean: Runs of the side batting second if it were not stopped by winning, above 0.
        dispersion: Variance of runs over their mean, above 1: about 12 in 50 overs, 7 in 20.
        innings_balls: Balls of a full innings: 300, 120, fewer after rain.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    first_mean: Floats
    second_mean: Floats
    dispersion: Floats
    innings_balls: Counts

    def __post_init__(self) -> None:
        count_rows(self.first_mean, self.second_mean, self.dispersion, self.innings_balls)

    def rows(self, positions: Counts) -> MatchForecast:
        """Return the matches at these positions."""
        return MatchForecast(
            self.first_mean[positions],
            self.second_mean[positions],
            self.dispersion[positions],
            self.innings_balls[positions],
        )


@dataclass(frozen=True, slots=True)
class InningsScores:
    """Where matches stand; each of shape (n_matches,).

    Attributes:
        is_second: Whether the second innings is being played.
        runs: Runs of the side batting.
        wickets: Wickets it lost, 0 to 10.
        balls_left: Balls it may still face.
        target: Runs that win for the side batting second; not read in the first innings.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    is_second: NDArray[np.bool_]
    runs: Counts
    wickets: Counts
    balls_left: Counts
    target: Counts

    def __post_init__(self) -> None:
        count_rows(self.is_second, self.runs, self.wickets, self.balls_left, self.target)

    def rows(self, positions: Counts) -> InningsScores:
        """Return the matches at these positions."""
        return InningsScores(
            self.is_second[positions],
            self.runs[positions],
            self.wickets[positions],
            self.balls_left[positions],
            self.target[positions],
        )


def flag_matches(forecast: MatchForecast, scores: InningsScores) -> RowFlags:
    """Return a `RowFlag` a match: why `win_matches` leaves it NaN, FINE where it does not.

    Raises:
        ModelInputInvalid: If forecast and scores are not of as many matches.
    """
    means = np.stack([forecast.first_mean, forecast.second_mean, forecast.innings_balls], axis=1)
    is_spread = (forecast.dispersion > 1.0) & np.isfinite(forecast.dispersion)
    counts = np.stack([scores.runs, scores.wickets, scores.balls_left], axis=1)
    count_rows(means, counts)
    most = np.stack([np.full(len(counts), np.inf), np.full(len(counts), WICKETS), forecast.innings_balls], axis=1)
    has_target = ~scores.is_second | (scores.target >= 1)
    return flag_rows(
        len(counts),
        [
            (RowFlag.FORECAST_OUT_OF_RANGE, (means > 0.0) & np.isfinite(means) & is_spread[:, None]),
            (RowFlag.INNINGS_IMPOSSIBLE, (counts >= 0) & (counts <= most) & has_target[:, None]),
        ],
    )


def resources(balls_left: NDArray[np.integer], wickets: NDArray[np.integer]) -> Floats:
    """Return what share of the runs of a fresh 50-over innings is still to come.

    F(w) (1 - exp(-b u / F(w))), u being overs left, over its value at 50 overs and no wicket; F falls from 1 at no
    wicket to 0 at ten like the upper part of a normal curve cut off at ten.

    Args:
        balls_left: Any shape, 0 or more.
        wickets: Same shape, wickets lost, 0 to 10.

    Returns:
        Same shape, rising in balls, falling in wickets; within 0.007 of the table.

    Source:
        Duckworth and Lewis (1998), standard edition table of 2002; form of F from McHale and Asif (2013).
    """
    potential = _potential(wickets)
    has_wickets = potential > 0.0
    steepness = DECAY_PER_OVER / np.where(has_wickets, potential, 1.0)
    overs, full = balls_left / BALLS_OF_AN_OVER, FULL_INNINGS_BALLS / BALLS_OF_AN_OVER
    return np.asarray(potential * -np.expm1(-steepness * overs) / -np.expm1(-DECAY_PER_OVER * full))


def runs_to_come(innings_mean: Floats, innings_balls: Counts, balls_left: Counts, wickets: Counts) -> Floats:
    """Return the runs a side may still expect, shape (n_matches,)."""
    fresh = resources(innings_balls, np.zeros_like(innings_balls))
    return np.asarray(innings_mean * resources(balls_left, wickets) / fresh)


def win_matches(forecast: MatchForecast, scores: InningsScores) -> Floats:
    """Return who wins, from any score.

    Returns:
        Shape (n_matches, 3): the side batting first, a tie, the side batting second; each row sums to 1.0, or is NaN as
        `flag_matches` says.
    """
    flags = flag_matches(forecast, scores)
    chances = np.full((len(flags), 3), np.nan)
    for is_second, price in ((False, _price_first_innings), (True, _price_chase)):
        rows = np.flatnonzero((scores.is_second == is_second) & (flags == RowFlag.FINE))
        if len(rows):
            chances[rows] = price(forecast.rows(rows), scores.rows(rows))
    return chances


def _potential(wickets: NDArray[np.integer]) -> Floats:
    def upper(lost: NDArray[np.integer] | float) -> Floats:
        return np.asarray(
            ndtr((WICKETS_MIDDLE - lost) / WICKETS_SPREAD) - ndtr((WICKETS_MIDDLE - 10.0) / WICKETS_SPREAD)
        )

    return np.asarray(upper(wickets) / upper(0.0))


def _price_chase(forecast: MatchForecast, scores: InningsScores) -> Floats:
    means = runs_to_come(forecast.second_mean, forecast.innings_balls, scores.balls_left, scores.wickets)
    needed = scores.target - scores.runs
    second = pass_runs(needed, means, forecast.dispersion, scores.balls_left)
    tie = np.where(needed > 0, pass_runs(needed - 1, means, forecast.dispersion, scores.balls_left) - second, 0.0)
    return np.stack([np.maximum(1.0 - second - tie, 0.0), tie, second], axis=1)


def _price_first_innings(forecast: MatchForecast, scores: InningsScores) -> Floats:
    means = runs_to_come(forecast.first_mean, forecast.innings_balls, scores.balls_left, scores.wickets)
    width = int(_reach(means, forecast.dispersion).max()) + 1
    to_come = _distribution(means, forecast.dispersion, scores.balls_left, width)
    totals = scores.runs[:, None] + np.arange(width)
    chase_width = int(_reach(forecast.second_mean, forecast.dispersion).max()) + 1
    chase = _distribution(forecast.second_mean, forecast.dispersion, forecast.innings_balls, chase_width)
    above = np.maximum(1.0 - np.cumsum(chase, axis=1), 0.0)
    inside, within = totals < chase_width, np.minimum(totals, chase_width - 1)
    tie = (to_come * np.where(inside, np.take_along_axis(chase, within, axis=1), 0.0)).sum(axis=1)
    second = (to_come * np.where(inside, np.take_along_axis(above, within, axis=1), 0.0)).sum(axis=1)
    return np.stack([np.maximum(1.0 - second - tie, 0.0), tie, second], axis=1)


def pass_runs(runs: Counts, means: Floats, dispersion: Floats, balls: Counts) -> Floats:
    """Return the chance of at least so many runs, each of shape (n,).

    Args:
        runs: How many; 0 or fewer are certain.
        means: Expected of these balls.
        dispersion: As in the forecast.
        balls: How many are left.
    """
    is_certain, is_possible = runs <= 0, means > 0.0
    shape = np.where(is_possible, means, 1.0) / (dispersion - 1.0)
    chances = betainc(np.where(is_certain, 1, runs), shape, 1.0 - 1.0 / dispersion)
    bounded = np.minimum(chances, _at_most_likely(np.maximum(runs, 0)[:, None], balls)[:, 0])
    return np.where(is_certain, 1.0, np.where(is_possible, bounded, 0.0))


def _at_most_likely(runs: Counts, balls: Counts) -> Floats:
    """Return how likely at least so many runs can be at most, shape of `runs`, whose first axis is that of `balls`."""
    table = _hitting_table()
    is_there, is_bounded = runs < table.shape[1], balls <= BOUNDED_BALLS_MAX
    chances = table[np.minimum(balls, BOUNDED_BALLS_MAX)[:, None], np.where(is_there, runs, 0)]
    return np.where(is_bounded[:, None], np.where(is_there, chances, 0.0), 1.0)


@lru_cache(maxsize=1)
def _hitting_table() -> Floats:
    """Return the chances of at least so many runs for a side that hits at every ball, shape (balls + 1, runs)."""
    hit = np.array(HITTING_CHANCES)
    extra = EXTRA_CHANCE * np.append(0.0, NO_BALL_SHARE * hit + (1.0 - NO_BALL_SHARE) * (np.arange(len(hit)) == 0))
    ball, with_extras = np.zeros(len(hit) + EXTRAS_OF_A_BALL_MAX * (len(extra) - 1)), (1.0 - EXTRA_CHANCE) * hit
    for _ in range(EXTRAS_OF_A_BALL_MAX + 1):
        ball[: len(with_extras)] += with_extras
        with_extras = np.convolve(with_extras, extra)
    ball /= ball.sum()
    table = np.zeros((BOUNDED_BALLS_MAX + 1, len(extra) * BOUNDED_BALLS_MAX))
    table[0, 0] = 1.0
    for balls in range(BOUNDED_BALLS_MAX):
        table[balls + 1] = np.convolve(table[balls], ball)[: table.shape[1]]
    return np.cumsum(table[:, ::-1], axis=1)[:, ::-1]


def _reach(means: Floats, dispersion: Floats) -> Floats:
    """Return runs that are passed with a chance below 1e-12: the far end falls by 1/e every `dispersion` runs."""
    return means + 6.0 * np.sqrt(dispersion * means) + 20.0 * dispersion


def _distribution(means: Floats, dispersion: Floats, balls: Counts, width: int) -> Floats:
    """Return the chances of 0, 1, 2... runs off these balls, shape (n_matches, width); the last is of all beyond."""
    shape = means / (dispersion - 1.0)
    runs = np.arange(1, width)
    with np.errstate(divide="ignore"):
        ratios = np.log((runs - 1.0 + shape[:, None]) / runs * (1.0 - 1.0 / dispersion[:, None]))
    logs = np.concatenate([(-shape * np.log(dispersion))[:, None], ratios], axis=1)
    chances: Floats = np.exp(np.cumsum(logs, axis=1))
    chances[:, -1] += np.maximum(1.0 - chances.sum(axis=1), 0.0)
    reached = np.cumsum(chances[:, ::-1], axis=1)[:, ::-1]
    reached = np.minimum(reached, _at_most_likely(np.broadcast_to(np.arange(width), chances.shape), balls))
    return np.asarray(reached - np.append(reached[:, 1:], np.zeros((len(reached), 1)), axis=1))
