"""The fixtures a pricing worker holds, and which of them a provider concerns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from odds.fixture.state import FixtureState, new_state

UNENDED_US_MAX: Final = 7 * 86_400 * 1_000_000
"""A fixture whose end nobody tells is given up so long after its start, or after the last word about it."""
START_AHEAD_US_MAX: Final = 2 * 366 * 86_400 * 1_000_000
"""A start further ahead of the last word is none."""


class Fixtures:
    """States by fixture, with the partition each belongs to."""

    def __init__(self) -> None:
        self._states: dict[str, FixtureState] = {}
        self._partitions: dict[str, int] = {}
        self._by_provider: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, fixture_id: str) -> bool:
        return fixture_id in self._states

    def state_of(self, fixture_id: str) -> FixtureState:
        """Return what is known of a fixture, which may be nothing."""
        return self._states.get(fixture_id) or new_state(fixture_id)

    def partition_of(self, fixture_id: str) -> int:
        """Return the partition of a fixture that is held."""
        return self._partitions[fixture_id]

    def states(self) -> Collection[FixtureState]:
        """Return the states of all fixtures that are held now."""
        return tuple(self._states.values())

    def keep(self, state: FixtureState, partition: int) -> None:
        """Hold a state in place of the one before."""
        fixture_id = state.fixture_id
        before = self._states.get(fixture_id)
        if before is None or _provider_ids(before) != _provider_ids(state):
            self._forget_providers_of(before)
            for provider in state.providers:
                self._by_provider.setdefault(provider.provider_id, set()).add(fixture_id)
        self._states[fixture_id] = state
        self._partitions[fixture_id] = partition

    def of_provider(self, provider_id: str) -> frozenset[str]:
        """Return the fixtures a provider said anything about."""
        return frozenset(self._by_provider.get(provider_id, ()))

    def drop(self, fixture_ids: Iterable[str]) -> None:
        """Forget some fixtures."""
        for fixture_id in fixture_ids:
            state = self._states.pop(fixture_id, None)
            self._partitions.pop(fixture_id, None)
            self._forget_providers_of(state)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the fixtures of partitions that another worker has now."""
        self.drop([fixture_id for fixture_id, partition in self._partitions.items() if partition in partitions])

    def expired(self, fixture_ids: Iterable[str], *, now_us: int, retention_us: int) -> dict[str, int]:
        """Return the partitions of those of some fixtures of which nothing more is expected, by fixture."""
        return {
            fixture_id: self._partitions[fixture_id]
            for fixture_id in fixture_ids
            if (state := self._states.get(fixture_id)) is not None
            and is_expired(state, now_us=now_us, retention_us=retention_us)
        }

    def _forget_providers_of(self, state: FixtureState | None) -> None:
        if state is None:
            return
        for provider in state.providers:
            told = self._by_provider[provider.provider_id]
            told.discard(state.fixture_id)
            if not told:
                del self._by_provider[provider.provider_id]


def is_expired(state: FixtureState, *, now_us: int, retention_us: int) -> bool:
    """Return whether a fixture has been quiet for the retention time, and is over or long past its start."""
    heard_us = max(state.feed_time_us, *(item.suspended_time_us for item in state.trader_suspensions), 0)
    if now_us - heard_us <= retention_us:
        return False
    if state.is_over or state.is_play_over:
        return True
    start_us = state.description.start_time_ms * 1_000 if state.description is not None else 0
    return now_us - max(heard_us, min(start_us, heard_us + START_AHEAD_US_MAX)) > UNENDED_US_MAX


def _provider_ids(state: FixtureState) -> list[str]:
    return [provider.provider_id for provider in state.providers]
