"""Descriptions and match states on the wire."""

from __future__ import annotations

from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Participant, Period
from overround.odds.v1 import fixture_pb2
from wire.sport_states import build_sport, parse_sport


def parse_description(message: fixture_pb2.FixtureDescription) -> FixtureDescription:
    """Return what a fixture is."""
    return FixtureDescription(
        sport=message.sport,
        competition=message.competition,
        home_name=message.home_name,
        away_name=message.away_name,
        start_time_ms=message.start_time_ms,
        participants=tuple(Participant(item.id, item.name) for item in message.participants),
    )


def build_description(description: FixtureDescription) -> fixture_pb2.FixtureDescription:
    """Return the message for what a fixture is."""
    return fixture_pb2.FixtureDescription(
        sport=description.sport,
        competition=description.competition,
        home_name=description.home_name,
        away_name=description.away_name,
        start_time_ms=description.start_time_ms,
        participants=[fixture_pb2.Participant(id=item.id, name=item.name) for item in description.participants],
    )


def parse_state(message: fixture_pb2.MatchState) -> MatchState:
    """Return what is going on in a match.

    Raises:
        ValueError: If a number stands for nothing: of the status, the period, or in what the sport has beside.
    """
    return MatchState(
        FixtureStatus(message.status),
        Period(message.period),
        message.home_score,
        message.away_score,
        message.clock_seconds if message.HasField("clock_seconds") else None,
        message.is_score_unknown,
        parse_sport(message),
    )


def build_state(state: MatchState) -> fixture_pb2.MatchState:
    """Return the message for what is going on in a match."""
    return fixture_pb2.MatchState(
        status=int(state.status),  # type: ignore[arg-type]  # generated stubs want their own enumeration
        period=int(state.period),  # type: ignore[arg-type]
        home_score=state.home_score,
        away_score=state.away_score,
        clock_seconds=state.clock_seconds,
        is_score_unknown=state.is_score_unknown,
        **build_sport(state.sport),
    )
