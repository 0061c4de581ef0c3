"""Events an agent has taken from the log and not acknowledged yet: bounded, and acknowledged in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from faust.types import TP, EventT

BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class _Slot:
    event: EventT[bytes]
    size_bytes: int
    is_finished: bool = False


class Inbox:
    """Holds events between the log and the work done on them.

    When it is full, `put` waits, the agent stops reading and the log keeps what comes. An event is acknowledged when
    it and every earlier one of its partition are finished: Faust would otherwise commit past one that is not.
    """

    def __init__(self, *, events_max: int, bytes_max: int = BYTES_MAX) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._slots: dict[int, _Slot] = {}
        self._in_order: defaultdict[TP, deque[_Slot]] = defaultdict(deque)
        self._waiting: deque[EventT[bytes]] = deque()
        self._has_space = asyncio.Event()
        self._has_waiting = asyncio.Event()

    def __len__(self) -> int:
        return len(self._slots)

    async def admit(self, event: EventT[bytes]) -> None:
        """Keep an event that the caller works on itself; waits while the inbox is full."""
        while len(self._slots) >= self._events_max or self._bytes >= self._bytes_max:
            self._has_space.clear()
            await self._has_space.wait()
        slot = _Slot(event, len(event.message.value or b""))
        self._bytes += slot.size_bytes
        self._slots[id(event)] = slot
        self._in_order[event.message.tp].append(slot)

    async def put(self, event: EventT[bytes]) -> None:
        """Keep an event for `take`; waits while the inbox is full."""
        await self.admit(event)
        self._waiting.append(event)
        self._has_waiting.set()

    async def take(self, events_max: int, *, timeout_s: float) -> list[EventT[bytes]]:
        """Return what waits, oldest first, at most `events_max`; an empty list if nothing came in time."""
        if not self._waiting:
            self._has_waiting.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._has_waiting.wait()
            except TimeoutError:
                return []
        return [self._waiting.popleft() for _ in range(min(events_max, len(self._waiting)))]

    def finish(self, events: Iterable[EventT[bytes]]) -> None:
        """Acknowledge events, each as soon as those before it are finished too."""
        touched = set()
        for event in events:
            slot = self._slots.pop(id(event), None)
            if slot is not None:
                slot.is_finished = True
                self._bytes -= slot.size_bytes
                touched.add(event.message.tp)
        for partition in touched:
            _acknowledge_finished(self._in_order[partition])
        self._has_space.set()

    def drop(self, partitions: Iterable[TP]) -> None:
        """Forget the events of partitions that another worker has now; it is given them anew."""
        dropped = set(partitions)
        for partition in dropped:
            for slot in self._in_order.pop(partition, ()):
                if self._slots.pop(id(slot.event), None) is not None:
                    self._bytes -= slot.size_bytes
        self._waiting = deque(event for event in self._waiting if event.message.tp not in dropped)
        self._has_space.set()


def _acknowledge_finished(slots: deque[_Slot]) -> None:
    while slots and slots[0].is_finished:
        slots.popleft().event.ack()
