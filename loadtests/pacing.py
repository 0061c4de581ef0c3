"""When things are due: arrivals that do not wait for answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Evenly spaced arrivals from a start on the wall clock.

    Arrival k is due at `start_us + k * 1e6 / rate`, whether or not the ones before it have been answered; a latency is
    counted from that moment and so holds the delay of a generator that could not keep up.
    """

    start_us: int
    rate: float
    count: int

    def due_us(self, index: int) -> int:
        """Return when an arrival is due, microseconds since the Unix epoch."""
        return self.start_us + int(index * 1_000_000 / self.rate)

    async def arrivals(self) -> AsyncIterator[int]:
        """Yield each index when it is due, late ones at once."""
        for index in range(self.count):
            ahead_s = (self.due_us(index) - now_us()) / 1e6
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            yield index


def now_us() -> int:
    """Return microseconds since the Unix epoch."""
    return time.time_ns() // 1_000
