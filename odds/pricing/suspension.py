"""Whether a market takes bets, and why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureStatus, MarketStatus, SuspensionReason
from odds.fixture.state import FixtureState
from odds.folding.belief import end_claims_due_us
from odds.folding.providers import AHEAD_US_MAX
from odds.pricing.own_markets import own_results_due_us
from odds.pricing.policy import PricingPolicy
from odds.pricing.prices import PricedColumns
from odds.pricing.stacking import Stack, age_us_max

_OPEN: Final = np.uint8(MarketStatus.OPEN)
_SUSPENDED: Final = np.uint8(MarketStatus.SUSPENDED)
_CLOSED: Final = np.uint8(MarketStatus.CLOSED)
_IS_LIVING: Final = np.isin(np.arange(256), (MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.HANDED_OVER))


def judge_markets(
    states: Sequence[FixtureState], stack: Stack, priced: PricedColumns, policy: PricingPolicy, now_us: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MarketStatus and SuspensionReason of every market of a stack.

    A market lives while any provider offers it, suspends it or hands it over; then what any provider stopped suspends
    it, also where others still quote: the first to know of a goal is not outvoted. From the scheduled start on, nothing
    of a fixture that nobody calls in play lives. A market nobody ever spoke of waits for a provider; one that we alone
    offer goes with the main market of its fixture until it is decided.

    Args:
        states: The fixtures of the stack.
        stack: Their columns.
        priced: What could be priced, and what is decided.
        policy: How.
        now_us: Microseconds since the Unix epoch.
    """
    statuses, to_markets = stack.market_statuses, stack.shape.to_markets
    bet_stops, suspensions = stack.bet_stops, stack.suspensions
    is_suspended = _trader_suspended(states, stack)
    results = np.concatenate([state.result_statuses for state in states])
    is_dead = to_markets(np.array([state.is_play_over for state in states]))
    is_priced = ~np.isnan(priced.overrounds)
    if stack.own is not None:
        mains = stack.own.mains
        statuses, bet_stops, suspensions = statuses[:, mains], bet_stops[:, mains], suspensions[:, mains]
        is_suspended |= is_suspended[mains]
        is_priced &= is_priced[mains]
        is_dead |= (results[mains] > _SUSPENDED) | (stack.own.is_own & priced.is_decided)
    is_up = to_markets(stack.is_up)
    is_living = _IS_LIVING.take(statuses)
    # Where several hold, the last one is told.
    holds = (
        (SuspensionReason.NO_PRICE, ~is_priced),
        (SuspensionReason.PROVIDER, ~_by_any((statuses == _OPEN) & is_up) | _by_any(suspensions)),
        (SuspensionReason.CLOCK_STALE, to_markets(_each(states, lambda state: is_clock_stale(state, policy, now_us)))),
        (SuspensionReason.PROVIDER_DOWN, ~_by_any(is_living & is_up)),
        (SuspensionReason.NOT_RESTORED, to_markets(_each(states, lambda state: not state.providers))),
        (SuspensionReason.BET_STOP, _by_any(bet_stops)),
        (
            SuspensionReason.NOT_STARTED_IN_TIME,
            to_markets(_each(states, lambda state: _is_overdue(state, policy, now_us))),
        ),
        (SuspensionReason.TRADER, is_suspended),
    )
    reasons = np.zeros(stack.shape.market_count, dtype=np.uint8)
    for reason, is_held in holds:
        if np.count_nonzero(is_held):
            reasons[is_held] = reason
    is_dead |= ~_by_any(is_living) & _by_any(statuses > 0)
    judged = np.where(is_dead, _CLOSED, np.where(reasons > 0, _SUSPENDED, _OPEN))
    judged = np.where(results > 0, results, judged)
    reasons[results == _SUSPENDED] = SuspensionReason.RESULT_REFERRED
    return judged, np.where(judged == _SUSPENDED, reasons, np.uint8(0))


def next_change_us(state: FixtureState, policy: PricingPolicy, now_us: int) -> int | None:
    """Return when the book may become another though nobody says anything, None for never.

    Then quotes are too old, or not ahead of our clock any more, the match's clock stands still, the fixture should have
    begun, those who say that it is over are believed, or a market of our own that waits for its score goes to a person.
    """
    quotes_us = age_us_max(state, policy)
    times_us = [
        provider.received_time_us + age_us
        for provider in state.providers
        if provider.received_time_us
        for age_us in (-AHEAD_US_MAX, quotes_us + 1)
    ]
    if state.is_clock_running:
        times_us.append(state.state_time_us + policy.clock_stale_us + 1)
    others_us = (_overdue_from_us(state, policy), end_claims_due_us(state), own_results_due_us(state))
    times_us += [time_us for time_us in others_us if time_us is not None]
    return min((time_us for time_us in times_us if time_us > now_us), default=None)


def is_clock_stale(state: FixtureState, policy: PricingPolicy, now_us: int) -> bool:
    """Return whether the match's clock should run and nobody said anything about it for too long."""
    return state.is_clock_running and now_us - state.state_time_us > policy.clock_stale_us


def _by_any(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether any provider has the flag, one a market."""
    return flags[0] if len(flags) == 1 else np.asarray(flags.any(axis=0))


def _each(states: Sequence[FixtureState], is_so: Callable[[FixtureState], bool]) -> NDArray[np.bool_]:
    return np.array([is_so(state) for state in states], dtype=bool)


def _is_overdue(state: FixtureState, policy: PricingPolicy, now_us: int) -> bool:
    overdue_us = _overdue_from_us(state, policy)
    return overdue_us is not None and now_us >= overdue_us


def _overdue_from_us(state: FixtureState, policy: PricingPolicy) -> int | None:
    description = state.description
    if description is None:
        return None
    status = state.state.status if state.state is not None else FixtureStatus.UNKNOWN
    return policy.start_guard.overdue_from_us(status, sport=description.sport, start_time_ms=description.start_time_ms)


def _trader_suspended(states: Sequence[FixtureState], stack: Stack) -> NDArray[np.bool_]:
    is_suspended = np.zeros(stack.shape.market_count, dtype=bool)
    for place, state in enumerate(states):
        begin, end = stack.shape.market_offsets[place : place + 2] if state.trader_suspensions else (0, 0)
        for suspension in state.trader_suspensions:
            if suspension.market_id == "":
                is_suspended[begin:end] = True
            elif suspension.market_id in state.layout.index_by_market_id:
                is_suspended[begin + state.layout.index_by_market_id[suspension.market_id]] = True
    return is_suspended
