"""The partitions that are this worker's, each once its state is read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from faust.types import TP

from kernel.clock import Clock
from kernel.errors import InvariantBroken, Unavailable
from streams.agent import Places
from streams.ports import BookStore, PublishedBooks
from streams.pricing_eviction import Eviction
from streams.pricing_restore import Restored, restore
from streams.retry import retry_while
from wire.topics import FEED_UPDATES, TRADING_COMMANDS


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What some partitions begin with.

    Attributes:
        restored: Their fixtures, as they were published last.
        ended: Those of them of which nothing more is expected.
        begun_at: From where on each place is read.
    """

    partitions: Collection[int]
    restored: Restored
    ended: Collection[str]
    begun_at: Mapping[TP, int]


class Partitions:
    """Reads back what was assigned, one reading at a time; what was taken away meanwhile is not handed over.

    Attributes:
        held: Partitions whose state is read back.
    """

    def __init__(
        self,
        *,
        store: BookStore,
        published: PublishedBooks,
        eviction: Eviction,
        clock: Clock,
        assigned: Callable[[], Collection[int]],
        consumer: Callable[[], Any],
        on_read_back: Callable[[ReadBack], None],
    ) -> None:
        """Hold nothing yet.

        Args:
            store: The serving copy of books.
            published: Where state is read back from.
            eviction: Says which fixtures have ended.
            clock: Tells the time.
            assigned: Returns the partitions that are this worker's now.
            consumer: Returns what reads the log.
            on_read_back: Called with the state of partitions, before they are held.
        """
        self._store = store
        self._published = published
        self._eviction = eviction
        self._clock = clock
        self._assigned = assigned
        self._consumer = consumer
        self._on_read_back = on_read_back
        self._generation = 0
        self._restoring = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.held: set[int] = set()

    async def begin(self, places: Places) -> None:
        """Read back what is assigned now, without being waited for.

        Raises:
            InvariantBroken: If the partitions of updates and of commands are not the same.
        """
        _expect_same_partitions(places)
        self._generation += 1
        task = asyncio.ensure_future(self.restore_assigned())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def interrupt(self) -> None:
        """Let nothing be handed over that is being read back."""
        self._generation += 1

    def drop(self, partitions: Collection[int]) -> None:
        """Leave partitions to another worker."""
        self.held.difference_update(partitions)

    async def restore_assigned(self) -> None:
        """Return when the state of all that is assigned is read back."""
        async with self._restoring:
            while missing := set(self._assigned()) - self.held:
                generation = self._generation
                read_back = await self._read_back(missing)
                if generation == self._generation:
                    self._on_read_back(read_back)
                    self.held.update(missing)

    async def _read_back(self, missing: Collection[int]) -> ReadBack:
        restored = await restore(missing, store=self._store, published=self._published, now_us=self._clock.now_us())
        ended = await self._eviction.find_ended(restored.states.values())
        places = [TP(topic, partition) for topic in (FEED_UPDATES.name, TRADING_COMMANDS.name) for partition in missing]
        begun_at = await retry_while(Unavailable, partial(self._consumer().begun_at, places), step="find the backlog")
        return ReadBack(missing, restored, ended, begun_at)


def _expect_same_partitions(places: Places) -> None:
    updates, commands = (
        {place.partition for place in places if place.topic == topic.name} for topic in (FEED_UPDATES, TRADING_COMMANDS)
    )
    if updates != commands:
        raise InvariantBroken(
            f"A worker must have the same partitions of {FEED_UPDATES.name} and {TRADING_COMMANDS.name}, "
            f"had {updates}, {commands}"
        )
