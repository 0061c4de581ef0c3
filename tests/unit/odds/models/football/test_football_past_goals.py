"""Legs about goals that have fallen."""

from __future__ import annotations

import pytest

from markets.fixture import Period
from odds.models.builder_legs import LegNotCombinable, LegsContradictory
from odds.models.football.bet_builder import price_legs
from odds.models.football.match_states import MatchStates
from tests.builders.football_legs import in_play, legs, scores_of

LEVEL = in_play(Period.SECOND_HALF, 55.0, (1, 1), (1, 1))


def test_past_goals_that_nobody_told_cannot_be_combined() -> None:
    match = scores_of(1.5, 1.2, 0.0, LEVEL)
    for past in ("next_goal:1 home", "next_goal:2 home", "next_goal_minute:1 1-15", "next_goal_minute:2 31-45"):
        with pytest.raises(LegNotCombinable, match="must be one that the score decides"):
            price_legs(match, legs(past, "1x2 home"))
    for to_come in ("next_goal_minute:3 61-75", "next_goal_minute:4 61-75", "next_goal:3 away", "race_to:2 home"):
        assert price_legs(match, legs(to_come, "total:3.5 over")).win > 0.0
    with pytest.raises(LegsContradictory):
        price_legs(match, legs("correct_score 1-0"))


@pytest.mark.parametrize(
    ("states", "won", "lost", "unknown"),
    [
        (
            LEVEL,
            (),
            ("next_goal:1 none", "next_goal_minute:1 none", "next_goal_minute:2 46-60"),
            ("next_goal:1 away", "next_goal_minute:2 1-15"),
        ),
        (
            in_play(Period.SECOND_HALF, 55.0, (1, 1), (1, 0)),
            ("next_goal:1 home", "next_goal:2 away", "next_goal_minute:2 46-60"),
            ("next_goal:1 away", "next_goal_minute:1 46-60", "next_goal_minute:2 61-75", "next_goal_minute:2 31-45"),
            ("next_goal_minute:1 16-30",),
        ),
        (
            in_play(Period.SECOND_HALF, 95.0, (3, 2), (2, 0)),
            ("next_goal:2 home", "race_to:2 home", "race_to:3 home"),
            ("race_to:2 away", "race_to:2 none", "race_to:3 away"),
            ("next_goal:3 away", "next_goal:5 home", "next_goal_minute:5 76-90"),
        ),
        (
            in_play(Period.HALF_TIME, 45.0, (2, 2), (2, 2)),
            (),
            ("race_to:2 none", "next_goal_minute:4 46-60"),
            ("race_to:2 home", "race_to:2 away", "next_goal_minute:4 31-45"),
        ),
        (
            in_play(Period.FIRST_HALF, 14.9, (0, 2), (0, 0)),
            ("next_goal:1 away", "race_to:2 away", "next_goal_minute:2 1-15"),
            ("next_goal:2 home", "next_goal_minute:2 16-30", "next_goal_minute:1 none"),
            (),
        ),
        (
            in_play(Period.FIRST_HALF, 15.0, (0, 2), (0, 0)),
            (),
            ("next_goal_minute:2 31-45",),
            ("next_goal_minute:2 1-15", "next_goal_minute:2 16-30"),
        ),
    ],
)
def test_scores_and_clock_tell_of_past_goals_what_they_can(
    states: MatchStates, won: tuple[str, ...], lost: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    match = scores_of(1.5, 1.2, 0.0, states)
    for name in won:
        assert price_legs(match, legs("1x2 home", name)).redundant == tuple(legs(name))
    for name in lost:
        with pytest.raises(LegsContradictory):
            price_legs(match, legs("1x2 home", name))
    for name in unknown:
        with pytest.raises(LegNotCombinable):
            price_legs(match, legs("1x2 home", name))
