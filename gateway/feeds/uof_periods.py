"""What a Unified Odds Feed message says of the periods of a game of goals: their scores, and what is left of the last.

Periods are those of which a score is told, in the feed's order, overtime and shoot-out as further ones. While the game
is on nothing is said of them where the message does not tell how much of the last one is left: prices depend on it.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from gateway.feeds.refusals import MessageMalformed
from gateway.feeds.uof_values import attribute, clock_seconds_of, score_of
from markets.goal_games import GoalGame
from overround.odds.v1.fixture_pb2 import FixtureStatus, MatchState, PeriodsState, Score

PERIODS_MAX: Final = 16
_OVER: Final = frozenset({FixtureStatus.FIXTURE_STATUS_ENDED, FixtureStatus.FIXTURE_STATUS_CANCELLED})


def read_periods(element: etree._Element, game: GoalGame, state: MatchState) -> None:
    """Add the periods in a `sport_event_status` element to a state.

    Raises:
        MessageMalformed: If there are too many, or a score or the clock does not have its form.
    """
    told = [
        Score(home=score_of(period, "home_score"), away=score_of(period, "away_score"))
        for period in element.iterfind("{*}period_scores/{*}period_score")
    ]
    if len(told) > PERIODS_MAX:
        raise MessageMalformed(f"A game has at most {PERIODS_MAX} periods, had {len(told)}")
    clock = element.find("{*}clock")
    seconds_left = 0 if state.status in _OVER else _seconds_left(clock, len(told), game)
    if not told or seconds_left is None:
        return
    state.periods.CopyFrom(
        PeriodsState(
            period_count=game.period_count,
            period_seconds=game.period_seconds,
            overtime_seconds=game.overtime_seconds,
            periods=told,
            seconds_left=seconds_left,
            is_clock_stopped=clock is not None and attribute(clock, "stopped") == "true",
        )
    )


def _seconds_left(clock: etree._Element | None, number: int, game: GoalGame) -> int | None:
    """Return what is left of a period; None where neither that nor the time of play is told."""
    if clock is None:
        return None
    if attribute(clock, "remaining_time_in_period"):
        return clock_seconds_of(clock, "remaining_time_in_period")
    if not attribute(clock, "match_time"):
        return None
    end_s = min(number, game.period_count) * game.period_seconds
    end_s += max(number - game.period_count, 0) * game.overtime_seconds
    return max(end_s - clock_seconds_of(clock, "match_time"), 0)
