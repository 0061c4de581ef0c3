"""What a market's id says about its shape."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.layout import MarketLayout

LAYOUTS_CACHED_MAX: Final = 8_192

WINNER_COUNT_BY_TYPE: Final = {"double_chance": 2, "first_half_double_chance": 2, "second_half_double_chance": 2}
MAIN_MARKET_TYPES: Final = ("1x2", "match_odds", "winner", "win")


def market_type_of(market_id: str) -> str:
    """Return the part of a market id before its specifiers."""
    return market_id.partition(":")[0]


def is_main_market(market_id: str) -> bool:
    """Return whether a market asks who wins the fixture."""
    return market_id in MAIN_MARKET_TYPES


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def winner_counts_of(layout: MarketLayout) -> NDArray[np.float64]:
    """Return how many outcomes of each market win, which is what its probabilities sum to."""
    counts = [WINNER_COUNT_BY_TYPE.get(market_type_of(market_id), 1) for market_id in layout.market_ids]
    return np.array(counts, dtype=np.float64)
