"""The fixtures a pricing worker holds, and which of them a provider or a clock concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from odds.fixture_state import FixtureState, new_state


class Fixtures:
    """States by fixture, with the partition each belongs to."""

    def __init__(self) -> None:
        self._states: dict[str, FixtureState] = {}
        self._partitions: dict[str, int] = {}
        self._by_provider: defaultdict[str, set[str]] = defaultdict(set)
        self._running: set[str] = set()

    def __len__(self) -> int:
        return len(self._states)

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
        if before is None or len(before.providers) != len(state.providers):
            for provider in state.providers:
                self._by_provider[provider.provider_id].add(fixture_id)
        self._states[fixture_id] = state
        self._partitions[fixture_id] = partition
        if state.is_clock_running:
            self._running.add(fixture_id)
        else:
            self._running.discard(fixture_id)

    def of_provider(self, provider_id: str) -> frozenset[str]:
        """Return the fixtures a provider said anything about."""
        return frozenset(self._by_provider.get(provider_id, ()))

    def running(self) -> list[FixtureState]:
        """Return the fixtures whose match clock must move."""
        return [self._states[fixture_id] for fixture_id in self._running]

    def drop(self, fixture_ids: Iterable[str]) -> None:
        """Forget some fixtures."""
        for fixture_id in fixture_ids:
            state = self._states.pop(fixture_id, None)
            self._partitions.pop(fixture_id, None)
            self._running.discard(fixture_id)
            for provider in state.providers if state is not None else ():
                self._by_provider[provider.provider_id].discard(fixture_id)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the fixtures of partitions that another worker has now."""
        self.drop([fixture_id for fixture_id, partition in self._partitions.items() if partition in partitions])

    def expired(self, *, now_us: int, retention_us: int) -> dict[str, int]:
        """Return the partitions of fixtures that are over and were quiet for the retention time, by fixture."""
        return {
            fixture_id: self._partitions[fixture_id]
            for fixture_id, state in self._states.items()
            if is_expired(state, now_us=now_us, retention_us=retention_us)
        }


def is_expired(state: FixtureState, *, now_us: int, retention_us: int) -> bool:
    """Return whether a fixture is over and has been quiet for the retention time."""
    return now_us - state.feed_time_us > retention_us and (state.is_over or state.is_play_over)
