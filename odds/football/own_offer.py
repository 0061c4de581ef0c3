"""Markets that the house offers by itself on football matches, beside those that providers quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.fixture import FOOTBALL
from markets.layout import LayoutMalformed, MarketLayout
from odds.fixture_state import FixtureState, own_key, widen
from odds.football.book_plans import plan_of
from odds.football.catalogue import catalogue
from odds.layout_union import unite
from odds.model_input import ModelInputInvalid

OFFERS_CACHED_MAX: Final = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """The layout of a fixture with our own markets, and which of them are: 1 where nobody else named it."""

    layout: MarketLayout
    own_markets: NDArray[np.uint8]


def expect_offerable(names: Sequence[str]) -> None:
    """Check that each name is a market, or a type of markets, that the score at half-time and at the end settles.

    Raises:
        ModelInputInvalid: If one is not.
    """
    for name in names:
        if not _markets_named(name):
            raise ModelInputInvalid(
                f"An own football market must be settled by scores of the halves, was {name[:64]!r}"
            )


def offer_own(state: FixtureState, names: tuple[str, ...]) -> FixtureState:
    """Return the state of a football match with our own markets in its layout; of any other fixture as it was.

    They come when providers quote what a joint distribution is fitted to, and stay; a market that a provider names
    first is never ours.
    """
    if not names or state.description is None or state.description.sport != FOOTBALL or state.is_play_over:
        return state
    if plan_of(state.layout, own_key(state)) is None:
        return state
    offer = _offer(state.layout, names, frozenset(state.decided_markets))
    if offer.layout is state.layout:
        return state
    wide = widen(state, offer.layout)
    own = offer.own_markets if wide.own_markets is None else wide.own_markets | offer.own_markets
    return replace(wide, own_markets=own)


@lru_cache(maxsize=OFFERS_CACHED_MAX)
def _offer(layout: MarketLayout, names: tuple[str, ...], decided: frozenset[str]) -> _Offer:
    known = catalogue().layout
    barred = layout.index_by_market_id.keys() | decided
    own = [market_id for market_id in _offered(names) if market_id not in barred]
    addition = MarketLayout.of_markets(
        [(market_id, known.outcome_ids_of(known.market_index(market_id))) for market_id in own]
    )
    try:
        wide = unite(layout, addition)
    except LayoutMalformed:  # Providers fill it alone.
        return _Offer(layout, np.zeros(layout.market_count, dtype=np.uint8))
    column = np.zeros(wide.market_count, dtype=np.uint8)
    column[[wide.market_index(market_id) for market_id in own]] = 1
    return _Offer(wide, column)


@lru_cache(maxsize=64)
def _offered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(market_id for name in names for market_id in _markets_named(name)))


def _markets_named(name: str) -> list[str]:
    """Return the markets on scores of the halves with an id, or of a type."""
    columns = catalogue()
    begins = columns.layout.offsets[:-1].tolist()
    return [
        market_id
        for market_id, begin in zip(columns.layout.market_ids, begins, strict=True)
        if begin < columns.orders_begin and name in (market_id, market_of(market_id).name)
    ]
