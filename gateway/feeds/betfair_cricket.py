"""The exchange's cricket stream: who plays, and how a match stands, ball by ball, beside the prices of its market."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.feeds.refusals import MessageMalformed
from overround.odds.v1.fixture_pb2 import CricketInnings, CricketState

NAME_LENGTH_MAX: Final = 200
BALLS_OF_AN_OVER: Final = 6
OVERS_MAX: Final = 100
RUNS_MAX: Final = 2_000
WICKETS_MAX: Final = 10
INNINGS_MAX: Final = 4

_OUTCOME_ID: Final = "selectionId"
_OVERS = re.compile(r"([0-9]{1,3})(?:\.([0-5]))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Side:
    """A team, and the runner it is on the exchange."""

    name: str
    outcome_id: str


@dataclass(slots=True)
class CricketMatch:
    """What has been told of one match; parts come one by one, and what is not told again holds.

    Attributes:
        home: None until it is told, as the other side.
        innings_balls: Of a full innings; 0 until it is told.
        innings: Those begun, in order.
    """

    home: Side | None = None
    away: Side | None = None
    innings_balls: int = 0
    innings: list[CricketInnings] = field(default_factory=list)

    def follow(self, change: Mapping[str, Any]) -> None:
        """Take in a change.

        Raises:
            MessageMalformed: If it says what cannot be; nothing of the innings is known then until they are told anew.
        """
        self.home = _side(change.get("homeTeam")) or self.home
        self.away = _side(change.get("awayTeam")) or self.away
        try:
            overs = change.get("fixtureInfo", {}).get("maxOvers")
            if overs is not None:
                self.innings_balls = _count("maxOvers", overs, OVERS_MAX) * BALLS_OF_AN_OVER
            if (stats := change.get("matchStats")) is not None:
                self.innings = self._read_innings(stats)
        except MessageMalformed:
            self.doubt()
            raise

    def doubt(self) -> None:
        """Know nothing of the innings until they are told anew."""
        self.innings = []

    @property
    def state(self) -> CricketState | None:
        """The innings, None while they are not known."""
        if not self.innings_balls or not self.innings:
            return None
        return CricketState(innings_balls=self.innings_balls, innings=self.innings)

    @property
    def runs(self) -> tuple[int, int]:
        """Of the home side and of the other."""
        home, away = (sum(item.runs for item in self.innings if item.is_home_batting is side) for side in (True, False))
        return home, away

    def _read_innings(self, stats: Mapping[str, Any]) -> list[CricketInnings]:
        """Return the innings begun; none while it is not told who bats in one of them."""
        current = _count("currentInnings", stats["currentInnings"], INNINGS_MAX)
        played = [item for item in stats["inningsStats"] if item["inningsNum"] <= current]
        names = [side.name for side in (self.home, self.away) if side is not None]
        if len(names) < 2 or any(item.get("battingTeam") not in names for item in played):
            return []
        return [
            CricketInnings(
                is_home_batting=item["battingTeam"] == names[0],
                runs=_count("inningsRuns", item["inningsRuns"], RUNS_MAX),
                wickets=_count("inningsWickets", item["inningsWickets"], WICKETS_MAX),
                balls=_balls(item["inningsOvers"]),
            )
            for item in played
        ]


def _side(told: Any) -> Side | None:
    """Return a team; None where it is told again without the runner that it is."""
    if not isinstance(told, Mapping) or type(told.get(_OUTCOME_ID)) is not int:
        return None
    return Side(str(told.get("name") or "")[:NAME_LENGTH_MAX], str(told[_OUTCOME_ID]))


def _count(name: str, told: Any, most: int) -> int:
    if type(told) is not int or not 0 <= told <= most:
        raise MessageMalformed(f"{name} must be from 0 to {most}, was {str(told)[:32]!r}")
    return told


def _balls(overs: Any) -> int:
    """Return the balls bowled in overs like 18.5: eighteen of them and five balls."""
    found = _OVERS.fullmatch(overs) if isinstance(overs, str) else None
    if found is None or int(found[1]) > OVERS_MAX:
        raise MessageMalformed(f"Overs must be like 18.5, at most {OVERS_MAX}, were {str(overs)[:32]!r}")
    return int(found[1]) * BALLS_OF_AN_OVER + int(found[2] or 0)


def events_of(message: Mapping[str, Any], changes_max: int) -> Sequence[Mapping[str, Any]]:
    """Return the changes of a message.

    Raises:
        MessageMalformed: If they are no list, or too many.
    """
    changes = message.get("cc", ())
    if not isinstance(changes, list | tuple) or len(changes) > changes_max:
        raise MessageMalformed(f"Changes of matches must be a list of at most {changes_max}")
    return changes
