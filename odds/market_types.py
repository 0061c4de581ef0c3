"""What a market's id says about its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.football import market_ids as football
from markets.layout import MarketLayout

LAYOUTS_CACHED_MAX: Final = 8_192
IDS_CACHED_MAX: Final = 65_536

MAIN_MARKET_TYPES: Final = ("1x2", "match_odds", "winner", "win")

ALL_MAY_WIN: Final = 2**31 - 1
"""More winners than any market has outcomes."""

_WINNERS_BY_TYPE: Final[Mapping[str, int]] = {
    **dict.fromkeys((*MAIN_MARKET_TYPES, *football.ONE_WINNER_TYPES), 1),
    football.DOUBLE_CHANCE: 2,
}
# The exchange's own names. One winner: dead heats share what one would get. Not here: places, and all one has to ask.
_WINNERS_BY_EXCHANGE_TYPE: Final[Mapping[str, int]] = {
    **dict.fromkeys(("MATCH_ODDS", "WIN", "DRAW_NO_BET", "BOTH_TEAMS_TO_SCORE", "ODD_OR_EVEN"), 1),
    **dict.fromkeys(("CORRECT_SCORE", "CORRECT_SCORE2", "HALF_TIME", "HALF_TIME_SCORE", "HALF_TIME_FULL_TIME"), 1),
    **dict.fromkeys(("NEXT_GOAL", "SET_WINNER", "SET_BETTING", "WINNING_MARGIN", "TOURNAMENT_WINNER"), 1),
    "DOUBLE_CHANCE": 2,
}
_EXCHANGE_TYPE_WITH_ONE_WINNER: Final = re.compile(r"OVER_UNDER_[0-9]+|FIRST_HALF_GOALS_[0-9]+")
# The Unified Odds Feed's numbers that have no name of ours, or none with their specifiers.
_WINNERS_BY_FEED_NUMBER: Final[Mapping[str, int]] = {
    **dict.fromkeys(("1", "8", "11", "16", "18", "19", "20", "26", "29", "60", "68", "83", "90", "186", "219"), 1),
    **dict.fromkeys(("10", "63", "85"), 2),
}


def market_type_of(market_id: str) -> str:
    """Return the part of a market id before its specifiers."""
    return market_id.partition(":")[0]


def is_main_market(market_id: str) -> bool:
    """Return whether a market asks who wins the fixture."""
    return market_id in MAIN_MARKET_TYPES


@lru_cache(maxsize=IDS_CACHED_MAX)
def winners_max_of(market_id: str) -> int:
    """Return how many outcomes of a market can win at most; all of them where nobody knows its type.

    Outcomes that are won in part count for their parts: two halves of a line are one winner, a dead heat shares what
    its places would get. Stakes given back beside a winner, of a runner that was withdrawn, are not in it: the
    reductions that its withdrawal makes stand against them.
    """
    origin, _, rest = market_id.partition(":")
    if origin == "betfair":
        exchange_type = market_type_of(rest)
        if _EXCHANGE_TYPE_WITH_ONE_WINNER.fullmatch(exchange_type):
            return 1
        return _WINNERS_BY_EXCHANGE_TYPE.get(exchange_type, ALL_MAY_WIN)
    if origin == "uof":
        return _WINNERS_BY_FEED_NUMBER.get(market_type_of(rest), ALL_MAY_WIN)
    of_match = origin.removeprefix(football.FIRST_HALF_PREFIX).removeprefix(football.SECOND_HALF_PREFIX)
    return _WINNERS_BY_TYPE.get(of_match, ALL_MAY_WIN)


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def winner_counts_of(layout: MarketLayout) -> NDArray[np.float64]:
    """Return how many outcomes of each market win, which is what its probabilities sum to; one where nobody knows."""
    counts = [winners_max_of(market_id) for market_id in layout.market_ids]
    return np.array([1 if count == ALL_MAY_WIN else count for count in counts], dtype=np.float64)
