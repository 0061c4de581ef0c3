"""What a football match has beside its score and clock, as prices and clocks must know it."""

from __future__ import annotations

import pytest

from markets.fixture import FixtureStatus, MatchState, Period
from markets.football.state import FootballState, football_of
from markets.sports.tennis import TennisState


def playing(sport: FootballState | None, period: Period = Period.FIRST_HALF) -> MatchState:
    return MatchState(FixtureStatus.IN_PLAY, period, 1, 0, 600, sport=sport)


@pytest.mark.parametrize(
    ("held", "told", "is_news"),
    [
        (None, FootballState(home_red_cards=1), True),
        (FootballState(), FootballState(away_red_cards=1), True),
        (FootballState(home_red_cards=1), FootballState(home_red_cards=1, home_corners=4), False),
        (None, FootballState(home_yellow_cards=2, stoppage_seconds=120), False),
        (FootballState(home_red_cards=1), None, False),
    ],
)
def test_a_red_card_is_news_and_who_tells_of_none_has_none_to_tell(
    held: FootballState | None, told: FootballState | None, is_news: bool
) -> None:
    assert playing(told).has_news_over(playing(held)) is is_news


def test_goals_and_red_cards_are_how_far_a_match_is() -> None:
    assert playing(FootballState(home_red_cards=2)).progress > playing(FootballState(home_red_cards=1)).progress
    assert playing(FootballState()).progress == playing(None).progress


@pytest.mark.parametrize("sport", [None, FootballState()])
def test_the_clock_stands_at_half_time(sport: FootballState | None) -> None:
    assert playing(sport).is_clock_running
    assert not playing(sport, Period.HALF_TIME).is_clock_running


def test_of_another_sport_nothing_of_football_is_told() -> None:
    assert football_of(MatchState(sport=TennisState())) == FootballState()
