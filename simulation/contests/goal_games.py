"""A game of goals by periods for the day, in any sport declared so: overtime to the next goal, then a shoot-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.contests import AWAY, HOME, WINNER
from markets.fixture import FixtureStatus, MatchState, Score
from markets.football import market_ids as ids
from markets.football.selections import ScoreMarketLines, score_selections
from markets.goal_games import PERIOD_RESULT, GoalGame, leader_of, score_of
from markets.periods import PeriodsState
from odds.models.goal_games import (
    GoalForecast,
    GoalScores,
    final_scores,
    goal_market_chances,
    goal_markets,
    period_chances,
    result_chances,
    win_after_draw,
)
from simulation.contests.contest import MarketTruth, Results, Timeline, Turn, won_by

STRENGTH_SPREAD: Final = 0.12
HOME_ADVANTAGE: Final = 0.08
STOPPED_SHARE: Final = 0.4
"""Seconds for which the clock stands for each in which it runs."""
BREAK_S: Final = 600.0
TOTALS_BESIDE: Final = (-1.0, 0.0, 1.0)
HANDICAPS: Final = (-1.5, 1.5)
SHOOT_OUT_S: Final = 300.0
_RESULT: Final = (ids.HOME, ids.DRAW, ids.AWAY)


@dataclass(frozen=True)
class GoalGameContest(Timeline):
    """A game; see `simulation.contests.contest`.

    Attributes:
        game: What games of the sport are like.
        means: Goals of either side to be expected of the periods.
        times: Of everything that happened, from the start.
        states: After each.
    """

    sport: str
    home_name: str
    away_name: str
    game: GoalGame
    means: tuple[float, float]
    times: tuple[float, ...]
    states: tuple[MatchState, ...]
    participants: Sequence[tuple[str, str]] = ()

    @property
    def before(self) -> MatchState:  # type: ignore[override]  # of each game its own
        """The state before the start."""
        return MatchState(FixtureStatus.PRE_MATCH, sport=_told(self.game, (), 0, is_stopped=False))

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """Goals, for which betting stops, and beginnings and ends of periods."""
        goals = set(self.changes_s(_goals))
        return tuple(Turn(time_s, time_s in goals) for time_s in self.times[:-1])

    @cached_property
    def rushes_s(self) -> Sequence[float]:
        """Goals."""
        return self.changes_s(_goals)

    @property
    def total_lines(self) -> tuple[float, ...]:
        """Totals that are quoted."""
        return tuple(round(sum(self.means)) - 0.5 + beside for beside in TOTALS_BESIDE)

    @property
    def market_ids(self) -> tuple[str, ...]:
        """Markets on the score of the periods that are quoted."""
        totals = (ids.line_market_id(ids.TOTAL, line) for line in self.total_lines)
        return (ids.RESULT, *totals, *(ids.line_market_id(ids.HANDICAP, line) for line in HANDICAPS))

    @property
    def popular_markets(self) -> Sequence[str]:
        """The result, who wins, the total."""
        return (ids.RESULT, ids.RESULT, WINNER, self.market_ids[2], f"{PERIOD_RESULT}:1")

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return every market; the error is one of the logarithms of the goals to be expected."""
        state = self.at(elapsed_s)
        if state.status is FixtureStatus.ENDED:
            return []
        periods, left_s = _periods(state), _seconds_left(state)
        home, away = np.array(self.means) * np.exp(error)
        forecast = GoalForecast(np.array([home]), np.array([away]), np.ones(1))
        count, whole_s = self.game.period_count, self.game.period_seconds
        shares = [_share_left(number, len(periods), left_s, whole_s) / count for number in range(1, count + 1)]
        scores = _scores(periods[:count], sum(shares))
        known = goal_markets()
        chances = goal_market_chances(final_scores(forecast, scores), np.arange(known.outcome_count))[0]
        truths = [
            MarketTruth(item, known.outcome_ids_of(at), chances[known.offsets[at] : known.offsets[at + 1]])
            for item, at in ((item, known.market_index(item)) for item in self.market_ids)
        ]
        results = result_chances(forecast, scores)[0]
        win = float(results[0] + results[1] * self._win_after_draw(float(win_after_draw(forecast)[0]), state))
        truths.append(MarketTruth(WINNER, (HOME, AWAY), np.array([win, 1.0 - win])))
        for number, share in enumerate(shares, start=1):
            played = _scores(periods[number - 1 : number], share)
            truths.append(MarketTruth(f"{PERIOD_RESULT}:{number}", _RESULT, period_chances(forecast, played)[0]))
        return truths

    def results(self) -> Results:
        """Return how every market came out."""
        periods = _periods(self.states[-1])
        score, end = score_of(periods[: self.game.period_count]), score_of(periods)
        won = {
            item.market_id: item.outcome_id
            for item in score_selections(np.array([score.home]), np.array([score.away]), self._lines, prefix="")
            if item.win[0] == 1.0
        }
        known = goal_markets()
        return {
            **{item: won_by(known.outcome_ids_of(known.market_index(item)), won[item]) for item in self.market_ids},
            WINNER: won_by((HOME, AWAY), leader_of(end)),
            **{
                f"{PERIOD_RESULT}:{number}": won_by(_RESULT, leader_of(periods[number - 1]))
                for number in range(1, self.game.period_count + 1)
            },
        }

    def at(self, elapsed_s: float) -> MatchState:
        """Return the state, the clock told on."""
        index = self.index_at(elapsed_s)
        if index == 0:
            return self.before
        state, told = self.states[index - 1], self.states[index - 1].sport
        if state.status is not FixtureStatus.IN_PLAY or not isinstance(told, PeriodsState) or told.is_clock_stopped:
            return state
        run_s = int((elapsed_s - self.times[index - 1]) / (1.0 + STOPPED_SHARE))
        return _state(self.game, told.periods, max(told.seconds_left - run_s, 0), is_stopped=False)

    @property
    def _lines(self) -> ScoreMarketLines:
        return ScoreMarketLines(self.total_lines, (), HANDICAPS, (), 0, 1, 0, 0, ())

    def _win_after_draw(self, next_goal: float, state: MatchState) -> float:
        """Return the home side's true chance to win what is level: the next goal in time, else a shoot-out."""
        overtimes = len(_periods(state)) - self.game.period_count
        if overtimes > 1:
            return 0.5
        left_s = _seconds_left(state) if overtimes == 1 else self.game.overtime_seconds
        rate = sum(self.means) / (self.game.period_count * self.game.period_seconds)
        no_goal = float(np.exp(-rate * left_s))
        return next_goal * (1.0 - no_goal) + 0.5 * no_goal


def draw_goal_game(
    sport: str, game: GoalGame, home_name: str, away_name: str, generator: np.random.Generator
) -> GoalGameContest:
    """Draw two teams and their game."""
    strengths = STRENGTH_SPREAD * generator.standard_normal(2)
    balance = HOME_ADVANTAGE / 2.0 + (strengths[0] - strengths[1]) / 2.0
    means = (float(game.goals / 2.0 * np.exp(balance)), float(game.goals / 2.0 * np.exp(-balance)))
    now, times, states = 0.0, [0.0], []
    periods = [[0, 0]]

    def note(left_s: int, *, is_stopped: bool = False) -> None:
        states.append(_state(game, tuple(Score(*period) for period in periods), left_s, is_stopped=is_stopped))

    note(game.period_seconds)
    while True:
        is_overtime = len(periods) > game.period_count
        length_s = game.overtime_seconds if is_overtime else game.period_seconds
        goals = []
        for side in (0, 1):
            mean = means[side] * length_s / (game.period_count * game.period_seconds)
            goals += [(int(second), side) for second in generator.integers(1, length_s, generator.poisson(mean))]
        for second, side in sorted(goals)[: 1 if is_overtime else None]:
            periods[-1][side] += 1
            times.append(now + second * (1.0 + STOPPED_SHARE))
            note(length_s - second)
        if is_overtime and goals:
            break
        now += length_s * (1.0 + STOPPED_SHARE)
        times.append(now)
        note(0, is_stopped=True)
        if (
            len(periods) >= game.period_count
            and leader_of(score_of([Score(*period) for period in periods])) != ids.DRAW
        ):
            break
        now += BREAK_S
        periods.append([0, 0])
        times.append(now)
        if is_overtime:
            note(0, is_stopped=True)
            periods[-1][int(generator.integers(2))] = 1
            times.append(now + SHOOT_OUT_S)
            note(0, is_stopped=True)
            break
        note(game.overtime_seconds if len(periods) > game.period_count else game.period_seconds)
    end = states[-1]
    over = MatchState(FixtureStatus.ENDED, home_score=end.home_score, away_score=end.away_score, sport=end.sport)
    return GoalGameContest(sport, home_name, away_name, game, means, tuple(times), (*states[:-1], over))


def _state(game: GoalGame, periods: tuple[Score, ...], left_s: int, *, is_stopped: bool) -> MatchState:
    score, over = score_of(periods), max(len(periods) - 1 - game.period_count, 0)
    length_s = game.overtime_seconds if len(periods) > game.period_count else game.period_seconds
    before_s = min(len(periods) - 1, game.period_count) * game.period_seconds + over * game.overtime_seconds
    return MatchState(
        FixtureStatus.IN_PLAY,
        home_score=score.home,
        away_score=score.away,
        clock_seconds=before_s + max(length_s - left_s, 0),
        sport=_told(game, periods, left_s, is_stopped=is_stopped),
    )


def _told(game: GoalGame, periods: tuple[Score, ...], left_s: int, *, is_stopped: bool) -> PeriodsState:
    return PeriodsState(
        game.period_count, game.period_seconds, game.overtime_seconds, periods, left_s, is_clock_stopped=is_stopped
    )


def _share_left(number: int, begun: int, left_s: float, whole_s: float) -> float:
    """Return the share of a period that is left."""
    if number == begun:
        return min(left_s, whole_s) / whole_s
    return float(number > begun)


def _scores(periods: Sequence[Score], share_left: float) -> GoalScores:
    score = score_of(periods)
    return GoalScores(np.array([score.home]), np.array([score.away]), np.array([share_left]))


def _periods(state: MatchState) -> tuple[Score, ...]:
    return state.sport.periods if isinstance(state.sport, PeriodsState) else ()


def _seconds_left(state: MatchState) -> int:
    return state.sport.seconds_left if isinstance(state.sport, PeriodsState) else 0


def _goals(state: MatchState) -> int:
    return state.home_score + state.away_score
