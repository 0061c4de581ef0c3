"""Fold what providers and traders say into a fixture's state. Nothing here reads a clock or makes a price."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.book import ProviderColumns, StopFlag, TraderSuspension
from odds.fixture import FixtureStatus, MarketStatus, MatchState
from odds.fixture_state import OVER_STATUSES, FixtureState, widen
from odds.layout_union import project, unite
from odds.period_scores import follow_scores
from odds.updates import FixtureUpdate, Quotes, ResultKind, ResultMark, TraderCommand, TradingAction
from odds.winners import winners_told

REQUEST_IDS_REMEMBERED_MAX: Final = 64
PROVIDERS_PER_FIXTURE_MAX: Final = 32
# After so long without a word from the provider that is believed about the match, another one is.
BELIEF_US_MAX: Final = 20_000_000

_CLOSED_BYTE: Final = bytes([MarketStatus.CLOSED])
_RESULT_STATUS_BY_KIND: Final = {
    ResultKind.SETTLEMENT: MarketStatus.SETTLED,
    ResultKind.SETTLEMENT_ROLLBACK: MarketStatus.CLOSED,
    ResultKind.CANCEL: MarketStatus.CANCELLED,
    ResultKind.CANCEL_ROLLBACK: MarketStatus.CLOSED,
}


def is_duplicate(state: FixtureState, update: FixtureUpdate) -> bool:
    """Return whether an update of this provider with this sequence or a later one is folded in already."""
    provider = state.provider(update.provider_id)
    return provider is not None and update.sequence <= provider.sequence


def fold(state: FixtureState, update: FixtureUpdate) -> FixtureState:
    """Return the state after one update; the same object if it is a duplicate.

    Raises:
        LayoutMalformed: If the markets of the fixture become more than a layout may hold.
    """
    if is_duplicate(state, update):
        return state
    if update.quotes is not None:
        state = widen(state, unite(state.layout, update.quotes.layout))
    provider = state.provider(update.provider_id) or _new_provider(state, update.provider_id)
    if update.bet_stop_market_ids is not None:
        provider = _stop_bets(provider, state, update.bet_stop_market_ids, update.received_time_us)
    if update.quotes is not None:
        state = _lift_rollbacks(state, update.quotes)
        provider = _take_quotes(provider, state, update.quotes, update.received_time_us)
    state = _replace_provider(state, replace(provider, sequence=update.sequence))
    if update.state is not None:
        state = _take_match_state(state, update, update.state)
    if update.result_marks:
        state = _take_results(state, update.result_marks)
    feed_time_us = max(state.feed_time_us, update.appended_time_us)
    return replace(state, feed_time_us=feed_time_us, description=update.description or state.description)


def follow_trader(state: FixtureState, command: TraderCommand) -> FixtureState:
    """Return the state after a command of the desk; the same object if it was followed before."""
    if command.request_id in state.applied_request_ids:
        return state
    others = tuple(item for item in state.trader_suspensions if item.market_id != command.market_id)
    if command.action is TradingAction.SUSPEND:
        others = (
            *others,
            TraderSuspension(command.market_id, command.trader_name, command.time_us, command.request_id),
        )
    applied = (*state.applied_request_ids, command.request_id)[-REQUEST_IDS_REMEMBERED_MAX:]
    if command.action is TradingAction.RESUME:
        state = _resume_stopped(state, command.market_id)
    return replace(state, trader_suspensions=others, applied_request_ids=applied)


def _resume_stopped(state: FixtureState, market_id: str) -> FixtureState:
    """Note what providers have stopped so far as lifted by a person, for when they fall silent."""
    is_resumed = np.array([market_id in ("", item) for item in state.layout.market_ids], dtype=bool)
    flags = np.where(is_resumed, StopFlag.RESUMED, 0).astype(np.uint8)
    return replace(state, providers=tuple(replace(item, bet_stops=item.bet_stops | flags) for item in state.providers))


def _new_provider(state: FixtureState, provider_id: str) -> ProviderColumns:
    markets, outcomes = state.layout.market_count, state.layout.outcome_count
    return ProviderColumns(
        provider_id,
        0,
        0,
        np.zeros(markets, dtype=np.uint8),
        np.zeros(outcomes, dtype=np.uint32),
        np.zeros(markets, dtype=np.uint8),
    )


def _replace_provider(state: FixtureState, provider: ProviderColumns) -> FixtureState:
    if state.provider(provider.provider_id) is not None:
        providers = tuple(provider if item.provider_id == provider.provider_id else item for item in state.providers)
    else:
        providers = (*state.providers, provider)[-PROVIDERS_PER_FIXTURE_MAX:]
    return replace(state, providers=providers)


def _stop_bets(
    provider: ProviderColumns, state: FixtureState, market_ids: tuple[str, ...], received_time_us: int
) -> ProviderColumns:
    known = state.layout.index_by_market_id
    bet_stops = provider.bet_stops.copy()
    stopped = [known[market_id] for market_id in market_ids if market_id in known] if market_ids else slice(None)
    bet_stops[stopped] = StopFlag.STOPPED
    return replace(provider, bet_stops=bet_stops, stopped_time_us=max(provider.stopped_time_us, received_time_us))


def _take_quotes(
    provider: ProviderColumns, state: FixtureState, quotes: Quotes, received_time_us: int
) -> ProviderColumns:
    if quotes.layout.layout_hash == state.layout.layout_hash:
        columns = (quotes.market_statuses, quotes.decimal_odds_milli, np.zeros_like(provider.bet_stops))
    else:
        columns = _scatter(provider, state, quotes)
    market_statuses, decimal_odds_milli, bet_stops = columns
    return replace(
        provider,
        received_time_us=received_time_us,
        market_statuses=market_statuses,
        decimal_odds_milli=decimal_odds_milli,
        bet_stops=bet_stops,
        winner_counts=_take_winners(provider.winner_counts, state, quotes),
    )


def _take_winners(before: NDArray[np.uint8] | None, state: FixtureState, quotes: Quotes) -> NDArray[np.uint8] | None:
    told = winners_told(quotes)
    if before is None and told is None:
        return None
    counts = np.zeros(state.layout.market_count, dtype=np.uint8) if before is None else before.copy()
    counts[project(quotes.layout, state.layout).markets] = 0 if told is None else told
    return counts if counts.any() else None


def _scatter(
    provider: ProviderColumns, state: FixtureState, quotes: Quotes
) -> tuple[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint8]]:
    """Lay quotes of some of the markets over what the provider said before."""
    places = project(quotes.layout, state.layout)
    bet_stops = provider.bet_stops.copy()
    bet_stops[places.markets] = 0
    if quotes.is_snapshot:
        market_statuses = np.where(provider.market_statuses > 0, MarketStatus.CLOSED, 0).astype(np.uint8)
        decimal_odds_milli = np.zeros_like(provider.decimal_odds_milli)
    else:
        market_statuses = provider.market_statuses.copy()
        decimal_odds_milli = np.where(places.covered_outcomes, 0, provider.decimal_odds_milli).astype(np.uint32)
    market_statuses[places.markets] = quotes.market_statuses
    decimal_odds_milli[places.outcomes] = quotes.decimal_odds_milli
    return market_statuses, decimal_odds_milli, bet_stops


def _lift_rollbacks(state: FixtureState, quotes: Quotes) -> FixtureState:
    """A market whose result was taken back trades again once a provider quotes it again."""
    if _CLOSED_BYTE not in state.result_statuses.tobytes():
        return state
    is_traded = np.zeros(state.layout.market_count, dtype=bool)
    is_traded[project(quotes.layout, state.layout).markets] = np.isin(
        quotes.market_statuses, (MarketStatus.OPEN, MarketStatus.SUSPENDED)
    )
    is_lifted = is_traded & (state.result_statuses == MarketStatus.CLOSED)
    return replace(state, result_statuses=np.where(is_lifted, 0, state.result_statuses).astype(np.uint8))


def _take_results(state: FixtureState, marks: tuple[ResultMark, ...]) -> FixtureState:
    result_statuses = state.result_statuses.copy()
    for mark in marks:
        index = state.layout.index_by_market_id.get(mark.market_id)
        status = _RESULT_STATUS_BY_KIND.get(mark.kind)
        if index is not None and status is not None and not mark.is_windowed:
            result_statuses[index] = status
    return replace(state, result_statuses=result_statuses)


def _take_match_state(state: FixtureState, update: FixtureUpdate, told: MatchState) -> FixtureState:
    """Believe the provider that was believed before, or one that is further on in the match.

    Providers lag behind each other by seconds: without this, a late one would take a goal back. Prices of one that does
    not know of the last incident yet do not count.
    """
    held = state.state
    state_time_us = max(state.state_time_us, update.received_time_us)
    if held is not None and not _is_believed(state, update, told, held):
        is_behind = _incidents(told) != _incidents(held)
        return replace(_mark_behind(state, update.provider_id, is_behind=is_behind), state_time_us=state_time_us)
    incident_time_us = state.incident_time_us
    if held is not None and told.status is FixtureStatus.IN_PLAY and _incidents(told) != _incidents(held):
        incident_time_us = update.received_time_us
    return replace(
        _mark_behind(state, update.provider_id, is_behind=False),
        state=told,
        period_scores=follow_scores(state.period_scores, held, told),
        state_provider_id=update.provider_id,
        believed_time_us=update.received_time_us,
        state_time_us=state_time_us,
        incident_time_us=incident_time_us,
    )


def _is_believed(state: FixtureState, update: FixtureUpdate, told: MatchState, held: MatchState) -> bool:
    if state.state_provider_id in ("", update.provider_id):
        return True
    if held.status in OVER_STATUSES:
        return False  # Whoever told the end has no more to say; late words of others do not take it back.
    is_silent = update.received_time_us - state.believed_time_us > BELIEF_US_MAX
    return is_silent or _progress(told) > _progress(held)


def _mark_behind(state: FixtureState, provider_id: str, *, is_behind: bool) -> FixtureState:
    provider = state.provider(provider_id)
    if provider is None or provider.is_behind == is_behind:
        return state
    return _replace_provider(state, replace(provider, is_behind=is_behind))


def _progress(state: MatchState) -> tuple[int, int, int, int]:
    return (int(state.status), int(state.period), sum(_incidents(state)[1:]), state.clock_seconds or 0)


def _incidents(state: MatchState) -> tuple[int, int, int, int, int]:
    return (int(state.period), state.home_score, state.away_score, state.home_red_cards, state.away_red_cards)
