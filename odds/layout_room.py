"""Room for new markets in the layout of a fixture that has very many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from markets.fixture import MarketStatus
from markets.layout import LayoutMalformed, MarketLayout
from odds.fixture_state import FixtureState, narrow, own_markets_of, widen
from odds.layout_union import unite
from odds.updates import Quotes

_TRADED: Final = (MarketStatus.OPEN, MarketStatus.SUSPENDED)

_Pick = Callable[[int, str], Sequence[str] | None]
"""Says of a market which of its outcomes are kept; None for a market that is not."""


def make_room(state: FixtureState, quotes: Quotes) -> tuple[FixtureState, Quotes]:
    """Return the state with all markets of the quotes in its layout, and the quotes.

    Where they are more than a layout may hold, markets that have their result leave it, and new ones that nobody trades
    do not come in. What has no room even then is left out of the quotes, so that the rest of them still counts: a new
    market is not offered; one that is known takes no bets while an outcome of it has no room.
    """
    united = _unite(state.layout, quotes.layout)
    if united is not None:
        return widen(state, united), quotes
    state = _retire(state)
    traded = _pick(quotes, lambda index, market_id: _traded_outcomes(quotes, index, market_id, state.layout))
    united = _unite(state.layout, traded.layout)
    if united is not None:
        return widen(state, united), traded
    return state, _pick(quotes, lambda index, market_id: _known_outcomes(quotes, index, market_id, state.layout))


def _unite(layout: MarketLayout, addition: MarketLayout) -> MarketLayout | None:
    try:
        return unite(layout, addition)
    except LayoutMalformed:
        return None


def _retire(state: FixtureState) -> FixtureState:
    is_kept = (state.result_statuses < MarketStatus.SETTLED) | own_markets_of(state)
    if is_kept.all():
        return state
    layout = state.layout
    kept = MarketLayout.of_markets(
        (layout.market_ids[index], layout.outcome_ids_of(index)) for index in np.flatnonzero(is_kept).tolist()
    )
    return narrow(state, kept)


def _traded_outcomes(quotes: Quotes, index: int, market_id: str, known: MarketLayout) -> Sequence[str] | None:
    is_wanted = market_id in known.index_by_market_id or quotes.market_statuses[index] in _TRADED
    return quotes.layout.outcome_ids_of(index) if is_wanted else None


def _known_outcomes(quotes: Quotes, index: int, market_id: str, known: MarketLayout) -> Sequence[str] | None:
    place = known.index_by_market_id.get(market_id)
    if place is None:
        return None
    outcome_ids = quotes.layout.outcome_ids_of(index)
    return outcome_ids if set(outcome_ids) <= set(known.outcome_ids_of(place)) else ()


def _pick(quotes: Quotes, pick: _Pick) -> Quotes:
    """Return some of the markets of quotes; one that loses its outcomes is suspended if it was open."""
    layout = quotes.layout
    picked = [(index, pick(index, market_id)) for index, market_id in enumerate(layout.market_ids)]
    kept = [(index, outcome_ids) for index, outcome_ids in picked if outcome_ids is not None]
    places = [index for index, _ in kept]
    is_bare = np.array([len(outcome_ids) < layout.outcome_counts[index] for index, outcome_ids in kept], dtype=bool)
    statuses = quotes.market_statuses[places]
    odds_milli = [
        quotes.decimal_odds_milli[layout.offsets[index] : layout.offsets[index] + len(outcome_ids)]
        for index, outcome_ids in kept
    ]
    return Quotes(
        MarketLayout.of_markets((layout.market_ids[index], outcome_ids) for index, outcome_ids in kept),
        np.where(is_bare & (statuses == MarketStatus.OPEN), np.uint8(MarketStatus.SUSPENDED), statuses),
        np.concatenate([np.zeros(0, dtype=np.uint32), *odds_milli]).astype(np.uint32),
        quotes.is_snapshot,
        None if quotes.winner_counts is None else quotes.winner_counts[places],
    )
