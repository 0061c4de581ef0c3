"""What a Unified Odds Feed message says about a match that is being played."""

from __future__ import annotations

from lxml import etree

from gateway.feeds.uof_catalogue import FIXTURE_STATUSES, PERIODS
from gateway.feeds.uof_values import attribute, clock_seconds_of, score_of
from overround.odds.v1.fixture_pb2 import FixtureStatus, MatchState, Period


def state_from(element: etree._Element) -> MatchState:
    """Return the state in a `sport_event_status` element.

    Raises:
        MessageMalformed: If a score or the clock does not have its form.
    """
    period = PERIODS.get(attribute(element, "match_status"), Period.PERIOD_UNSPECIFIED)
    state = MatchState(
        status=FIXTURE_STATUSES.get(attribute(element, "status"), _status_in(period)),
        period=period,
        home_score=score_of(element, "home_score"),
        away_score=score_of(element, "away_score"),
    )
    _read_clock(element, state)
    _read_statistics(element, state)
    return state


def _status_in(period: Period.ValueType) -> FixtureStatus.ValueType:
    if period == Period.PERIOD_UNSPECIFIED:
        return FixtureStatus.FIXTURE_STATUS_UNSPECIFIED
    if period == Period.PERIOD_NOT_STARTED:
        return FixtureStatus.FIXTURE_STATUS_PRE_MATCH
    if period == Period.PERIOD_FINISHED:
        return FixtureStatus.FIXTURE_STATUS_ENDED
    return FixtureStatus.FIXTURE_STATUS_IN_PLAY


def _read_clock(element: etree._Element, state: MatchState) -> None:
    clock = element.find("{*}clock")
    if clock is None:
        return
    if attribute(clock, "match_time"):
        state.clock_seconds = clock_seconds_of(clock, "match_time") + clock_seconds_of(clock, "stoppage_time")
    state.stoppage_seconds = clock_seconds_of(clock, "stoppage_time_announced")


def _read_statistics(element: etree._Element, state: MatchState) -> None:
    statistics = element.find("{*}statistics")
    if statistics is None:
        return
    state.home_yellow_cards, state.away_yellow_cards = _pair(statistics, "yellow_cards")
    home_red, away_red = _pair(statistics, "red_cards")
    home_second_yellow, away_second_yellow = _pair(statistics, "yellow_red_cards")
    state.home_red_cards = home_red + home_second_yellow
    state.away_red_cards = away_red + away_second_yellow
    state.home_corners, state.away_corners = _pair(statistics, "corners")


def _pair(statistics: etree._Element, name: str) -> tuple[int, int]:
    found = statistics.find(f"{{*}}{name}")
    return (0, 0) if found is None else (score_of(found, "home"), score_of(found, "away"))
