"""Football, as feeds know it; its markets, its state and what wins at each score are in `markets/football/`."""

from __future__ import annotations

from typing import Final

from markets.fixture import FOOTBALL
from markets.football import market_ids as ids
from markets.football.market_types import TYPES
from markets.sport import OddsApiName, Sport

_TYPES: Final = {known.type_id: known for known in TYPES}

SPORTS: Final = (
    Sport(
        FOOTBALL,
        TYPES,
        exchange="1",
        uof="sr:sport:1",
        odds_api=OddsApiName(
            "soccer",
            {
                "h2h": _TYPES[ids.RESULT],
                "totals": _TYPES[ids.TOTAL],
                "alternate_totals": _TYPES[ids.TOTAL],
                "spreads": _TYPES[ids.HANDICAP],
                "alternate_spreads": _TYPES[ids.HANDICAP],
                "btts": _TYPES[ids.BOTH_TEAMS_TO_SCORE],
                "draw_no_bet": _TYPES[ids.DRAW_NO_BET],
            },
        ),
    ),
)
