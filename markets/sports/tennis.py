"""Tennis: where a match stands, and the types of markets on its sets and games."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import MatchState, Score, SportState
from markets.market_type import Family, Group, Line, MarketType, Role
from markets.sport import OddsApiName, Sport

TENNIS: Final = "tennis"

SET_WINNER: Final = "set_winner"
SET_BETTING: Final = "set_betting"
TOTAL_SETS: Final = "total_sets"
SETS_HANDICAP: Final = "sets_handicap"
TOTAL_GAMES: Final = "total_games"
GAMES_HANDICAP: Final = "games_handicap"

TYPES: Final = (
    MarketType(
        SET_WINNER,
        "Winner of the {nth} set",
        Family.RUNNERS,
        Group.POPULAR,
        Line.ORDINAL,
        exchange=("SET_WINNER",),
    ),
    MarketType(SET_BETTING, "Score in sets", Family.SCORES, Group.SCORE, exchange=("SET_BETTING",)),
    MarketType(TOTAL_SETS, "Total sets {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
    MarketType(TOTAL_GAMES, "Total games {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL, Role.MAIN),
    MarketType(SETS_HANDICAP, "Sets handicap {signed}", (HOME, AWAY), Group.HANDICAP, Line.HANDICAP),
    MarketType(GAMES_HANDICAP, "Games handicap {signed}", (HOME, AWAY), Group.HANDICAP, Line.HANDICAP, Role.MAIN),
)

SPORTS: Final = (
    Sport(
        TENNIS,
        TYPES,
        exchange="2",
        uof="sr:sport:5",
        odds_api=OddsApiName("tennis", {"h2h": WINNER, "totals": TOTAL_GAMES, "spreads": GAMES_HANDICAP}),
    ),
)


class FinalSet(IntEnum):
    """How the last possible set is decided. Numbers travel on the wire."""

    UNKNOWN = 0
    LIKE_THE_OTHERS = 1
    """A tie-break at six games all."""
    LONG_TIE_BREAK = 2
    """A tie-break to ten points at six games all: the rule of the four majors since 2022."""
    TIE_BREAK_AT_TWELVE = 3
    """A tie-break to seven points at twelve games all: Wimbledon 2019 to 2021."""
    ADVANTAGE = 4
    """No tie-break: two games clear."""
    MATCH_TIE_BREAK = 5
    """A tie-break to ten points in place of the set, which counts as one game: doubles."""


@dataclass(frozen=True, slots=True)
class TennisState:
    """Sets, games and points; the score of the match is the sets won.

    Attributes:
        sets_to_win: 1 to 3; 0 where the provider does not say.
        has_deciding_point: Whether the point at deuce decides the game ("no-ad").
        sets: Games of every set begun, in order; the last one is being played while the match is.
        home_points: Won in the game or tie-break being played: 0, 1, 2, 3 for 0, 15, 30, 40, and counted on from there.
        is_home_serving: Who serves the next point.
    """

    sets_to_win: int = 0
    final_set: FinalSet = FinalSet.UNKNOWN
    has_deciding_point: bool = False
    sets: tuple[Score, ...] = ()
    home_points: int = 0
    away_points: int = 0
    is_home_serving: bool = False

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether there was a point: it moves every price."""
        return isinstance(held, TennisState) and self._incidents != held._incidents

    def progress(self, _match: MatchState) -> int:
        """Return how much was played: a game is more than all points of the one before."""
        games = sum(played.home + played.away for played in self.sets)
        return (games << 10) + self.home_points + self.away_points

    def is_clock_running(self, _match: MatchState) -> bool:
        """Return that there is no clock."""
        return False

    @property
    def _incidents(self) -> Hashable:
        return self.sets, self.home_points, self.away_points
