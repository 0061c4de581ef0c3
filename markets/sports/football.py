"""Football, as feeds know it; its markets, its state and what wins at each score are in `markets/football/`."""

from __future__ import annotations

from typing import Final

from markets.fixture import FOOTBALL
from markets.football import market_ids as ids
from markets.football.market_types import TYPES
from markets.sport import OddsApiName, Sport

SPORTS: Final = (
    Sport(
        FOOTBALL,
        TYPES,
        exchange="1",
        uof="sr:sport:1",
        odds_api=OddsApiName(
            "soccer",
            {
                "h2h": ids.RESULT,
                "totals": ids.TOTAL,
                "alternate_totals": ids.TOTAL,
                "spreads": ids.HANDICAP,
                "alternate_spreads": ids.HANDICAP,
                "btts": ids.BOTH_TEAMS_TO_SCORE,
                "draw_no_bet": ids.DRAW_NO_BET,
            },
        ),
    ),
)
