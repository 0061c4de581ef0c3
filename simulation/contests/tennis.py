"""A tennis match for the day, drawn point by point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState, Score
from markets.sports.tennis import TENNIS, TOTAL_GAMES, FinalSet, TennisState
from odds.models.tennis.live import scores_of
from odds.models.tennis.match import price_matches
from odds.models.tennis.rules import MatchRules
from simulation.contests.contest import MarketTruth, Results, Timeline, won_by

RULES: Final = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
BEFORE: Final = MatchState(
    FixtureStatus.PRE_MATCH, sport=TennisState(RULES.sets_to_win, RULES.final_set, RULES.has_deciding_point)
)
SERVE_MEAN: Final = 0.63
SERVE_SPREAD: Final = 0.035
SECONDS_PER_POINT: Final = 34.0
SECONDS_PER_GAME: Final = 45.0
SECONDS_PER_SET: Final = 90.0
LINES_BESIDE: Final = (-2, 0, 2)
PROBE: Final = 1e-3
GAME_POINTS, SET_GAMES, TIE_BREAK_POINTS = 4, 6, 7


@dataclass(frozen=True)
class TennisContest(Timeline):
    """A match; see `simulation.contests.contest`.

    Attributes:
        serves: Chance of either player to win a point on serve.
        times: Of every point, and of the start.
        states: After each of them.
    """

    home_name: str
    away_name: str
    serves: tuple[float, float]
    times: tuple[float, ...]
    states: tuple[MatchState, ...]
    sport: str = TENNIS
    participants: Sequence[tuple[str, str]] = ()
    before: ClassVar[MatchState] = BEFORE

    @cached_property
    def rushes_s(self) -> Sequence[float]:
        """Ends of sets."""
        return self.changes_s(_sets)

    @cached_property
    def lines(self) -> tuple[float, ...]:
        """Totals of games that are quoted: the even one before the match, and some beside it."""
        outcomes = price_matches(np.array([self.serves]), scores_of([BEFORE]), RULES)
        chances = outcomes.by_total[0].sum(axis=0).cumsum()
        middle = int(outcomes.least_total[0]) + int(np.searchsorted(chances, 0.5)) - 0.5
        return tuple(middle + beside for beside in LINES_BESIDE)

    @property
    def popular_markets(self) -> Sequence[str]:
        """Who wins, mostly."""
        return (*(WINNER,) * 4, f"{TOTAL_GAMES}:{self.lines[1]:g}", "set_betting", "set_winner:1", "set_winner:2")

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return who wins and totals of games; the error is one of the odds to win a point on serve."""
        index = self.index_at(elapsed_s)
        if self.at(elapsed_s).status is FixtureStatus.ENDED:
            return []
        logits = self._logits[0, index] + (self._logits[1:, index] - self._logits[0, index]).T @ error / PROBE
        chances = 1.0 / (1.0 + np.exp(-logits))
        truths = [MarketTruth(WINNER, (HOME, AWAY), np.array([chances[0], 1.0 - chances[0]]))]
        for line, over in zip(self.lines, chances[1:].tolist(), strict=True):
            truths.append(MarketTruth(f"{TOTAL_GAMES}:{line:g}", (OVER, UNDER), np.array([over, 1.0 - over])))
        return truths

    @cached_property
    def _logits(self) -> NDArray[np.float64]:
        """Chances to win and of over each line, before the match and after every point, as logits.

        Shape (3, states, 1 + lines): as it is, and with either player a little better on serve.
        """
        states = [BEFORE, *self.states[:-1]]
        odds = np.array(self.serves) / (1.0 - np.array(self.serves))
        chances = []
        for better in ((0.0, 0.0), (PROBE, 0.0), (0.0, PROBE)):
            moved = odds * np.exp(better)
            serves = np.tile(moved / (1.0 + moved), (len(states), 1))
            outcomes = price_matches(serves, scores_of(states), RULES)
            overs = [outcomes.total_games(np.full(len(states), line)).over for line in self.lines]
            chances.append(np.stack([outcomes.win_probability(), *overs], axis=1))
        inside = np.clip(np.array(chances), 1e-9, 1.0 - 1e-9)
        return np.asarray(np.log(inside / (1.0 - inside)))

    def results(self) -> Results:
        """Return who won, and how many games it took."""
        end = self.states[-1]
        sport = end.sport
        games = sum(played.home + played.away for played in sport.sets) if isinstance(sport, TennisState) else 0
        won = HOME if end.home_score > end.away_score else AWAY
        results = {WINNER: won_by((HOME, AWAY), won)}
        for line in self.lines:
            results[f"{TOTAL_GAMES}:{line:g}"] = won_by((OVER, UNDER), OVER if games > line else UNDER)
        return results


def draw_tennis(home_name: str, away_name: str, generator: np.random.Generator) -> TennisContest:
    """Draw two players and their match."""
    serves = np.clip(SERVE_MEAN + SERVE_SPREAD * generator.standard_normal(2), 0.45, 0.8)
    score = _Score(is_home_serving=bool(generator.integers(2)))
    times, states = [0.0], [score.state()]
    while states[-1].status is not FixtureStatus.ENDED:
        is_held = bool(generator.uniform() < serves[0 if score.is_home_serving else 1])
        pause_s = score.play(is_home_point=is_held == score.is_home_serving)
        times.append(times[-1] + float(SECONDS_PER_POINT * generator.uniform(0.6, 1.4)) + pause_s)
        states.append(score.state())
    return TennisContest(home_name, away_name, (float(serves[0]), float(serves[1])), tuple(times), tuple(states))


def _sets(state: MatchState) -> tuple[int, int]:
    return state.home_score, state.away_score


@dataclass(slots=True)
class _Score:
    """The umpire's sheet."""

    is_home_serving: bool
    sets: list[list[int]]
    points: list[int]
    is_first_server_home: bool

    def __init__(self, *, is_home_serving: bool) -> None:
        self.is_home_serving = is_home_serving
        self.is_first_server_home = is_home_serving
        self.sets = [[0, 0]]
        self.points = [0, 0]

    @property
    def won(self) -> tuple[int, int]:
        """Return sets won; the one being played is won by nobody yet."""
        over = [games for games in self.sets if _is_over(games)]
        home = sum(games[0] > games[1] for games in over)
        return home, len(over) - home

    def state(self) -> MatchState:
        """Return what is told of it."""
        won = self.won
        is_ended = max(won) == RULES.sets_to_win
        told = TennisState(
            RULES.sets_to_win,
            RULES.final_set,
            RULES.has_deciding_point,
            tuple(Score(home, away) for home, away in self.sets),
            self.points[0],
            self.points[1],
            self.is_home_serving,
        )
        status = FixtureStatus.ENDED if is_ended else FixtureStatus.IN_PLAY
        return MatchState(status, home_score=won[0], away_score=won[1], sport=told)

    def play(self, *, is_home_point: bool) -> float:
        """Count a point; return how long the pause after it is."""
        self.points[0 if is_home_point else 1] += 1
        games = self.sets[-1]
        is_tie_break = games == [SET_GAMES, SET_GAMES]
        needed = TIE_BREAK_POINTS if is_tie_break else GAME_POINTS
        if max(self.points) < needed or abs(self.points[0] - self.points[1]) < 2:
            if is_tie_break and sum(self.points) % 2 == 1:
                self.is_home_serving = not self.is_home_serving
            return 0.0
        games[0 if self.points[0] > self.points[1] else 1] += 1
        self.points = [0, 0]
        self.is_first_server_home = not self.is_first_server_home
        self.is_home_serving = self.is_first_server_home
        if not _is_over(games):
            return SECONDS_PER_GAME if sum(games) % 2 else 0.0
        if max(self.won) < RULES.sets_to_win:
            self.sets.append([0, 0])
        return SECONDS_PER_SET


def _is_over(games: list[int]) -> bool:
    return max(games) > SET_GAMES or (max(games) == SET_GAMES and abs(games[0] - games[1]) >= 2)
