"""Whether a market takes bets, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.fixture import MarketStatus, SuspensionReason
from odds.fixture_state import FixtureState
from odds.policy import PricingPolicy
from odds.stacking import Stack

# Where several hold, the last one is told.
_WEAKEST_FIRST: Final = (
    SuspensionReason.NO_PRICE,
    SuspensionReason.PROVIDER,
    SuspensionReason.CLOCK_STALE,
    SuspensionReason.PROVIDER_DOWN,
    SuspensionReason.BET_STOP,
    SuspensionReason.TRADER,
)


def judge_markets(
    states: Sequence[FixtureState], stack: Stack, is_priced: NDArray[np.bool_], policy: PricingPolicy, now_us: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MarketStatus and SuspensionReason of every market of a stack.

    A market lives while any provider offers it, suspends it or hands it over; then a bet-stop of any provider that is
    up suspends it, also where others still quote: the first to know of a goal is not outvoted. A market nobody ever
    spoke of waits for a provider.

    Args:
        states: The fixtures of the stack.
        stack: Their columns.
        is_priced: Whether a price of our own could be made, one a market.
        policy: How.
        now_us: Microseconds since the Unix epoch.
    """
    statuses = stack.market_statuses
    is_up = stack.to_markets(stack.is_up)
    is_living = (
        (statuses == MarketStatus.OPEN) | (statuses == MarketStatus.SUSPENDED) | (statuses == MarketStatus.HANDED_OVER)
    )
    holds = {
        SuspensionReason.TRADER: _trader_suspended(states),
        SuspensionReason.BET_STOP: _by_any(stack.bet_stops),
        SuspensionReason.PROVIDER_DOWN: ~_by_any(is_living & is_up),
        SuspensionReason.CLOCK_STALE: stack.to_markets(_clock_stale(states, policy, now_us)),
        SuspensionReason.PROVIDER: ~_by_any((statuses == MarketStatus.OPEN) & is_up),
        SuspensionReason.NO_PRICE: ~is_priced,
    }
    reasons = np.zeros(stack.market_count, dtype=np.uint8)
    for reason in _WEAKEST_FIRST:
        reasons[holds[reason]] = reason
    is_given_up = ~_by_any(is_living) & _by_any(statuses > 0)
    is_dead = is_given_up | stack.to_markets(np.array([state.is_play_over for state in states]))
    judged = np.where(is_dead, MarketStatus.CLOSED, np.where(reasons > 0, MarketStatus.SUSPENDED, MarketStatus.OPEN))
    results = np.concatenate([state.result_statuses for state in states])
    judged = np.where(results > 0, results, judged).astype(np.uint8)
    return judged, np.where(judged == MarketStatus.SUSPENDED, reasons, 0).astype(np.uint8)


def is_clock_stale(state: FixtureState, policy: PricingPolicy, now_us: int) -> bool:
    """Return whether the match's clock should run and nobody said anything about it for too long."""
    return state.is_clock_running and now_us - state.state_time_us > policy.clock_stale_us


def _by_any(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether any provider has the flag, one a market."""
    return flags[0] if len(flags) == 1 else np.asarray(flags.any(axis=0))


def _clock_stale(states: Sequence[FixtureState], policy: PricingPolicy, now_us: int) -> NDArray[np.bool_]:
    return np.array([is_clock_stale(state, policy, now_us) for state in states])


def _trader_suspended(states: Sequence[FixtureState]) -> NDArray[np.bool_]:
    columns = [np.zeros(state.layout.market_count, dtype=bool) for state in states]
    for state, column in zip(states, columns, strict=True):
        for suspension in state.trader_suspensions:
            if suspension.market_id == "":
                column[:] = True
            elif suspension.market_id in state.layout.index_by_market_id:
                column[state.layout.index_by_market_id[suspension.market_id]] = True
    return np.concatenate(columns)
