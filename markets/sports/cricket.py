"""Cricket of limited overs: where a match stands, and the types of markets on its runs."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from markets.contests import OVER, UNDER
from markets.fixture import MatchState, SportState
from markets.market_type import Group, Line, MarketType, Role
from markets.sport import Sport

CRICKET: Final = "cricket"

FIRST_INNINGS_RUNS: Final = "first_innings_runs"
SECOND_INNINGS_RUNS: Final = "second_innings_runs"

TYPES: Final = (
    MarketType(
        FIRST_INNINGS_RUNS,
        "First innings runs {line}",
        (OVER, UNDER),
        Group.TOTALS,
        Line.TOTAL,
        Role.MAIN,
    ),
    MarketType(SECOND_INNINGS_RUNS, "Second innings runs {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
)

SPORTS: Final = (Sport(CRICKET, TYPES, exchange="4", uof="sr:sport:21"),)


@dataclass(frozen=True, slots=True)
class Innings:
    """One innings: who bats, runs, wickets lost, balls bowled that count."""

    is_home_batting: bool
    runs: int
    wickets: int
    balls: int


@dataclass(frozen=True, slots=True)
class CricketState:
    """Innings, overs and wickets; the score of the match is the runs of either side.

    Attributes:
        innings_balls: Of a full innings: 120, 300, fewer after rain; 0 where the provider does not say.
        innings: Every innings begun, in order; the last one is being played while the match is.
        target: Runs that win for the side batting second; 0 for one more than the first innings.
    """

    innings_balls: int = 0
    innings: tuple[Innings, ...] = ()
    target: int = 0

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether a wicket fell, or an innings began; runs are told by the score."""
        return isinstance(held, CricketState) and self._incidents != held._incidents

    def progress(self, _match: MatchState) -> int:
        """Return how much was played: an innings is more than all balls of the one before."""
        return (len(self.innings) << 16) + (self.innings[-1].balls if self.innings else 0)

    def is_clock_running(self, _match: MatchState) -> bool:
        """Return that there is no clock."""
        return False

    @property
    def _incidents(self) -> Hashable:
        return tuple(played.wickets for played in self.innings)
