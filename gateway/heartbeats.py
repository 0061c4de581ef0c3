"""What pricing vouches for, as far as it was read here: the newest word about each partition of the books."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from google.protobuf.message import DecodeError

from kernel.clock import Clock
from odds.folding.providers import AHEAD_US_MAX
from overround.odds.v1 import book_pb2

WAITING_MAX: Final = 16
"""Of a partition's heartbeats that wait for books; older ones than so many are too old anyway."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Partition:
    """Where the books of a partition have been read to, and what is said of them.

    Attributes:
        books_end: Offset behind the last book read.
        vouched_us: Until when the books read so far are right.
        waiting: Times of heartbeats, each with the end of the books it speaks of.
    """

    books_end: int = 0
    vouched_us: int = 0
    waiting: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))

    def settle(self) -> None:
        for heartbeat in list(self.waiting):
            time_us, books_end = heartbeat
            if books_end <= self.books_end:
                self.waiting.remove(heartbeat)
                self.vouched_us = max(self.vouched_us, time_us)


class Heartbeats:
    """Heartbeats and books come by different ways: one counts when the books that it vouches for have been read."""

    def __init__(self, *, clock: Clock, partitions: int, age_us_max: int) -> None:
        self._clock = clock
        self._age_us_max = age_us_max
        self._partitions = {partition: _Partition() for partition in range(partitions)}

    def begin_at(self, offsets: Mapping[int, int]) -> None:
        """Note where the books of each partition are read from; all that is before was taken in otherwise."""
        for partition, offset in offsets.items():
            self.note_book(partition, offset - 1)

    def note_book(self, partition: int, offset: int) -> None:
        """Note that a book was taken in."""
        if partition in self._partitions:
            held = self._partitions[partition]
            held.books_end = max(held.books_end, offset + 1)
            held.settle()

    def note(self, value: bytes | None) -> None:
        """Take in a heartbeat; one from a clock that is ahead of ours is none, and none is younger than its arrival."""
        try:
            heartbeat = book_pb2.PricingHeartbeat.FromString(value or b"")
        except DecodeError as error:
            log.error("books.heartbeat_unreadable", error=str(error))
            return
        now_us = self._clock.now_us()
        if heartbeat.time_us > now_us + AHEAD_US_MAX:
            log.error("books.heartbeat_from_the_future", partition=heartbeat.partition, time_us=heartbeat.time_us)
        elif heartbeat.partition in self._partitions:
            held = self._partitions[heartbeat.partition]
            if held.vouched_us > now_us + AHEAD_US_MAX:
                held.vouched_us = 0  # by a clock that has been put back since
            held.waiting.append((min(heartbeat.time_us, now_us), heartbeat.books_end_offset))
            held.settle()

    def is_fresh(self, partition: int) -> bool:
        """Return whether the books of a partition that were read are known to have been right lately."""
        held = self._partitions.get(partition)
        return held is not None and -AHEAD_US_MAX <= self._clock.now_us() - held.vouched_us <= self._age_us_max

    def times_us(self) -> Sequence[int]:
        """Return until when the books of each partition that were read are right."""
        return [held.vouched_us for held in self._partitions.values()]
