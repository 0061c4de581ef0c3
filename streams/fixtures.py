"""The fixtures a pricing worker holds, and which of them a provider concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from odds.fixture_state import FixtureState, new_state

UNENDED_US_MAX: Final = 7 * 86_400 * 1_000_000
"""A fixture whose end nobody tells is given up so long after its start, or after the last word about it."""
START_AHEAD_US_MAX: Final = 2 * 366 * 86_400 * 1_000_000
"""A start further ahead of the last word is none."""


class Fixtures:
    """States by fixture, with the partition each belongs to."""

    def __init__(self) -> None:
        self._states: dict[str, FixtureState] = {}
        self._partitions: dict[str, int] = {}
        self._by_provider: defaultdict[str, set[str]] = defaultdict(set)

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

    def keep(self, state: FixtureState, partition: int) -> None:
        """Hold a state in place of the one before."""
        fixture_id = state.fixture_id
        before = self._states.get(fixture_id)
        if before is None or _provider_ids(before) != _provider_ids(state):
            for provider in state.providers:
                self._by_provider[provider.provider_id].add(fixture_id)
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
            for provider in state.providers if state is not None else ():
                self._by_provider[provider.provider_id].discard(fixture_id)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the fixtures of partitions that another worker has now."""
        self.drop([fixture_id for fixture_id, partition in self._partitions.items() if partition in partitions])

    def expired(self, *, now_us: int, retention_us: int) -> dict[str, int]:
        """Return the partitions of fixtures of which nothing more is expected, by fixture."""
        return {
            fixture_id: self._partitions[fixture_id]
            for fixture_id, state in self._states.items()
            if is_expired(state, now_us=now_us, retention_us=retention_us)
        }


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
