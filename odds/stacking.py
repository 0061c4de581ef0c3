"""Columns of many fixtures behind each other, so that numpy sees one array and not many.

M markets and O outcomes in all fixtures; P is the largest number of providers any of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odds.book import ProviderColumns
from odds.fixture import MarketStatus
from odds.fixture_state import FixtureState, zeros
from odds.market_types import winner_counts_of
from odds.policy import PricingPolicy


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The fixtures of a batch as arrays.

    Attributes:
        market_offsets: Where each fixture's markets begin, shape (fixtures + 1,).
        fixture_outcome_offsets: The same for outcomes.
        outcome_counts: Shape (M,).
        outcome_offsets: Where each market's outcomes begin, shape (M,).
        winner_counts: How many outcomes win, shape (M,).
        wanted_overrounds: What our implied probabilities are to sum to, shape (M,).
        decimal_odds_milli: Of providers, shape (P, O).
        market_statuses: Of providers, shape (P, M).
        bet_stops: Of providers that are up, shape (P, M).
        is_up: Whether each provider counts as up, shape (P, fixtures); False where a fixture has fewer providers.
        is_mandatory: Providers without whose word a fixture has no price, shape (P, fixtures).
        is_mandatory_absent: Whether such a one never said anything about a fixture, shape (fixtures,).
        weights: What each provider's word weighs before its price is looked at, shape (P, M).
    """

    market_offsets: NDArray[np.int64]
    fixture_outcome_offsets: NDArray[np.int64]
    outcome_counts: NDArray[np.int64]
    outcome_offsets: NDArray[np.int64]
    winner_counts: NDArray[np.float64]
    wanted_overrounds: NDArray[np.float64]
    decimal_odds_milli: NDArray[np.uint32]
    market_statuses: NDArray[np.uint8]
    bet_stops: NDArray[np.bool_]
    is_up: NDArray[np.bool_]
    is_mandatory: NDArray[np.bool_]
    is_mandatory_absent: NDArray[np.bool_]
    weights: NDArray[np.float64]

    @property
    def market_count(self) -> int:
        """Return M."""
        return int(self.market_offsets[-1])

    @property
    def outcome_count(self) -> int:
        """Return O."""
        return int(self.fixture_outcome_offsets[-1])

    def to_markets(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat values of fixtures, on the last axis, for each of their markets."""
        return np.repeat(values, np.diff(self.market_offsets), axis=-1)

    def any_in_markets(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether any outcome of each market has the flag; not in a market without outcomes."""
        running = _running_counts(flags)
        return np.asarray(running[self.outcome_offsets + self.outcome_counts] > running[self.outcome_offsets])

    def any_in_fixtures(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether any market of each fixture has the flag; not in a fixture without markets."""
        running = _running_counts(flags)
        return np.asarray(running[self.market_offsets[1:]] > running[self.market_offsets[:-1]])

    def sum_in_markets(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over the outcomes of each market; 0.0 in a market without outcomes."""
        sums = np.add.reduceat(np.append(values, 0.0), self.outcome_offsets)
        return np.where(self.outcome_counts > 0, sums, 0.0)


def stack_states(states: Sequence[FixtureState], up_providers: frozenset[str], policy: PricingPolicy) -> Stack:
    """Lay the states' columns behind each other and weigh their providers."""
    layouts = [state.layout for state in states]
    slot_count = max(1, *(len(state.providers) for state in states))
    market_offsets = _offsets([layout.market_count for layout in layouts])
    outcome_counts = np.concatenate([layout.outcome_counts for layout in layouts]).astype(np.int64)
    is_up, base_weights = _weigh_providers(states, slot_count, up_providers, policy)
    is_mandatory, is_mandatory_absent = _mandatory_providers(states, slot_count, policy)
    statuses = _slots(states, slot_count, _statuses_of)
    market_counts = np.diff(market_offsets)
    bet_stops = (_slots(states, slot_count, _bet_stops_of) > 0) & np.repeat(is_up, market_counts, axis=1)
    is_quoting = (statuses == MarketStatus.OPEN) & ~bet_stops
    return Stack(
        market_offsets=market_offsets,
        fixture_outcome_offsets=_offsets([layout.outcome_count for layout in layouts]),
        outcome_counts=outcome_counts,
        outcome_offsets=np.cumsum(outcome_counts) - outcome_counts,
        winner_counts=np.concatenate([winner_counts_of(layout) for layout in layouts]),
        wanted_overrounds=np.concatenate(
            [policy.wanted_overrounds(state.layout, state.description, is_in_play=state.is_in_play) for state in states]
        ),
        decimal_odds_milli=_slots(states, slot_count, _odds_of),
        market_statuses=statuses,
        bet_stops=bet_stops,
        is_up=is_up,
        is_mandatory=is_mandatory,
        is_mandatory_absent=is_mandatory_absent,
        weights=np.where(is_quoting, np.repeat(base_weights, market_counts, axis=1), 0.0),
    )


def provider_weight(state: FixtureState, provider: ProviderColumns, newest_us: int, policy: PricingPolicy) -> float:
    """Return what the word of a provider that is up weighs: by sharpness and age, 0.0 for one that is behind."""
    age_us = newest_us - provider.received_time_us
    age_us_max = policy.age_in_play_us_max if state.is_in_play else policy.age_pre_match_us_max
    if provider.is_behind or provider.received_time_us < state.incident_time_us or age_us > age_us_max:
        return 0.0
    sharpness = policy.sharpness_by_provider.get(provider.provider_id, 1.0)
    return sharpness if age_us == 0 else float(sharpness * 0.5 ** (age_us / policy.age_half_life_us))


def _weigh_providers(
    states: Sequence[FixtureState], slot_count: int, up_providers: frozenset[str], policy: PricingPolicy
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    is_up = np.zeros((slot_count, len(states)), dtype=bool)
    weights = np.zeros((slot_count, len(states)))
    for column, state in enumerate(states):
        up = [(slot, item) for slot, item in enumerate(state.providers) if item.provider_id in up_providers]
        newest_us = max((item.received_time_us for _, item in up), default=0)
        for slot, provider in up:
            is_up[slot, column] = True
            weights[slot, column] = provider_weight(state, provider, newest_us, policy)
    return is_up, weights


def _mandatory_providers(
    states: Sequence[FixtureState], slot_count: int, policy: PricingPolicy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    is_mandatory = np.zeros((slot_count, len(states)), dtype=bool)
    is_absent = np.zeros(len(states), dtype=bool)
    if not policy.mandatory_providers:
        return is_mandatory, is_absent
    for column, state in enumerate(states):
        sport = state.description.sport if state.description is not None else ""
        for provider_id in policy.mandatory_providers.get(sport, ()):
            slot = next((slot for slot, item in enumerate(state.providers) if item.provider_id == provider_id), None)
            if slot is None:
                is_absent[column] = True
            else:
                is_mandatory[slot, column] = True
    return is_mandatory, is_absent


def _slots(
    states: Sequence[FixtureState],
    slot_count: int,
    column_of: Callable[[FixtureState, int], NDArray[Any]],
) -> NDArray[Any]:
    return np.stack([np.concatenate([column_of(state, slot) for state in states]) for slot in range(slot_count)])


def _odds_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].decimal_odds_milli if slot < len(providers) else zeros(state.layout.outcome_count, "<u4")


def _statuses_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].market_statuses if slot < len(providers) else zeros(state.layout.market_count, "u1")


def _bet_stops_of(state: FixtureState, slot: int) -> NDArray[Any]:
    providers = state.providers
    return providers[slot].bet_stops if slot < len(providers) else zeros(state.layout.market_count, "u1")


def _running_counts(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    running = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=running[1:])
    return running


def _offsets(counts: list[int]) -> NDArray[np.int64]:
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
