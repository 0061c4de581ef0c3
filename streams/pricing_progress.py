"""Until when all news of a partition is in its books: what a heartbeat may say of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from faust.exceptions import ConsumerNotStarted
from faust.types import TP, EventT

from kernel.clock import Clock
from wire.topics import FEED_UPDATES, TRADING_COMMANDS


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last record taken in of a partition of a topic."""

    offset: int
    appended_time_us: int


class Progress:
    """How far each partition was taken in, and which of its fixtures were not priced here yet.

    Args:
        clock: Tells the time.
        consumer: Returns what reads the log.
        oldest_us: Return since when the oldest news of a partition waits, or is on its way; None for none.
    """

    def __init__(
        self, clock: Clock, *, consumer: Callable[[], Any], oldest_us: tuple[Callable[[int], int | None], ...]
    ) -> None:
        self._clock = clock
        self._consumer = consumer
        self._oldest_us = oldest_us
        self._begun_at: dict[TP, int] = {}
        self._taken: dict[TP, _Taken] = {}
        self._unvouched: dict[int, set[str]] = {}

    def begin_at(self, places: Mapping[TP, int]) -> None:
        """Note from where on places are read."""
        self._begun_at |= places

    def note_taken(self, event: EventT[bytes]) -> None:
        """Note a record that was taken in."""
        message = event.message
        self._taken[message.tp] = _Taken(message.offset, int(message.timestamp * 1_000_000))

    def expect(self, partitions: Iterable[int], partition_by_fixture: Mapping[str, int]) -> None:
        """Say nothing of partitions before each of these fixtures was priced here once."""
        self._unvouched |= {partition: set() for partition in partitions}
        for fixture_id, partition in partition_by_fixture.items():
            self._unvouched[partition].add(fixture_id)

    def vouch(self, fixture_id: str, partition: int) -> None:
        """Note that the log has a book of a fixture that was made here."""
        self._unvouched.get(partition, set()).discard(fixture_id)

    def forget(self, fixture_ids: Collection[str]) -> None:
        """Expect nothing of fixtures that have ended."""
        for unvouched in self._unvouched.values():
            unvouched.difference_update(fixture_ids)

    def drop(self, places: Collection[TP]) -> None:
        """Leave places to another worker."""
        for place in places:
            self._unvouched.pop(place.partition, None)
            self._taken.pop(place, None)
            self._begun_at.pop(place, None)

    def until_us(self, partition: int) -> int | None:
        """Return until when all news of a partition is in its books, None before every fixture was priced here once.

        Not beyond the time for which the log's end is known: whoever was paused wakes up with what it knew before.
        """
        if self._unvouched.get(partition):
            return None
        times = [self._clock.now_us(), *(oldest_us(partition) for oldest_us in self._oldest_us)]
        for topic in (FEED_UPDATES.name, TRADING_COMMANDS.name):
            place = TP(topic, partition)
            known_us = self._consumer().end_known_us(place)
            if known_us is None:
                return None
            times.append(known_us)
            if self._has_backlog(place):
                if place not in self._taken:
                    return None
                times.append(self._taken[place].appended_time_us)
        return min(time_us for time_us in times if time_us is not None)

    def _has_backlog(self, place: TP) -> bool:
        """Return whether the log has, or may have, more of a partition than was taken in."""
        try:
            end = self._consumer().highwater(place)
        except (AssertionError, ConsumerNotStarted):
            return True
        taken = self._taken.get(place)
        following = taken.offset + 1 if taken is not None else self._begun_at.get(place)
        return end is None or following is None or end > following
