"""Columns of many fixtures behind each other, so that numpy sees one array and not many.

M markets and O outcomes in all fixtures; P is the largest number of providers any of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import MarketStatus
from odds.fixture.book import ProviderColumns, StopFlag
from odds.fixture.state import BELIEF_US_MAX, FixtureState, own_markets_of, zeros
from odds.fixture.winners import agree_on_winners, winners_of_provider
from odds.folding.provider_rights import feed_of
from odds.folding.providers import AHEAD_US_MAX
from odds.pricing.policy import PricingPolicy
from odds.pricing.stack_shape import StackShape, shape_of
from odds.sports.registry import pricer_of

_OPEN: Final = np.uint8(MarketStatus.OPEN)
_SUSPENDED: Final = np.uint8(MarketStatus.SUSPENDED)


@dataclass(frozen=True, slots=True, eq=False)
class OwnColumns:
    """Markets that we alone offer.

    Attributes:
        is_own: Shape (M,).
        mains: For each such market the main one of its fixture, for any other itself, shape (M,).
    """

    is_own: NDArray[np.bool_]
    mains: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The fixtures of a batch as arrays.

    Attributes:
        shape: Which columns belong together.
        wanted_overrounds: What our implied probabilities are to sum to, shape (M,).
        winner_counts: How many outcomes win, shape (M,); where providers do not agree on it their words weigh nothing.
        decimal_odds_milli: Of providers, shape (P, O).
        market_statuses: Of providers, shape (P, M).
        bet_stops: Those in force, shape (P, M).
        suspensions: Suspensions by status in play that are in force though others quote, shape (P, M).
        is_up: Whether each provider counts as up, shape (P, fixtures); False where a fixture has fewer providers.
        is_mandatory: Providers without whose word a market has no price, shape (P, M).
        is_mandatory_absent: Whether such a one never said anything about the fixture, shape (M,).
        weights: What each provider's word weighs before its price is looked at, shape (P, M).
        own: Markets that we alone offer; None where there are none.
    """

    shape: StackShape
    wanted_overrounds: NDArray[np.float64]
    winner_counts: NDArray[np.float64]
    decimal_odds_milli: NDArray[np.uint32]
    market_statuses: NDArray[np.uint8]
    bet_stops: NDArray[np.bool_]
    suspensions: NDArray[np.bool_]
    is_up: NDArray[np.bool_]
    is_mandatory: NDArray[np.bool_]
    is_mandatory_absent: NDArray[np.bool_]
    weights: NDArray[np.float64]
    own: OwnColumns | None


def stack_states(
    states: Sequence[FixtureState], up_providers: frozenset[str], policy: PricingPolicy, now_us: int
) -> Stack:
    """Lay the states' columns behind each other and weigh their providers."""
    shape = shape_of([state.layout for state in states])
    slot_count = max(1, *(len(state.providers) for state in states))
    is_up, base_weights = _weigh_providers(states, slot_count, up_providers, policy, now_us)
    is_mandatory, is_mandatory_absent = _mandatory_providers(states, shape, slot_count, policy)
    statuses = _slots(states, slot_count, _statuses_of)
    stops = _find_stops(states, shape, statuses, is_up, policy=policy, now_us=now_us)
    is_quoting = (statuses == _OPEN) & ~stops.bet_stops
    winner_counts, is_agreed = _winner_counts(states, shape, is_quoting)
    wanted_overrounds = np.concatenate(
        [policy.wanted_overrounds(state.layout, state.description, is_in_play=state.is_in_play) for state in states]
    )
    return Stack(
        shape=shape,
        wanted_overrounds=wanted_overrounds * (winner_counts / shape.winner_counts),
        winner_counts=winner_counts,
        decimal_odds_milli=_slots(states, slot_count, _odds_of),
        market_statuses=statuses,
        bet_stops=stops.bet_stops,
        suspensions=stops.suspensions,
        is_up=is_up,
        is_mandatory=is_mandatory,
        is_mandatory_absent=is_mandatory_absent,
        weights=np.where(is_quoting & is_agreed, shape.to_markets(base_weights), 0.0),
        own=_own_columns(states, shape),
    )


def provider_weight(
    state: FixtureState, provider: ProviderColumns, policy: PricingPolicy, *, newest_us: int, now_us: int
) -> float:
    """Return what the word of a provider that is up weighs: by sharpness and age, 0.0 for one that is behind.

    How old it may be is a matter of now; how much less it weighs, of the newest provider's. What came by a clock that
    has been put back since is of no known age.
    """
    if provider.is_behind or provider.received_time_us < state.incident_time_us:
        return 0.0
    if not -AHEAD_US_MAX <= now_us - provider.received_time_us <= age_us_max(state, policy):
        return 0.0
    age_us = newest_us - provider.received_time_us
    sharpness = policy.sharpness_by_provider.get(provider.provider_id, 1.0)
    return sharpness if age_us == 0 else float(sharpness * 0.5 ** (age_us / policy.age_half_life_us))


def is_outvoted(state: FixtureState, providers: Sequence[ProviderColumns], *, now_us: int) -> bool:
    """Return whether fewer feeds tell of the last incident than others, which deny it or have not spoken since.

    Most are late by seconds, and one that is wrong stays wrong: until half of those that tell the match lately say the
    same nobody's price counts. Of two feeds the one that is further on is enough.
    """
    not_telling = [item for item in providers if item.is_behind or item.told_time_us < state.incident_time_us]
    if not not_telling:
        return False
    telling = {feed_of(item.provider_id) for item in providers if item not in not_telling}
    others = {feed_of(item.provider_id) for item in not_telling if now_us - item.told_time_us <= BELIEF_US_MAX}
    return len(others - telling) > len(telling)


def age_us_max(state: FixtureState, policy: PricingPolicy) -> int:
    """Return how old quotes of a fixture may be."""
    return policy.age_in_play_us_max if state.is_in_play else policy.age_pre_match_us_max


@dataclass(frozen=True, slots=True, eq=False)
class _Stops:
    bet_stops: NDArray[np.bool_]
    suspensions: NDArray[np.bool_]


def _find_stops(
    states: Sequence[FixtureState],
    shape: StackShape,
    statuses: NDArray[np.uint8],
    is_up: NDArray[np.bool_],
    *,
    policy: PricingPolicy,
    now_us: int,
) -> _Stops:
    """Find what providers have stopped that holds against all that others quote.

    A provider that is heard of is believed until it quotes the market again. What one stopped that fell silent, or has
    not quoted for long, holds until another's quotes are so much younger that they know of the same, or the desk
    resumes the market: silence makes nobody forget a goal.
    """
    flags = _slots(states, len(statuses), _bet_stops_of)
    is_suspended = statuses == _SUSPENDED
    if not (np.count_nonzero(flags) or np.count_nonzero(is_suspended)):
        return _Stops(is_suspended, is_suspended)
    is_stopped = (flags & StopFlag.STOPPED) > 0
    is_suspended &= shape.to_markets(np.array([state.is_in_play for state in states]))
    is_up_of_market = shape.to_markets(is_up)
    quoted_us = shape.to_markets(_times(states, len(statuses), lambda provider: provider.received_time_us))
    last_word_us = shape.to_markets(_times(states, len(statuses), lambda provider: provider.last_word_us))
    ages_us_max = shape.to_markets(np.array([age_us_max(state, policy) for state in states]))
    newest_us = np.where((statuses == _OPEN) & is_up_of_market & ~is_stopped, quoted_us, 0).max(axis=0)
    is_outlasting = (newest_us <= last_word_us + policy.bet_stop_margin_us) & ((flags & StopFlag.RESUMED) == 0)
    is_quoting = is_up_of_market & (now_us - quoted_us <= ages_us_max)
    return _Stops(is_stopped & (is_up_of_market | is_outlasting), is_suspended & (is_quoting | is_outlasting))


def _times(
    states: Sequence[FixtureState], slot_count: int, time_of: Callable[[ProviderColumns], int]
) -> NDArray[np.int64]:
    times = np.zeros((slot_count, len(states)), dtype=np.int64)
    for column, state in enumerate(states):
        for slot, provider in enumerate(state.providers):
            times[slot, column] = time_of(provider)
    return times


def _weigh_providers(
    states: Sequence[FixtureState],
    slot_count: int,
    up_providers: frozenset[str],
    policy: PricingPolicy,
    now_us: int,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    is_up = np.zeros((slot_count, len(states)), dtype=bool)
    weights = np.zeros((slot_count, len(states)))
    for column, state in enumerate(states):
        up = [item for item in state.providers if item.provider_id in up_providers]
        is_voted_down = is_outvoted(state, up, now_us=now_us)
        newest_us = max([item.received_time_us for item in up], default=0)
        for slot, provider in enumerate(state.providers):
            if provider.provider_id not in up_providers:
                continue
            is_up[slot, column] = True
            if not is_voted_down:
                weights[slot, column] = provider_weight(state, provider, policy, newest_us=newest_us, now_us=now_us)
    return is_up, weights


def _mandatory_providers(
    states: Sequence[FixtureState], shape: StackShape, slot_count: int, policy: PricingPolicy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    is_mandatory = np.zeros((slot_count, len(states)), dtype=bool)
    is_absent = np.zeros(len(states), dtype=bool)
    for column, state in enumerate(states if policy.mandatory_providers else ()):
        sport = state.description.sport if state.description is not None else ""
        slots = {item.provider_id: slot for slot, item in enumerate(state.providers)}
        for provider_id in policy.mandatory_providers.get(sport, ()):
            if provider_id in slots:
                is_mandatory[slots[provider_id], column] = True
            else:
                is_absent[column] = True
    return shape.to_markets(is_mandatory), shape.to_markets(is_absent)


def _winner_counts(
    states: Sequence[FixtureState], shape: StackShape, is_quoting: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if all(provider.winner_counts is None for state in states for provider in state.providers):
        return shape.winner_counts, np.ones(shape.market_count, dtype=bool)
    by_provider = _slots(states, len(is_quoting), _winners_of)
    return agree_on_winners(by_provider, shape.winner_counts, is_quoting)


def _own_columns(states: Sequence[FixtureState], shape: StackShape) -> OwnColumns | None:
    if all(state.own_markets is None for state in states):
        return None
    is_own = np.concatenate([own_markets_of(state) for state in states])
    mains = [_main_market(state) for state in states]
    return OwnColumns(
        is_own, np.where(is_own, shape.to_markets(shape.market_offsets[:-1] + mains), np.arange(shape.market_count))
    )


def _main_market(state: FixtureState) -> int:
    pricer = pricer_of(state)
    return 0 if pricer is None else state.layout.index_by_market_id.get(pricer.main_market_id, 0)


def _slots(
    states: Sequence[FixtureState],
    slot_count: int,
    column_of: Callable[[FixtureState, int], NDArray[Any]],
) -> NDArray[Any]:
    rows = [[column_of(state, slot) for state in states] for slot in range(slot_count)]
    return np.array([row[0] if len(row) == 1 else np.concatenate(row) for row in rows])


def _odds_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].decimal_odds_milli if slot < len(providers) else zeros(state.layout.outcome_count, "<u4")


def _statuses_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].market_statuses if slot < len(providers) else zeros(state.layout.market_count, "u1")


def _winners_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return winners_of_provider(providers[slot] if slot < len(providers) else None, state.layout)


def _bet_stops_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].bet_stops if slot < len(providers) else zeros(state.layout.market_count, "u1")
