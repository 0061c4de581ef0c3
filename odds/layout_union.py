"""Layouts of several providers in one: the fixture's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.layout import MarketLayout

CACHED_MAX: Final = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Where the columns of one layout stand in another that holds all of it.

    Attributes:
        markets: Index in the wider layout of each market of the narrower one.
        outcomes: The same for outcomes.
        covered_outcomes: 1 for each outcome of the wider layout whose market is in the narrower one.
    """

    markets: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    covered_outcomes: NDArray[np.bool_]


@lru_cache(maxsize=CACHED_MAX)
def unite(layout: MarketLayout, addition: MarketLayout) -> MarketLayout:
    """Return a layout that holds both: the order of the first is kept, what is new follows, who wins leads.

    Raises:
        LayoutMalformed: If the union is larger than a layout may be.
    """
    outcome_ids_by_market = {
        market_id: dict.fromkeys(layout.outcome_ids_of(index)) for index, market_id in enumerate(layout.market_ids)
    }
    is_wider = False
    for index, market_id in enumerate(addition.market_ids):
        known = outcome_ids_by_market.setdefault(market_id, {})
        count_before = len(known)
        known.update(dict.fromkeys(addition.outcome_ids_of(index)))
        is_wider |= len(known) > count_before
    if not is_wider and len(outcome_ids_by_market) == layout.market_count:
        return layout
    leading = sorted(outcome_ids_by_market, key=lambda market_id: not market_of(market_id).is_leading)
    united = MarketLayout.of_markets((market_id, tuple(outcome_ids_by_market[market_id])) for market_id in leading)
    return addition if united.layout_hash == addition.layout_hash else united


@lru_cache(maxsize=CACHED_MAX)
def project(narrow: MarketLayout, wide: MarketLayout) -> Projection:
    """Return where the columns of `narrow` stand in `wide`.

    Raises:
        MarketUnknown: If `wide` lacks a market of it.
        OutcomeUnknown: If `wide` lacks an outcome of it.
    """
    markets = np.array([wide.market_index(market_id) for market_id in narrow.market_ids], dtype=np.int64)
    outcomes = [
        wide.outcome_index(market_id, outcome_id)
        for index, market_id in enumerate(narrow.market_ids)
        for outcome_id in narrow.outcome_ids_of(index)
    ]
    is_covered_market = np.zeros(wide.market_count, dtype=bool)
    is_covered_market[markets] = True
    covered_outcomes = np.repeat(is_covered_market, wide.outcome_counts)
    return Projection(markets, np.array(outcomes, dtype=np.int64), covered_outcomes)
