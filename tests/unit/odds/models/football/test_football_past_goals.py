"""Legs about goals that have fallen."""

from __future__ import annotations

import pytest

from markets.fixture import Period
from odds.model_input import ModelInputInvalid
from odds.models.builder_legs import LegNotCombinable, LegsContradictory
from odds.models.football.bet_builder import next_legs, price_legs
from odds.models.football.match_states import MatchStates
from odds.models.football.past_goals import PastGoal
from tests.builders.football_legs import in_play, legs, scores_of

LEVEL = in_play(Period.SECOND_HALF, 55.0, (1, 1), (1, 1))


def test_past_goals_that_nobody_told_cannot_be_combined() -> None:
    match = scores_of(1.5, 1.2, 0.0, LEVEL)
    for past in ("next_goal:1 home", "next_goal:2 home", "next_goal_minute:1 1-15", "next_goal_minute:2 31-45"):
        with pytest.raises(LegNotCombinable, match="goals so far must be given"):
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


def goals_of(*goals: str) -> list[PastGoal]:
    """Return goals told as side and band: "home 0"."""
    return [PastGoal(side == "home", int(band)) for side, band in (goal.split() for goal in goals)]


def test_past_goals_told_win_or_lose_for_certain() -> None:
    states = in_play(Period.SECOND_HALF, 70.0, (2, 2), (1, 1))
    match = scores_of(1.5, 1.2, 0.0, states, past=goals_of("away 0", "home 2", "home 3", "away 4"))
    alone = price_legs(match, legs("1x2 home"))
    for won in (
        *("next_goal:1 away", "next_goal:2 home", "next_goal:4 away", "race_to:2 home"),
        *("next_goal_minute:1 1-15", "next_goal_minute:2 31-45", "next_goal_minute:4 61-75"),
    ):
        price = price_legs(match, legs(won, "1x2 home"))
        assert price.redundant == tuple(legs(won))
        assert (price.win, price.lose) == (alone.win, alone.lose)
        assert price_legs(match, legs(won)).fair_decimal_odds == pytest.approx(1.0)
    for lost in (
        *("next_goal:1 home", "next_goal:3 none", "race_to:2 away", "race_to:2 none"),
        *("next_goal_minute:1 16-30", "next_goal_minute:3 61-75", "next_goal_minute:2 none"),
    ):
        with pytest.raises(LegsContradictory):
            price_legs(match, legs(lost, "1x2 home"))
    proposed = {one.leg.market_id for one in next_legs(match, legs("1x2 home"))}
    assert not proposed & {"next_goal:4", "race_to:2", "next_goal_minute:4"}
    assert proposed >= {"next_goal:5", "race_to:3", "next_goal_minute:5", "next_goal_minute:6"}


def test_past_goals_told_change_no_price_of_what_is_to_come() -> None:
    untold = scores_of(1.5, 1.2, 0.0, LEVEL)
    told = scores_of(1.5, 1.2, 0.0, LEVEL, past=goals_of("home 1", "away 1"))
    base = legs("next_goal_minute:3 61-75", "1x2 home")
    assert next_legs(told, base) == next_legs(untold, base)


@pytest.mark.parametrize(
    ("states", "past", "message"),
    [
        (LEVEL, [], "made"),
        (LEVEL, goals_of("home 0"), "made"),
        (LEVEL, goals_of("home 0", "home 1"), "made"),
        (LEVEL, goals_of("home 0", "away 1", "away 2"), "made"),
        (LEVEL, goals_of("home 0", "away 3"), "at half-time"),
        (LEVEL, goals_of("home 1", "away 0"), "order of their minutes"),
        (LEVEL, goals_of("home 0", "away 4"), "bands of minutes"),
        (LEVEL, goals_of("home -1", "away 0"), "bands of minutes"),
        (in_play(Period.FIRST_HALF, 29.9, (1, 0), (0, 0)), goals_of("home 2"), "bands of minutes"),
        (in_play(Period.FIRST_HALF, 47.0, (1, 0), (0, 0)), goals_of("home 3"), "bands of minutes"),
        (in_play(Period.HALF_TIME, 45.0, (1, 0), (1, 0)), goals_of("home 3"), "bands of minutes"),
        (MatchStates.before_kick_off(1), goals_of("home 0"), "bands of minutes"),
    ],
)
def test_past_goals_that_cannot_be_are_refused(states: MatchStates, past: list[PastGoal], message: str) -> None:
    with pytest.raises(ModelInputInvalid, match=message):
        scores_of(1.5, 1.2, 0.0, states, past=past)


def test_past_goals_at_the_very_edge_of_a_band_are_accepted() -> None:
    begun = in_play(Period.FIRST_HALF, 30.0, (1, 0), (0, 0))
    match = scores_of(1.5, 1.2, 0.0, begun, past=goals_of("home 2"))
    assert price_legs(match, legs("next_goal_minute:1 31-45")).win == pytest.approx(1.0, abs=1e-15)
    stoppage = in_play(Period.SECOND_HALF, 94.0, (1, 1), (1, 0))
    assert scores_of(1.5, 1.2, 0.0, stoppage, past=goals_of("home 2", "away 5")).score == (1, 1)
