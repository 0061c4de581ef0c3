"""Basketball: the lead as a random walk that drifts towards the better team.

Margins and totals are normal; for markets they are rounded to whole points. A tie at the end of a stage is followed by
overtime with the same drift and spread per second, again and again until somebody leads. Margin and total are taken as
independent, and that a tied score has an even total is left out. Source: Stern (1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from odds.model_input import ModelInputInvalid, RowFlag, RowFlags, count_rows, find_fine, flag_rows, spread_rows
from odds.models.line_shares import LineShares

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SD_MIN: Final = 0.5
"""Points a game must at least vary by: with less, overtimes would hardly ever end."""
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
        margin_sd: Its standard deviation, 0.5 or more.
        total_mean: Points of both.
        total_sd: Its standard deviation, 0.5 or more.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    margin_mean: Floats
    margin_sd: Floats
    total_mean: Floats
    total_sd: Floats

    def __post_init__(self) -> None:
        count_rows(self.margin_mean, self.margin_sd, self.total_mean, self.total_sd)

    def rows(self, positions: Counts) -> GameForecast:
        """Return the games at these positions."""
        return GameForecast(
            self.margin_mean[positions], self.margin_sd[positions], self.total_mean[positions], self.total_sd[positions]
        )


@dataclass(frozen=True, slots=True)
class GameScores:
    """Where games, or periods of games, stand; each of shape (n_games,).

    Attributes:
        home_points: Points of the home team.
        away_points: Points of the away team.
        seconds_left: Until the end of the stage being played: regulation, the running overtime, or the period priced.

    Raises:
        ModelInputInvalid: If the columns differ in length.
    """

    home_points: Counts
    away_points: Counts
    seconds_left: Floats

    def __post_init__(self) -> None:
        count_rows(self.home_points, self.away_points, self.seconds_left)

    def rows(self, positions: Counts) -> GameScores:
        """Return the games at these positions."""
        return GameScores(self.home_points[positions], self.away_points[positions], self.seconds_left[positions])


def flag_games(forecast: GameForecast, scores: GameScores, rules: GameRules) -> RowFlags:
    """Return a `RowFlag` a game: why every function here leaves it NaN, FINE where none does.

    Raises:
        ModelInputInvalid: If forecast and scores are not of as many games.
    """
    spreads = np.stack([forecast.margin_sd, forecast.total_sd], axis=1)
    means = np.stack([forecast.margin_mean, forecast.total_mean], axis=1)
    points = np.stack([scores.home_points, scores.away_points], axis=1)
    is_played = (points >= 0) & np.isfinite(points)
    is_in_time = (scores.seconds_left >= 0.0) & (scores.seconds_left <= rules.regulation_s)
    return flag_rows(
        count_rows(spreads, points),
        [
            (RowFlag.FORECAST_OUT_OF_RANGE, (spreads >= SD_MIN) & np.isfinite(spreads) & np.isfinite(means)),
            (RowFlag.POINTS_IMPOSSIBLE, is_played & is_in_time[:, None]),
        ],
    )


def win_games(forecast: GameForecast, scores: GameScores, rules: GameRules) -> Floats:
    """Return the home team's chance to win, overtime included, shape (n_games,); NaN as `flag_games` says."""
    games = _Games.sound(forecast, scores, rules)
    margins = games.margins()
    return spread_rows(margins.above(0.0) + margins.at(0.0) * games.win_overtime(), games.flags)


def result_in_regulation(forecast: GameForecast, scores: GameScores, rules: GameRules) -> Floats:
    """Return the chances of home, draw and away at the end of the stage being played; NaN as `flag_games` says.

    With a period's own points and seconds left it is that period's result.

    Returns:
        Shape (n_games, 3).
    """
    games = _Games.sound(forecast, scores, rules)
    margins = games.margins()
    home, draw = margins.above(0.0), margins.at(0.0)
    return spread_rows(np.stack([home, draw, np.maximum(1.0 - home - draw, 0.0)], axis=1), games.flags)


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
    games = _Games.sound(forecast, scores, rules, handicaps)
    margins, handicaps = games.margins(), games.lines
    over, push = margins.above(-handicaps), margins.at(-handicaps)
    if has_overtime:
        draw, later = margins.at(0.0), games.overtime()
        decided = 1.0 - later.at(0.0)
        over = over + draw * (_without_tie(later, -handicaps) / decided - (handicaps > 0.0))
        push = np.where(handicaps == 0.0, 0.0, push + draw * later.at(-handicaps) / decided)
    return LineShares.of_sound(over, push, np.maximum(1.0 - over - push, 0.0), games.flags)


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
    games = _Games.sound(forecast, scores, rules, lines)
    scored = games.scores.home_points + games.scores.away_points
    mean, variance = games.forecast.total_mean, games.forecast.total_sd**2
    return games.sum_over_overtimes(scored, mean, variance, has_overtime=has_overtime)


def home_total(
    forecast: GameForecast, scores: GameScores, rules: GameRules, *, lines: Floats, has_overtime: bool
) -> LineShares:
    """Return the shares of over the lines, in points of the home team; arguments as for `total`.

    A team's points are half of total and margin together. The away team's are those of `swap_sides`.
    """
    games = _Games.sound(forecast, scores, rules, lines)
    sound = games.forecast
    mean, variance = (sound.total_mean + sound.margin_mean) / 2.0, (sound.total_sd**2 + sound.margin_sd**2) / 4.0
    return games.sum_over_overtimes(games.scores.home_points, mean, variance, has_overtime=has_overtime)


def swap_sides(forecast: GameForecast, scores: GameScores) -> tuple[GameForecast, GameScores]:
    """Return the same games seen from the other side."""
    return (
        GameForecast(-forecast.margin_mean, forecast.margin_sd, forecast.total_mean, forecast.total_sd),
        GameScores(scores.away_points, scores.home_points, scores.seconds_left),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Games:
    """The games of a batch that are not flagged, with the flags of all."""

    forecast: GameForecast
    scores: GameScores
    rules: GameRules
    lines: Floats
    flags: RowFlags

    @classmethod
    def sound(cls, forecast: GameForecast, scores: GameScores, rules: GameRules, lines: Floats | None = None) -> _Games:
        flags = flag_games(forecast, scores, rules)
        lines = np.zeros(len(flags)) if lines is None else lines
        count_rows(flags, lines)
        flags[~np.isfinite(lines) & (flags == RowFlag.FINE)] = RowFlag.LINE_OUT_OF_RANGE
        fine = find_fine(flags)
        if len(fine) < len(flags):
            forecast, scores, lines = forecast.rows(fine), scores.rows(fine), lines[fine]
        return cls(forecast, scores, rules, lines, flags)

    def margins(self) -> _Margins:
        lead = self.scores.home_points - self.scores.away_points
        return _Margins.of(self.forecast, lead, self.scores.seconds_left / self.rules.regulation_s)

    def overtime(self) -> _Margins:
        return _Margins.of(self.forecast, 0, self.rules.overtime_s / self.rules.regulation_s)

    def win_overtime(self) -> Floats:
        later = self.overtime()
        return later.above(0.0) / (1.0 - later.at(0.0))

    def sum_over_overtimes(self, scored: Counts, mean: Floats, variance: Floats, *, has_overtime: bool) -> LineShares:
        """Average over the number of overtimes."""
        share, overtime_share = (
            seconds / self.rules.regulation_s for seconds in (self.scores.seconds_left, self.rules.overtime_s)
        )
        ties, tie_again = self.margins().at(0.0), self.overtime().at(0.0)
        over, push, reached = np.zeros_like(mean), np.zeros_like(mean), np.ones_like(mean)
        for overtimes in range(OVERTIMES_MAX + 1 if has_overtime else 1):
            is_last = overtimes == OVERTIMES_MAX or not has_overtime
            onward = np.zeros_like(mean) if is_last else reached * (tie_again if overtimes else ties)
            shares = share + overtimes * overtime_share
            points, sd = scored + mean * shares, np.sqrt(variance * shares)
            over += (reached - onward) * _above(np.floor(self.lines) + 0.5, points, sd)
            push += (reached - onward) * _at(self.lines, points, sd)
            reached = onward
        return LineShares.of_sound(over, push, np.maximum(1.0 - over - push, 0.0), self.flags)


@dataclass(frozen=True, slots=True, eq=False)
class _Margins:
    """The margin at the end of a stage, rounded to whole points."""

    mean: Floats
    sd: Floats

    @classmethod
    def of(cls, forecast: GameForecast, lead: Counts | int, share: Floats | float) -> _Margins:
        return cls(lead + forecast.margin_mean * share, forecast.margin_sd * np.sqrt(share))

    def above(self, line: Floats | float) -> Floats:
        return _above(np.floor(line) + 0.5, self.mean, self.sd)

    def at(self, line: Floats | float) -> Floats:
        return _at(line, self.mean, self.sd)


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
