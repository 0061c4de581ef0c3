"""Basketball: the lead as a random walk that drifts towards the better team.

Margins and totals are normal; for markets they are rounded to whole points. A tie at the end of a stage is followed by
overtime with the same drift and spread per second, again and again until somebody leads. Margin and total are taken as
independent, and that a tied score has an even total is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from odds.line_shares import LineShares
from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

OVERTIMES_MAX: Final = 8
"""Overtimes that totals follow; later ones, of a chance below 1e-8, count as the last."""


@dataclass(frozen=True, slots=True)
class GameRules:
    """How long a game is: 4 x 720 s and 300 s of overtime in the NBA, 4 x 600 s and 300 s elsewhere."""

    period_count: int
    period_s: float
    overtime_s: float

    def __post_init__(self) -> None:
        if self.period_count < 1 or not self.period_s > 0.0 or not self.overtime_s > 0.0:
            raise ModelInputInvalid(f"Periods and overtime longer than 0 s were expected, was {self}")

    @property
    def regulation_s(self) -> float:
        """How long all periods are."""
        return self.period_count * self.period_s


@dataclass(frozen=True, slots=True)
class GameForecast:
    """What a whole game without overtime is expected to come to; each of shape (n_games,), in points.

    Attributes:
        margin_mean: Home points minus away points.
        margin_sd: Its standard deviation, above 0.
        total_mean: Points of both.
        total_sd: Its standard deviation, above 0.
    """

    margin_mean: Floats
    margin_sd: Floats
    total_mean: Floats
    total_sd: Floats

    def __post_init__(self) -> None:
        for name, spread in (("Margin", self.margin_sd), ("Total", self.total_sd)):
            require(
                (spread > 0.0) & np.isfinite(spread),
                expected=f"{name} standard deviation must be above 0.0",
                found=spread,
            )
        is_there = np.isfinite(self.margin_mean) & np.isfinite(self.total_mean)
        require(is_there, expected="Means must be numbers", found=self.margin_mean + self.total_mean)


@dataclass(frozen=True, slots=True)
class GameScores:
    """Where games, or periods of games, stand; each of shape (n_games,).

    Attributes:
        home_points: Points of the home team.
        away_points: Points of the away team.
        seconds_left: Until the end of the stage being played: regulation, the running overtime, or the period priced.
    """

    home_points: Counts
    away_points: Counts
    seconds_left: Floats

    def __post_init__(self) -> None:
        for name, values in (
            ("Home points", self.home_points),
            ("Away points", self.away_points),
            ("Seconds left", self.seconds_left),
        ):
            require((values >= 0) & np.isfinite(values), expected=f"{name} must be 0 or more", found=values)


def lead_wins(*, lead: Floats, elapsed_share: Floats, margin_mean: Floats, margin_sd: Floats) -> Floats:
    """Return the home team's chance to win, the score being a number that never ties.

    Args:
        lead: Home points minus away points, any shape.
        elapsed_share: Part of the game that is over, 0.0 to 1.0.
        margin_mean: Expected final margin of a game not begun.
        margin_sd: Its standard deviation.

    Returns:
        Same shape; at the end 1.0, 0.0, or 0.5 where nobody leads.

    Source:
        Stern (1994).
    """
    left = 1.0 - elapsed_share
    is_over = left <= 0.0
    spread = margin_sd * np.sqrt(np.where(is_over, 1.0, left))
    won = ndtr((lead + left * margin_mean) / spread)
    return np.where(is_over, 0.5 + 0.5 * np.sign(lead), won)


def win_games(forecast: GameForecast, scores: GameScores, rules: GameRules) -> Floats:
    """Return the home team's chance to win, overtime included, shape (n_games,)."""
    margins = _Margins(forecast, scores, rules)
    return np.asarray(margins.above(0.0) + margins.at(0.0) * _win_overtime(forecast, rules))


def result_in_regulation(forecast: GameForecast, scores: GameScores, rules: GameRules) -> Floats:
    """Return the chances of home, draw and away at the end of the stage being played, shape (n_games, 3).

    With a period's own points and seconds left it is that period's result.
    """
    margins = _Margins(forecast, scores, rules)
    home, draw = margins.above(0.0), margins.at(0.0)
    return np.stack([home, draw, np.maximum(1.0 - home - draw, 0.0)], axis=1)


def spread(
    forecast: GameForecast, scores: GameScores, rules: GameRules, *, handicaps: Floats, has_overtime: bool
) -> LineShares:
    """Return the shares of the home team with points added.

    Args:
        forecast: Of whole games.
        scores: Where they stand.
        rules: How long they are.
        handicaps: Shape (n_games,), points added to the home team.
        has_overtime: Whether overtime counts.
    """
    margins = _Margins(forecast, scores, rules)
    over, push = margins.above(-handicaps), margins.at(-handicaps)
    if has_overtime:
        draw = margins.at(0.0)
        later = _Margins(forecast, _overtime_scores(len(draw), rules), rules)
        decided = 1.0 - later.at(0.0)
        over = over + draw * (_without_tie(later, -handicaps) / decided - (handicaps > 0.0))
        push = np.where(handicaps == 0.0, 0.0, push + draw * later.at(-handicaps) / decided)
    return LineShares(over, push, np.maximum(1.0 - over - push, 0.0))


def total(
    forecast: GameForecast, scores: GameScores, rules: GameRules, *, lines: Floats, has_overtime: bool
) -> LineShares:
    """Return the shares of over the lines, in points of both teams.

    Args:
        forecast: Of whole games.
        scores: Where they stand.
        rules: How long they are.
        lines: Shape (n_games,).
        has_overtime: Whether overtime counts.
    """
    scored = scores.home_points + scores.away_points
    return _sum_over_overtimes(
        forecast, scores, rules, scored=scored, lines=lines, has_overtime=has_overtime, is_team=False
    )


def home_total(
    forecast: GameForecast, scores: GameScores, rules: GameRules, *, lines: Floats, has_overtime: bool
) -> LineShares:
    """Return the shares of over the lines, in points of the home team; arguments as for `total`.

    The away team's are those of `swap_sides`.
    """
    return _sum_over_overtimes(
        forecast, scores, rules, scored=scores.home_points, lines=lines, has_overtime=has_overtime, is_team=True
    )


def swap_sides(forecast: GameForecast, scores: GameScores) -> tuple[GameForecast, GameScores]:
    """Return the same games seen from the other side."""
    return (
        GameForecast(-forecast.margin_mean, forecast.margin_sd, forecast.total_mean, forecast.total_sd),
        GameScores(scores.away_points, scores.home_points, scores.seconds_left),
    )


class _Margins:
    """The margin at the end of a stage, rounded to whole points."""

    def __init__(self, forecast: GameForecast, scores: GameScores, rules: GameRules) -> None:
        share = scores.seconds_left / rules.regulation_s
        self._mean = scores.home_points - scores.away_points + forecast.margin_mean * share
        self._sd = forecast.margin_sd * np.sqrt(share)

    def above(self, line: Floats | float) -> Floats:
        return _above(np.floor(line) + 0.5, self._mean, self._sd)

    def at(self, line: Floats | float) -> Floats:
        return _at(line, self._mean, self._sd)


def _above(boundary: Floats | float, mean: Floats, sd: Floats) -> Floats:
    """Return the chance to be above a boundary, which is never a whole number; nothing varies where sd is 0."""
    distances = mean - boundary
    varies = sd > 0.0
    return np.where(varies, ndtr(distances / np.where(varies, sd, 1.0)), distances > 0.0)


def _at(line: Floats | float, mean: Floats, sd: Floats) -> Floats:
    is_whole = np.floor(line) == line
    return np.where(is_whole, _above(line - np.float64(0.5), mean, sd) - _above(line + np.float64(0.5), mean, sd), 0.0)


def _without_tie(margins: _Margins, line: Floats) -> Floats:
    """Return the chance of a margin above the line that is not a tie."""
    return margins.above(line) - np.where(line < 0.0, margins.at(0.0), 0.0)


def _overtime_scores(n_games: int, rules: GameRules) -> GameScores:
    nothing = np.zeros(n_games, dtype=np.int64)
    return GameScores(nothing, nothing, np.full(n_games, rules.overtime_s))


def _win_overtime(forecast: GameForecast, rules: GameRules) -> Floats:
    later = _Margins(forecast, _overtime_scores(len(forecast.margin_mean), rules), rules)
    return later.above(0.0) / (1.0 - later.at(0.0))


def _sum_over_overtimes(
    forecast: GameForecast,
    scores: GameScores,
    rules: GameRules,
    *,
    scored: Counts,
    lines: Floats,
    has_overtime: bool,
    is_team: bool,
) -> LineShares:
    """Average over the number of overtimes; a team's points are half of total and margin together."""
    mean, variance = forecast.total_mean, forecast.total_sd**2
    if is_team:
        mean, variance = (mean + forecast.margin_mean) / 2.0, (variance + forecast.margin_sd**2) / 4.0
    share, overtime_share = scores.seconds_left / rules.regulation_s, rules.overtime_s / rules.regulation_s
    ties = _Margins(forecast, scores, rules).at(0.0)
    tie_again = _Margins(forecast, _overtime_scores(len(ties), rules), rules).at(0.0)
    over, push, reached = np.zeros_like(mean), np.zeros_like(mean), np.ones_like(mean)
    for overtimes in range(OVERTIMES_MAX + 1 if has_overtime else 1):
        is_last = overtimes == OVERTIMES_MAX or not has_overtime
        onward = np.zeros_like(mean) if is_last else reached * (tie_again if overtimes else ties)
        shares = share + overtimes * overtime_share
        points, sd = scored + mean * shares, np.sqrt(variance * shares)
        over += (reached - onward) * _above(np.floor(lines) + 0.5, points, sd)
        push += (reached - onward) * _at(lines, points, sd)
        reached = onward
    return LineShares(over, push, np.maximum(1.0 - over - push, 0.0))
