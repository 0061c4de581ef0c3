"""Room for new markets in the layout of a fixture that has very many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from markets.fixture import MarketStatus
from markets.layout import LayoutMalformed, MarketLayout
from odds.book import ALL_OTHERS, MarketDecided, ResultWord
from odds.fixture_state import FixtureState, narrow, own_markets_of, widen
from odds.layout_union import unite
from odds.updates import Quotes

DECIDED_MARKETS_MAX: Final = 4_096
"""Results of a fixture that are remembered of markets outside its layout."""

_TRADED: Final = (MarketStatus.OPEN, MarketStatus.SUSPENDED)

_Pick = Callable[[int, str], Sequence[str] | None]
"""Says of a market which of its outcomes are kept; None for a market that is not."""


def make_room(state: FixtureState, quotes: Quotes) -> tuple[FixtureState, Quotes]:
    """Return the state with all markets of the quotes in its layout, and the quotes.

    Where they are more than a layout may hold, markets that have their result leave it, and new ones that nobody trades
    do not come in. What has no room even then is left out of the quotes, so that the rest of them still counts: a new
    market is not offered; one that is known takes no bets while an outcome of it has no room. Neither comes in what has
    its result; nor anything new once there were more results than are remembered.
    """
    quotes = _without_decided(state, quotes)
    united = _unite(state.layout, quotes.layout)
    if united is not None:
        return widen(state, united), quotes
    offered, state = quotes, _retire(state)
    traded = _pick(offered, lambda index, market_id: _traded_outcomes(offered, index, market_id, state))
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
    room = max(DECIDED_MARKETS_MAX - len(state.decided_markets), 0)
    gone = np.flatnonzero(~is_kept).tolist()[:room]
    if not gone:
        return state
    layout, is_kept = state.layout, np.ones(state.layout.market_count, dtype=bool)
    is_kept[gone] = False
    decided = {layout.market_ids[index]: _decided(state, index) for index in gone}
    kept = MarketLayout.of_markets(
        (layout.market_ids[index], layout.outcome_ids_of(index)) for index in np.flatnonzero(is_kept).tolist()
    )
    return replace(narrow(state, kept), decided_markets={**state.decided_markets, **decided})


def _decided(state: FixtureState, index: int) -> MarketDecided:
    is_settled = state.result_statuses[index] == MarketStatus.SETTLED
    said = ResultWord.SETTLED if is_settled else ResultWord.CANCELLED
    for provider in state.providers:
        if provider.result_words is not None and provider.result_words[index] & said:
            return MarketDecided(provider.provider_id, ResultWord(int(provider.result_words[index])))
    return MarketDecided("", said)


def _without_decided(state: FixtureState, quotes: Quotes) -> Quotes:
    if not state.decided_markets or quotes.layout.layout_hash == state.layout.layout_hash:
        return quotes
    unknown = quotes.layout.index_by_market_id.keys() - state.layout.index_by_market_id.keys()
    barred = unknown if ALL_OTHERS in state.decided_markets else unknown & state.decided_markets.keys()
    if not barred:
        return quotes
    return _pick(quotes, lambda index, market_id: None if market_id in barred else quotes.layout.outcome_ids_of(index))


def _traded_outcomes(quotes: Quotes, index: int, market_id: str, state: FixtureState) -> Sequence[str] | None:
    is_new = market_id not in state.layout.index_by_market_id
    is_wanted = quotes.market_statuses[index] in _TRADED and market_id not in state.decided_markets if is_new else True
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
