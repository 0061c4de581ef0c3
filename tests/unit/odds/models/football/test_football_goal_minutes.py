"""Legs about the minutes of goals to come."""

from __future__ import annotations

import numpy as np
import pytest

from markets.fixture import Period
from odds.models.builder_legs import LegsContradictory
from odds.models.football.bet_builder import next_legs, price_legs
from odds.models.football.markets import price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from tests.builders.football_legs import in_play, legs, scores_of

EVEN_PACE = GoalTiming(rise=0.0, first_half_added_minutes=0.0, second_half_added_minutes=0.0)


def test_minutes_of_the_next_goal_follow_from_how_many_fall_in_the_half() -> None:
    match = scores_of(1.6, 1.2, -0.1, timing=EVEN_PACE)
    for half, score, names, share in (
        ("first_half", "2-1", ("next_goal_minute:1 1-15",), 1 - (2 / 3) ** 3),
        ("first_half", "1-1", ("next_goal_minute:1 16-30", "next_goal:1 away"), ((2 / 3) ** 2 - (1 / 3) ** 2) / 2),
        ("first_half", "0-0", ("next_goal_minute:1 31-45", "total:0.5 over"), 0.0),
        ("second_half", "0-2", ("next_goal_minute:1 61-75", "first_half_total:0.5 under"), (4 - 1) / 9),
        ("second_half", "2-0", ("next_goal_minute:1 76-90", "first_half_total:0.5 under"), 1 / 9),
    ):
        base = [f"{half}_correct_score {score}", *(name for name in names if "total" in name)]
        if share:
            expected = price_legs(match, legs(*base)).win * share
            assert price_legs(match, legs(base[0], *names)).win == pytest.approx(expected, rel=1e-9)
        else:
            with pytest.raises(LegsContradictory):
                price_legs(match, legs(base[0], *names))


@pytest.mark.parametrize(
    ("first_half", "second_half", "names", "share"),
    [
        ("2-0", "0-0", ("next_goal_minute:1 1-15", "next_goal_minute:2 1-15"), 1 / 9),
        ("2-0", "0-0", ("next_goal_minute:1 1-15", "next_goal_minute:2 31-45"), 2 / 9),
        ("1-1", "0-0", ("next_goal_minute:2 31-45",), 5 / 9),
        ("1-1", "0-0", ("next_goal_minute:2 16-30", "next_goal:2 away"), 3 / 18),
        ("1-2", "0-0", ("next_goal_minute:2 1-15",), 7 / 27),
        ("1-2", "0-0", ("next_goal_minute:2 16-30", "next_goal_minute:3 31-45", "next_goal:3 home"), 9 / 27 / 3),
        ("1-0", "0-1", ("next_goal_minute:1 16-30", "next_goal_minute:2 76-90"), 1 / 9),
        ("1-0", "2-1", ("next_goal_minute:4 61-75", "next_goal_minute:3 46-60"), 3 / 27),
        ("1-0", "2-1", ("next_goal_minute:1 1-15", "next_goal_minute:4 76-90", "next_goal:2 away"), 19 / 81 / 3),
        ("2-0", "1-0", ("next_goal_minute:3 46-60", "next_goal_minute:4 none", "next_goal_minute:5 none"), 1 / 3),
    ],
)
def test_minutes_of_later_goals_are_those_of_an_even_pace(
    first_half: str, second_half: str, names: tuple[str, ...], share: float
) -> None:
    match = scores_of(1.6, 1.2, -0.1, timing=EVEN_PACE)
    base = [f"first_half_correct_score {first_half}", f"second_half_correct_score {second_half}"]
    expected = price_legs(match, legs(*base)).win * share
    assert price_legs(match, legs(*base, *names)).win == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "states",
    [
        MatchStates.before_kick_off(1),
        in_play(Period.FIRST_HALF, 20.0, (0, 0), (0, 0)),
        in_play(Period.FIRST_HALF, 46.5, (1, 0), (0, 0)),
        in_play(Period.HALF_TIME, 45.0, (0, 1), (0, 1)),
        in_play(Period.SECOND_HALF, 70.0, (1, 1), (1, 0)),
    ],
)
def test_minutes_of_the_next_goal_are_priced_as_their_market(states: MatchStates) -> None:
    prices = price_matches(
        np.array([0.9]),
        np.array([0.7]),
        rhos=np.array([-0.1]),
        states=states,
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    match = scores_of(0.9, 0.7, -0.1, states)
    market_id = f"next_goal_minute:{sum(match.score) + 1}"
    layout = prices.catalogue.layout
    for outcome_id in layout.outcome_ids_of(layout.market_index(market_id)):
        expected = prices.win_weights[0, prices.catalogue.column(market_id, outcome_id)]
        if expected > 0.0:
            assert price_legs(match, legs(f"{market_id} {outcome_id}")).win == pytest.approx(expected, abs=1e-9)
        else:
            with pytest.raises(LegsContradictory):
                price_legs(match, legs(f"{market_id} {outcome_id}"))


def test_minutes_of_every_goal_to_come_can_be_added() -> None:
    match = scores_of(1.7, 1.1, -0.1, in_play(Period.FIRST_HALF, 20.0, (1, 0), (0, 0)))
    found = {one.leg for one in next_legs(match, legs("next_goal_minute:3 46-60", "next_goal:2 away"))}
    later = [f"{goal} {band}" for goal in (4, 5, 6) for band in ("46-60", "61-75", "76-90", "none")]
    expected = [f"next_goal_minute:{name}" for name in ("2 16-30", "2 31-45", "2 46-60", *later)]
    assert {leg for leg in found if leg.market_id.startswith("next_goal_minute")} == set(legs(*expected))
    read = match.read_minutes(np.stack([match.probabilities]), frozenset())
    np.testing.assert_array_equal(np.isnan(read[0]), np.arange(42) < 7)
