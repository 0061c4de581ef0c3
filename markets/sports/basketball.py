"""Basketball: where a game stands, and the types of markets on its points."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from markets.contests import AWAY, HOME, OVER, UNDER, WHO_WINS
from markets.fixture import MatchState, Score, SportState
from markets.market_type import Group, Line, MarketType, Role
from markets.sport import OddsApiName, Sport

BASKETBALL: Final = "basketball"

TOTAL_POINTS: Final = "total_points"
HOME_POINTS: Final = "home_points"
AWAY_POINTS: Final = "away_points"
POINTS_HANDICAP: Final = "points_handicap"

_TOTAL: Final = MarketType(TOTAL_POINTS, "Total points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL, Role.MAIN)
_HANDICAP: Final = MarketType(
    POINTS_HANDICAP, "Points handicap {signed}", (HOME, AWAY), Group.HANDICAP, Line.HANDICAP, Role.MAIN
)

SPORTS: Final = (
    Sport(
        BASKETBALL,
        (
            _TOTAL,
            MarketType(HOME_POINTS, "Home points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
            MarketType(AWAY_POINTS, "Away points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
            _HANDICAP,
        ),
        exchange="7522",
        uof="sr:sport:2",
        odds_api=OddsApiName("basketball", {"h2h": WHO_WINS, "totals": _TOTAL, "spreads": _HANDICAP}),
    ),
)


@dataclass(frozen=True, slots=True)
class BasketballState:
    """Periods and the clock; the score of the game is its points, overtime included.

    Attributes:
        period_count: Of a game without overtime: 4 quarters or 2 halves; 0 where the provider does not say.
        period_seconds: How long each is.
        overtime_seconds: How long an overtime is.
        periods: Points of every period and overtime begun, in order; the last one is being played while the game is.
        seconds_left: Until the end of that one.
        is_clock_stopped: A time-out, a break.
    """

    period_count: int = 0
    period_seconds: int = 0
    overtime_seconds: int = 0
    periods: tuple[Score, ...] = ()
    seconds_left: int = 0
    is_clock_stopped: bool = False

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether there is a new period; points are told by the score."""
        return isinstance(held, BasketballState) and self._incidents != held._incidents

    def progress(self, _match: MatchState) -> int:
        """Return how much was played: a period is more than all seconds of the one before."""
        return (len(self.periods) << 16) - self.seconds_left

    def is_clock_running(self, _match: MatchState) -> bool:
        """Return whether the clock should move."""
        return not self.is_clock_stopped and self.seconds_left > 0

    @property
    def _incidents(self) -> Hashable:
        return len(self.periods)
