"""A basketball game for the day, drawn shot by shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState, Score
from markets.periods import PeriodsState
from markets.sports.basketball import BASKETBALL, POINTS_HANDICAP, TOTAL_POINTS
from odds.models.basketball import GameForecast, GameRules, GameScores, spread, total, win_games
from simulation.contests.contest import MarketTruth, Results, Timeline, won_by

PERIODS, PERIOD_S, OVERTIME_S = 4, 600, 300
RULES: Final = GameRules(PERIODS, float(PERIOD_S), float(OVERTIME_S))
BEFORE: Final = MatchState(FixtureStatus.PRE_MATCH, sport=PeriodsState(PERIODS, PERIOD_S, OVERTIME_S))
POINTS_MEAN: Final = 80.0
STRENGTH_SPREAD: Final = 5.0
HOME_ADVANTAGE: Final = 3.0
SHOT_POINTS: Final = ((2, 0.62), (3, 0.28), (1, 0.10))
VARIANCE_PER_POINT: Final = 2.34
"""Variance of the points of a side over their mean, as shots are drawn."""
STOPPED_SHARE: Final = 0.9
"""Seconds for which the clock stands for each in which it runs."""
BREAK_S: Final = 130.0
LINES_BESIDE: Final = (-4.0, 0.0, 4.0)


@dataclass(frozen=True)
class BasketballContest(Timeline):
    """A game; see `simulation.contests.contest`.

    Attributes:
        means: Points of either side to be expected of a whole game.
        times: Of everything that happened, from the start.
        states: After each.
    """

    home_name: str
    away_name: str
    means: tuple[float, float]
    times: tuple[float, ...]
    states: tuple[MatchState, ...]
    sport: str = BASKETBALL
    participants: Sequence[tuple[str, str]] = ()
    before: ClassVar[MatchState] = BEFORE

    @cached_property
    def rushes_s(self) -> Sequence[float]:
        """Breaks between periods."""
        return self.changes_s(_periods)

    @property
    def total_lines(self) -> tuple[float, ...]:
        """Totals that are quoted."""
        return tuple(round(sum(self.means)) + 0.5 + beside for beside in LINES_BESIDE)

    @property
    def handicap(self) -> float:
        """The handicap that is quoted."""
        return round(self.means[1] - self.means[0]) + 0.5

    @property
    def popular_markets(self) -> Sequence[str]:
        """Who wins, the total, the handicap."""
        return (WINNER, WINNER, f"{TOTAL_POINTS}:{self.total_lines[1]:g}", f"{POINTS_HANDICAP}:{self.handicap:g}")

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return every market; the error is one of the logarithms of the points to be expected."""
        state = self.at(elapsed_s)
        if state.status is FixtureStatus.ENDED:
            return []
        means = np.array(self.means) * np.exp(error)
        deviation = np.sqrt(VARIANCE_PER_POINT * means.sum())
        row = np.array([1.0])
        games = GameForecast(row * (means[0] - means[1]), row * deviation, row * means.sum(), row * deviation)
        scores = GameScores(np.array([state.home_score]), np.array([state.away_score]), row * _seconds_left(state))
        win = float(win_games(games, scores, RULES)[0])
        truths = [MarketTruth(WINNER, (HOME, AWAY), np.array([win, 1.0 - win]))]
        for line in self.total_lines:
            over = float(total(games, scores, RULES, lines=row * line, has_overtime=True).over[0])
            truths.append(MarketTruth(f"{TOTAL_POINTS}:{line:g}", (OVER, UNDER), np.array([over, 1.0 - over])))
        covers = float(spread(games, scores, RULES, handicaps=row * self.handicap, has_overtime=True).over[0])
        market_id = f"{POINTS_HANDICAP}:{self.handicap:g}"
        return [*truths, MarketTruth(market_id, (HOME, AWAY), np.array([covers, 1.0 - covers]))]

    def results(self) -> Results:
        """Return how every market came out."""
        end = self.states[-1]
        lead, points = end.home_score - end.away_score, end.home_score + end.away_score
        return {
            WINNER: won_by((HOME, AWAY), HOME if lead > 0 else AWAY),
            **{
                f"{TOTAL_POINTS}:{line:g}": won_by((OVER, UNDER), OVER if points > line else UNDER)
                for line in self.total_lines
            },
            f"{POINTS_HANDICAP}:{self.handicap:g}": won_by((HOME, AWAY), HOME if lead + self.handicap > 0 else AWAY),
        }

    def at(self, elapsed_s: float) -> MatchState:
        """Return the state, the clock told on: it stands while nobody plays."""
        index = self.index_at(elapsed_s)
        if index == 0:
            return self.before
        state = self.states[index - 1]
        told = state.sport
        if state.status is not FixtureStatus.IN_PLAY or not isinstance(told, PeriodsState) or told.is_clock_stopped:
            return state
        run_s = int((elapsed_s - self.times[index - 1]) / (1.0 + STOPPED_SHARE))
        return _state(state, told.periods, max(told.seconds_left - run_s, 0), is_stopped=False)


def draw_basketball(home_name: str, away_name: str, generator: np.random.Generator) -> BasketballContest:
    """Draw two teams and their game."""
    strengths = POINTS_MEAN + STRENGTH_SPREAD * generator.standard_normal(2)
    means = (float(strengths[0]) + HOME_ADVANTAGE / 2.0, float(strengths[1]) - HOME_ADVANTAGE / 2.0)
    points, share = [p for p, _ in SHOT_POINTS], [chance for _, chance in SHOT_POINTS]
    per_shot = float(np.dot(points, share))
    now, clock_s = 0.0, 0
    times, states, periods = [0.0], [], [[0, 0]]

    def note(left_s: int, *, is_stopped: bool = False) -> None:
        home, away = (sum(period[side] for period in periods) for side in (0, 1))
        state = MatchState(FixtureStatus.IN_PLAY, home_score=home, away_score=away, clock_seconds=clock_s)
        states.append(_state(state, tuple(Score(*period) for period in periods), left_s, is_stopped=is_stopped))

    note(PERIOD_S)
    while True:
        length_s = PERIOD_S if len(periods) <= PERIODS else OVERTIME_S
        shots = []
        for side in (0, 1):
            count = generator.poisson(means[side] * length_s / RULES.regulation_s / per_shot)
            shots += [(int(second), side) for second in generator.integers(1, length_s, count)]
        for second, side in sorted(shots):
            periods[-1][side] += int(generator.choice(points, p=share))
            times.append(now + second * (1.0 + STOPPED_SHARE))
            clock_s = _played_before(len(periods)) + second
            note(length_s - second)
        now += length_s * (1.0 + STOPPED_SHARE)
        clock_s = _played_before(len(periods)) + length_s
        times.append(now)
        note(0, is_stopped=True)
        if len(periods) >= PERIODS and states[-1].home_score != states[-1].away_score:
            break
        now += BREAK_S
        periods.append([0, 0])
        times.append(now)
        note(PERIOD_S if len(periods) <= PERIODS else OVERTIME_S)
    end = states[-1]
    ended = MatchState(FixtureStatus.ENDED, home_score=end.home_score, away_score=end.away_score, sport=end.sport)
    return BasketballContest(home_name, away_name, means, tuple(times), (*states[:-1], ended))


def _played_before(number: int) -> int:
    """Return the seconds of all periods before one."""
    return min(number - 1, PERIODS) * PERIOD_S + max(number - 1 - PERIODS, 0) * OVERTIME_S


def _state(state: MatchState, periods: tuple[Score, ...], left_s: int, *, is_stopped: bool) -> MatchState:
    told = PeriodsState(PERIODS, PERIOD_S, OVERTIME_S, periods, left_s, is_stopped)
    length_s = PERIOD_S if len(periods) <= PERIODS else OVERTIME_S
    return MatchState(
        state.status,
        home_score=state.home_score,
        away_score=state.away_score,
        clock_seconds=_played_before(len(periods)) + length_s - left_s,
        sport=told,
    )


def _periods(state: MatchState) -> int:
    return len(state.sport.periods) if isinstance(state.sport, PeriodsState) else 0


def _seconds_left(state: MatchState) -> float:
    told = state.sport
    if state.status is not FixtureStatus.IN_PLAY or not isinstance(told, PeriodsState):
        return RULES.regulation_s
    return max(PERIODS - len(told.periods), 0) * RULES.period_s + float(told.seconds_left)
