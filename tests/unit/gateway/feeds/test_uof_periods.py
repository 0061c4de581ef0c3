"""Games of goals by periods in the Unified Odds Feed: their periods, and what is left of the last one."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.feeds.uof_periods import PERIODS_MAX
from gateway.feeds.uof_state import StateReading, state_from
from markets.goal_games import GoalGame
from overround.odds.v1.fixture_pb2 import MatchState

GAME = GoalGame(period_count=3, period_seconds=1_200, overtime_seconds=300, goals=6.0)


def read(clock: str, *periods: str, status: str = "1", score: str = "2-1") -> StateReading:
    home, away = score.split("-")
    goals = (item.split("-") for item in periods)
    told = "".join(
        f'<period_score match_status_code="{place}" home_score="{first}" away_score="{second}"/>'
        for place, (first, second) in enumerate(goals, start=1)
    )
    document = (
        f'<sport_event_status status="{status}" match_status="2" home_score="{home}" away_score="{away}">'
        f"{clock}<period_scores>{told}</period_scores></sport_event_status>"
    )
    return state_from(etree.fromstring(document), GAME)


def periods(state: MatchState) -> list[tuple[int, int]]:
    return [(played.home, played.away) for played in state.periods.periods]


@pytest.mark.parametrize(
    ("clock", "seconds_left"),
    [
        ('<clock match_time="24:00" remaining_time_in_period="15:30"/>', 930),
        ('<clock match_time="24:00"/>', 960),
        ('<clock match_time="41:00"/>', 0),
    ],
)
def test_what_is_left_of_the_last_period_is_told_or_follows_from_the_time_of_play(
    clock: str, seconds_left: int
) -> None:
    reading = read(clock, "1-1", "1-0")
    assert not reading.refusals
    told = reading.state.periods
    assert periods(reading.state) == [(1, 1), (1, 0)]
    assert (told.period_count, told.period_seconds, told.seconds_left) == (3, 1_200, seconds_left)
    assert not told.is_clock_stopped
    assert not reading.state.HasField("football")


def test_overtime_is_a_period_more() -> None:
    told = read('<clock match_time="62:00" stopped="true"/>', "1-1", "1-0", "0-1", "0-0", score="2-2").state.periods
    assert (len(told.periods), told.seconds_left, told.is_clock_stopped) == (4, 180, True)


@pytest.mark.parametrize("clock", ["", "<clock/>"])
def test_without_a_clock_nothing_is_said_of_periods_while_the_game_is_on(clock: str) -> None:
    assert not read(clock, "1-1", "1-0").state.HasField("periods")
    assert periods(read(clock, "1-1", "1-0", status="4").state) == [(1, 1), (1, 0)]


def test_periods_without_their_form_stop_the_game_s_bets() -> None:
    for reading in (
        read('<clock match_time="24:00"/>', *["0-0"] * (PERIODS_MAX + 1)),
        read('<clock match_time="24:00"/>', "x-0"),
        read('<clock match_time="24:00" remaining_time_in_period="soon"/>', "1-0"),
    ):
        assert reading.is_uncertain
        assert not reading.state.HasField("periods")
    assert not read('<clock match_time="24:00"/>', *["0-0"] * PERIODS_MAX).refusals
