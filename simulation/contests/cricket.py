"""A cricket match of twenty overs for the day, drawn ball by ball."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState
from markets.sports.cricket import CRICKET, FIRST_INNINGS_RUNS, CricketState, Innings
from odds.models.cricket import (
    FIRST,
    SECOND,
    WICKETS,
    InningsScores,
    MatchForecast,
    pass_runs,
    resources,
    runs_to_come,
    win_matches,
)
from simulation.contests.contest import MarketTruth, Results, Timeline, won_by

BALLS: Final = 120
BEFORE: Final = MatchState(FixtureStatus.PRE_MATCH, sport=CricketState(BALLS))
RUNS_MEAN: Final = 160.0
STRENGTH_SPREAD: Final = 0.08
DISPERSION: Final = 9.0
WICKET_CHANCE: Final = 0.055
RUNS: Final = (0, 1, 2, 3, 4, 6)
RUN_SHARES: Final = (0.34, 0.40, 0.08, 0.01, 0.12, 0.05)
SECONDS_PER_BALL: Final = 36.0
OVER_S, BREAK_S = 30.0, 900.0
LINES_BESIDE: Final = (-10.0, 0.0, 10.0)


@dataclass(frozen=True)
class CricketContest(Timeline):
    """A match; see `simulation.contests.contest`. A match that is tied goes to who batted first.

    Attributes:
        means: Runs to be expected of a full innings of either side.
        is_home_first: Who bats first.
    """

    home_name: str
    away_name: str
    means: tuple[float, float]
    is_home_first: bool
    times: tuple[float, ...]
    states: tuple[MatchState, ...]
    sport: str = CRICKET
    participants: Sequence[tuple[str, str]] = ()
    before: ClassVar[MatchState] = BEFORE

    @cached_property
    def rushes_s(self) -> Sequence[float]:
        """Wickets."""
        return self.changes_s(_wickets)[:12]

    @property
    def lines(self) -> tuple[float, ...]:
        """Totals of the first innings that are quoted."""
        first = self.means[0 if self.is_home_first else 1]
        return tuple(round(first) + 0.5 + beside for beside in LINES_BESIDE)

    @property
    def popular_markets(self) -> Sequence[str]:
        """Who wins, mostly."""
        return (WINNER, WINNER, WINNER, f"{FIRST_INNINGS_RUNS}:{self.lines[1]:g}")

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return who wins, and totals of the first innings while it is played; the error is one of runs expected."""
        state = self.at(elapsed_s)
        if state.status is FixtureStatus.ENDED:
            return []
        means = np.array(self.means) * np.exp(error)
        first, second = means if self.is_home_first else means[::-1]
        balls = np.array([BALLS])
        match = MatchForecast(np.array([first]), np.array([second]), np.array([DISPERSION]), balls)
        scores = _scores_of(state)
        chances = win_matches(match, scores)[0]
        win = float(chances[FIRST] / (chances[FIRST] + chances[SECOND]))
        home = win if self.is_home_first else 1.0 - win
        truths = [MarketTruth(WINNER, (HOME, AWAY), np.clip(np.array([home, 1.0 - home]), 0.0, 1.0))]
        if bool(scores.is_second[0]):
            return truths
        to_come = runs_to_come(match.first_mean, balls, scores.balls_left, scores.wickets)
        for line in self.lines:
            needed = np.array([int(np.floor(line)) + 1]) - scores.runs
            over = float(pass_runs(needed, to_come, match.dispersion, scores.balls_left)[0])
            truths.append(MarketTruth(f"{FIRST_INNINGS_RUNS}:{line:g}", (OVER, UNDER), np.array([over, 1.0 - over])))
        return truths

    def results(self) -> Results:
        """Return who won, and what the first innings came to."""
        end = self.states[-1]
        first = end.sport.innings[0].runs if isinstance(end.sport, CricketState) else 0
        lead = end.home_score - end.away_score
        is_home = lead > 0 or (lead == 0 and self.is_home_first)
        return {
            WINNER: won_by((HOME, AWAY), HOME if is_home else AWAY),
            **{
                f"{FIRST_INNINGS_RUNS}:{line:g}": won_by((OVER, UNDER), OVER if first > line else UNDER)
                for line in self.lines
            },
        }


def draw_cricket(home_name: str, away_name: str, generator: np.random.Generator) -> CricketContest:
    """Draw two sides and their match."""
    means = tuple(float(mean) for mean in RUNS_MEAN * np.exp(STRENGTH_SPREAD * generator.standard_normal(2)))
    is_home_first = bool(generator.integers(2))
    innings: list[Innings] = []
    times, states, now = [0.0], [], 0.0
    per_ball = float(np.dot(RUNS, RUN_SHARES))
    for number in (0, 1):
        is_home = is_home_first == (number == 0)
        innings.append(Innings(is_home, 0, 0, 0))
        if number:
            now += BREAK_S
            times.append(now)
        states.append(_state(innings))
        while not _is_over(innings):
            at = innings[-1]
            expected = means[0 if is_home else 1] * _worth(at.balls, at.wickets)
            runs = int(generator.choice(RUNS, p=RUN_SHARES)) if generator.uniform() < expected / per_ball else 0
            is_out = bool(generator.uniform() < WICKET_CHANCE)
            runs = 0 if is_out else runs
            innings[-1] = Innings(is_home, at.runs + runs, at.wickets + is_out, at.balls + 1)
            now += SECONDS_PER_BALL * float(generator.uniform(0.7, 1.3)) + (OVER_S if (at.balls + 1) % 6 == 0 else 0.0)
            times.append(now)
            states.append(_state(innings))
    end = replace(states[-1], status=FixtureStatus.ENDED)
    pair = (means[0], means[1])
    return CricketContest(home_name, away_name, pair, is_home_first, tuple(times), (*states[:-1], end))


def _worth(balls: int, wickets: int) -> float:
    """Return which share of a full innings the next ball is worth."""
    left = np.array([BALLS - balls, BALLS - balls - 1, BALLS])
    now, after, fresh = resources(left, np.array([wickets, wickets, 0]))
    return float((now - after) / fresh)


def _is_over(innings: Sequence[Innings]) -> bool:
    at = innings[-1]
    is_won = len(innings) == 2 and at.runs > innings[0].runs
    return at.balls >= BALLS or at.wickets >= WICKETS or is_won


def _state(innings: Sequence[Innings]) -> MatchState:
    home, away = (sum(item.runs for item in innings if item.is_home_batting is side) for side in (True, False))
    told = CricketState(BALLS, tuple(innings))
    return MatchState(FixtureStatus.IN_PLAY, home_score=home, away_score=away, sport=told)


def _wickets(state: MatchState) -> int:
    return sum(item.wickets for item in state.sport.innings) if isinstance(state.sport, CricketState) else 0


def _scores_of(state: MatchState) -> InningsScores:
    told = state.sport
    innings = told.innings if isinstance(told, CricketState) else ()
    at = innings[-1] if innings else Innings(True, 0, 0, 0)
    target = innings[0].runs + 1 if len(innings) > 1 else 0
    columns = [np.array([value]) for value in (at.runs, at.wickets, BALLS - at.balls, target)]
    return InningsScores(np.array([len(innings) > 1]), *columns)
