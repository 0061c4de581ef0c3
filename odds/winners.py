"""How many outcomes of a market win: what providers tell of it, and whether they agree.

It is what the probabilities of a market sum to, so that a market of which it is not known has no price.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of, winners_of
from markets.layout import MarketLayout
from odds.book import ProviderColumns
from odds.updates import Quotes

LAYOUTS_CACHED_MAX: Final = 8_192
UNKNOWN_WINNERS: Final = 255
EITHER_OR: Final = 2

Counts = NDArray[np.uint8]


def winners_told(quotes: Quotes) -> Counts | None:
    """Return what quotes say of it, one a market, 0 for as the type says; None where they say nothing else.

    Where several outcomes win and only some are quoted, nobody knows how many of these will: the same prices may hold
    a margin or none at all.
    """
    layout, told, by_type = quotes.layout, quotes.winner_counts, _unknown_by_type(quotes.layout)
    told = by_type if told is None else np.where(told > 0, told, by_type)
    if (quotes.winner_counts is not None or _has_several(layout)) and not quotes.decimal_odds_milli.all():
        unquoted = np.flatnonzero(quotes.decimal_odds_milli == 0)
        partly_quoted = np.searchsorted(layout.offsets, unquoted, side="right") - 1
        winners = np.where(told > 0, told, winner_counts_of(layout))[partly_quoted]
        told = told.copy()
        told[partly_quoted[winners > 1.0]] = UNKNOWN_WINNERS
    return told if told.any() else None


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def winner_counts_of(layout: MarketLayout) -> NDArray[np.float64]:
    """Return how many outcomes of each market win, which is what its probabilities sum to; one where nobody knows."""
    return np.array([winners_of(market_id).count or 1 for market_id in layout.market_ids], dtype=np.float64)


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def _has_several(layout: MarketLayout) -> bool:
    return bool(winner_counts_of(layout).max(initial=0.0) > 1.0)


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def _unknown_by_type(layout: MarketLayout) -> Counts:
    """Tell which markets are of a feed's own type that says nothing to us; one of two outcomes is an either or."""
    counts = [
        UNKNOWN_WINNERS if count > EITHER_OR and market.is_feeds_own and market.winners.count is None else 0
        for market, count in zip(map(market_of, layout.market_ids), layout.outcome_counts.tolist(), strict=True)
    ]
    return np.array(counts, dtype=np.uint8)


def winners_of_provider(provider: ProviderColumns | None, layout: MarketLayout) -> NDArray[np.float64]:
    """Return how many outcomes of each market win by one provider's word, NaN where that is unknown."""
    by_type = winner_counts_of(layout)
    if provider is None or provider.winner_counts is None:
        return by_type
    counts = np.where(provider.winner_counts > 0, provider.winner_counts, by_type)
    return np.where(counts == UNKNOWN_WINNERS, np.nan, counts)


def agree_on_winners(
    by_provider: NDArray[np.float64], by_type: NDArray[np.float64], is_quoting: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how many outcomes of each market win, and whether all that quote it say so.

    Args:
        by_provider: Shape (P, M), NaN for unknown.
        by_type: Shape (M,), returned where nobody quotes or they do not agree.
        is_quoting: Shape (P, M).
    """
    is_unknown = (is_quoting & np.isnan(by_provider)).any(axis=0)
    least = np.where(is_quoting, by_provider, np.inf).min(axis=0)
    most = np.where(is_quoting, by_provider, -np.inf).max(axis=0)
    is_agreed = ~is_unknown & (least >= most)
    return np.where(is_agreed & (least == most), most, by_type), is_agreed
