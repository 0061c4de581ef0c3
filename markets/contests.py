"""Types of markets on who wins a contest, whatever is played."""

from __future__ import annotations

from typing import Final

from markets.market_type import Family, Group, MarketType, Role, UofName
from markets.winners import ANY_WINNERS

WINNER: Final = "winner"
RACING: Final = ("horse-racing", "greyhound-racing")

TYPES: Final = (
    MarketType(
        "match_odds",
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
        uof=(UofName("186"), UofName("219")),
    ),
    MarketType(
        "win", "To win", RACING, outcomes=Family.RUNNERS, group=Group.POPULAR, role=Role.LEADING, exchange=("WIN",)
    ),
    # How many places are paid is told with the prices.
    MarketType(
        "place",
        "To be placed",
        RACING,
        outcomes=Family.RUNNERS,
        winners=ANY_WINNERS,
        exchange=("PLACE", "OTHER_PLACE", "TO_BE_PLACED"),
    ),
    MarketType("outright", "Winner of the competition", outcomes=Family.RUNNERS, exchange=("TOURNAMENT_WINNER",)),
)
