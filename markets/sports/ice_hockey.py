"""Ice hockey: three periods of twenty minutes, five minutes to the next goal, and a shoot-out."""

from __future__ import annotations

from typing import Final

from markets.contests import WINNER
from markets.football import market_ids as ids
from markets.goal_games import TYPES, GoalGame
from markets.sport import OddsApiName, Sport

SPORTS: Final = (
    Sport(
        "ice-hockey",
        TYPES,
        exchange="7524",
        uof="sr:sport:4",
        odds_api=OddsApiName("icehockey", {"h2h": WINNER, "h2h_3_way": ids.RESULT}),
        goal_game=GoalGame(period_count=3, period_seconds=1_200, overtime_seconds=300, goals=6.0),
    ),
)
