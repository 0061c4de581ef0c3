"""What providers stop, and what lifts it."""

from __future__ import annotations

import numpy as np

from kernel.evolve import evolve
from odds.fixture.book import ProviderColumns, StopFlag
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate


def stop_all(state: FixtureState, now_us: int) -> FixtureState:
    """Return the state with every provider's bets stopped, until it quotes its markets again."""
    return evolve(state, providers=tuple(stop_bets(provider, state, (), now_us) for provider in state.providers))


def follow_stops(
    provider: ProviderColumns, state: FixtureState, update: FixtureUpdate, *, may_quote: bool
) -> ProviderColumns:
    """Stop what an update stops, also where it quotes it; everything while its word on the match is refused."""
    is_refused = update.is_state_refused or (provider.is_state_refused and update.state is None)
    if is_refused:
        return evolve(stop_bets(provider, state, (), update.received_time_us), is_state_refused=True)
    if provider.is_state_refused:
        provider = evolve(provider, is_state_refused=False)
    if update.bet_stop_market_ids is None or not may_quote:
        return provider
    return stop_bets(provider, state, update.bet_stop_market_ids, update.received_time_us)


def stop_bets(
    provider: ProviderColumns, state: FixtureState, market_ids: tuple[str, ...], received_time_us: int
) -> ProviderColumns:
    """Return a provider with these markets stopped, every one where none is named."""
    known = state.layout.index_by_market_id
    bet_stops = provider.bet_stops.copy()
    stopped = [known[market_id] for market_id in market_ids if market_id in known] if market_ids else slice(None)
    bet_stops[stopped] = StopFlag.STOPPED
    return evolve(provider, bet_stops=bet_stops, stopped_time_us=max(provider.stopped_time_us, received_time_us))


def resume_stopped(state: FixtureState, market_id: str) -> FixtureState:
    """Note what providers have stopped so far as lifted by a person, for when they fall silent."""
    is_resumed = np.array([market_id in ("", item) for item in state.layout.market_ids], dtype=bool)
    flags = np.where(is_resumed, StopFlag.RESUMED, 0).astype(np.uint8)
    return evolve(state, providers=tuple(evolve(item, bet_stops=item.bet_stops | flags) for item in state.providers))
