"""What sports have beside a score and a clock, on the wire: a part of the oneof in `MatchState` each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from markets.fixture import Score, SportState
from markets.tennis import FinalSet, TennisState
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


_PARSERS: Final[Mapping[str, Callable[[Any], SportState]]] = {"tennis": _parse_tennis}
_BUILDERS: Final[Mapping[type, tuple[str, Callable[[Any], Any]]]] = {TennisState: ("tennis", _build_tennis)}
