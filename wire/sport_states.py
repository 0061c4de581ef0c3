"""What sports have beside a score and a clock, on the wire: a part of the oneof in `MatchState` each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from markets.fixture import Score, SportState
from markets.football.state import FootballState
from markets.periods import PeriodsState
from markets.sports.cricket import CricketState, Innings
from markets.sports.racing import RaceState, Runner
from markets.sports.tennis import FinalSet, TennisState
from overround.odds.v1 import fixture_pb2


def parse_sport(message: fixture_pb2.MatchState) -> SportState | None:
    """Return what a sport has beside; None for nothing.

    Raises:
        ValueError: If a number stands for nothing.
    """
    name = message.WhichOneof("sport")
    return None if name is None else _PARSERS[name](getattr(message, name))


def build_sport(state: SportState | None) -> dict[str, Any]:
    """Return the part of the oneof, under its name; nothing for None."""
    if state is None:
        return {}
    name, build = _BUILDERS[type(state)]
    return {name: build(state)}


def parse_score(message: fixture_pb2.Score) -> Score:
    """Return goals at some time of a match, or games of a set."""
    return Score(message.home, message.away)


def build_score(score: Score | None) -> fixture_pb2.Score | None:
    """Return the message of goals at some time of a match, None for none."""
    return None if score is None else fixture_pb2.Score(home=score.home, away=score.away)


def _parse_football(message: fixture_pb2.FootballState) -> FootballState:
    return FootballState(
        message.stoppage_seconds,
        message.home_red_cards,
        message.away_red_cards,
        message.home_yellow_cards,
        message.away_yellow_cards,
        message.home_corners,
        message.away_corners,
        parse_score(message.half_time_score) if message.HasField("half_time_score") else None,
        parse_score(message.full_time_score) if message.HasField("full_time_score") else None,
        message.had_extra_time,
    )


def _build_football(state: FootballState) -> fixture_pb2.FootballState:
    return fixture_pb2.FootballState(
        stoppage_seconds=state.stoppage_seconds,
        home_red_cards=state.home_red_cards,
        away_red_cards=state.away_red_cards,
        home_yellow_cards=state.home_yellow_cards,
        away_yellow_cards=state.away_yellow_cards,
        home_corners=state.home_corners,
        away_corners=state.away_corners,
        half_time_score=build_score(state.half_time),
        full_time_score=build_score(state.full_time),
        had_extra_time=state.had_extra_time,
    )


def _parse_tennis(message: fixture_pb2.TennisState) -> TennisState:
    return TennisState(
        message.sets_to_win,
        FinalSet(message.final_set),
        message.has_deciding_point,
        tuple(parse_score(played) for played in message.sets),
        message.home_points,
        message.away_points,
        message.is_home_serving,
    )


def _build_tennis(state: TennisState) -> fixture_pb2.TennisState:
    return fixture_pb2.TennisState(
        sets_to_win=state.sets_to_win,
        final_set=fixture_pb2.FinalSet.ValueType(state.final_set),
        has_deciding_point=state.has_deciding_point,
        sets=[fixture_pb2.Score(home=played.home, away=played.away) for played in state.sets],
        home_points=state.home_points,
        away_points=state.away_points,
        is_home_serving=state.is_home_serving,
    )


def _parse_periods(message: fixture_pb2.PeriodsState) -> PeriodsState:
    return PeriodsState(
        message.period_count,
        message.period_seconds,
        message.overtime_seconds,
        tuple(parse_score(played) for played in message.periods),
        message.seconds_left,
        message.is_clock_stopped,
    )


def _build_periods(state: PeriodsState) -> fixture_pb2.PeriodsState:
    return fixture_pb2.PeriodsState(
        period_count=state.period_count,
        period_seconds=state.period_seconds,
        overtime_seconds=state.overtime_seconds,
        periods=[fixture_pb2.Score(home=played.home, away=played.away) for played in state.periods],
        seconds_left=state.seconds_left,
        is_clock_stopped=state.is_clock_stopped,
    )


def _parse_cricket(message: fixture_pb2.CricketState) -> CricketState:
    innings = tuple(Innings(item.is_home_batting, item.runs, item.wickets, item.balls) for item in message.innings)
    return CricketState(message.innings_balls, innings, message.target)


def _build_cricket(state: CricketState) -> fixture_pb2.CricketState:
    return fixture_pb2.CricketState(
        innings_balls=state.innings_balls,
        innings=[
            fixture_pb2.CricketInnings(
                is_home_batting=item.is_home_batting, runs=item.runs, wickets=item.wickets, balls=item.balls
            )
            for item in state.innings
        ],
        target=state.target,
    )


def _parse_race(message: fixture_pb2.RaceState) -> RaceState:
    runners = tuple(
        Runner(item.id, item.is_withdrawn, item.position, item.withdrawn_time_ms, item.withdrawn_odds_milli)
        for item in message.runners
    )
    return RaceState(runners, message.is_official)


def _build_race(state: RaceState) -> fixture_pb2.RaceState:
    return fixture_pb2.RaceState(
        runners=[
            fixture_pb2.RunnerState(
                id=item.runner_id,
                is_withdrawn=item.is_withdrawn,
                position=item.position,
                withdrawn_time_ms=item.withdrawn_time_ms,
                withdrawn_odds_milli=item.withdrawn_odds_milli,
            )
            for item in state.runners
        ],
        is_official=state.is_official,
    )


_PARSERS: Final[Mapping[str, Callable[[Any], SportState]]] = {
    "football": _parse_football,
    "tennis": _parse_tennis,
    "periods": _parse_periods,
    "cricket": _parse_cricket,
    "race": _parse_race,
}
_BUILDERS: Final[Mapping[type, tuple[str, Callable[[Any], Any]]]] = {
    FootballState: ("football", _build_football),
    TennisState: ("tennis", _build_tennis),
    PeriodsState: ("periods", _build_periods),
    CricketState: ("cricket", _build_cricket),
    RaceState: ("race", _build_race),
}
