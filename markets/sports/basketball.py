"""Basketball: the types of markets on the points of a game."""

from __future__ import annotations

from typing import Final

from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.football.market_ids import RESULT
from markets.football.market_types import ON_THE_SCORE
from markets.market_type import Group, Line, MarketType, Role
from markets.sport import OddsApiName, Sport

BASKETBALL: Final = "basketball"

TOTAL_POINTS: Final = "total_points"
HOME_POINTS: Final = "home_points"
AWAY_POINTS: Final = "away_points"
POINTS_HANDICAP: Final = "points_handicap"

SPORTS: Final = (
    Sport(
        BASKETBALL,
        (
            next(known for known in ON_THE_SCORE if known.type_id == RESULT),
            MarketType(TOTAL_POINTS, "Total points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL, Role.MAIN),
            MarketType(HOME_POINTS, "Home points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
            MarketType(AWAY_POINTS, "Away points {line}", (OVER, UNDER), Group.TOTALS, Line.TOTAL),
            MarketType(
                POINTS_HANDICAP, "Points handicap {signed}", (HOME, AWAY), Group.HANDICAP, Line.HANDICAP, Role.MAIN
            ),
        ),
        exchange="7522",
        uof="sr:sport:2",
        odds_api=OddsApiName("basketball", {"h2h": WINNER, "totals": TOTAL_POINTS, "spreads": POINTS_HANDICAP}),
    ),
)
