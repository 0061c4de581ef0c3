"""Types of markets on who wins a contest, whatever is played."""

from __future__ import annotations

from typing import Final

from markets.market_type import Family, Group, MarketType, Role, UofName

WINNER: Final = "winner"
MATCH_ODDS: Final = "match_odds"

HOME: Final = "home"
AWAY: Final = "away"
OVER: Final = "over"
UNDER: Final = "under"

TYPES: Final = (
    MarketType(
        MATCH_ODDS,
        "Match odds",
        outcomes=Family.RUNNERS,
        group=Group.POPULAR,
        role=Role.LEADING,
        exchange=("MATCH_ODDS",),
    ),
    MarketType(
        WINNER,
        "Winner",
        outcomes=Family.RUNNERS,
        group=Group.POPULAR,
        role=Role.LEADING,
        uof=(UofName("186"), UofName("219"), UofName("406", outcomes={"4": HOME, "5": AWAY})),
    ),
    MarketType("outright", "Winner of the competition", outcomes=Family.RUNNERS, exchange=("TOURNAMENT_WINNER",)),
)
