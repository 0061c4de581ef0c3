"""What waits to be folded in, by fixture: an order that is kept within a fixture, and a queue that can be jumped."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from faust.types import EventT

from odds.fixture.updates import FixtureUpdate, TraderCommand

Input = FixtureUpdate | TraderCommand

QUIET_TURNS: Final = 3
"""Of the event loop: after so many without a record the stream has handed over all that it had."""


@dataclass(slots=True)
class Waiting:
    """What has come for one fixture.

    Attributes:
        appended_time_us: When the oldest of it was appended to the log.
        results: Encoded results to forward once the book that shows them is published.
        is_repeated: Something came that was folded in before; what followed from it may not have gone out.
        judged: Events of inputs of which it has been said what counts, so that it is not said twice.
    """

    partition: int
    appended_time_us: int
    inputs: list[tuple[EventT[bytes], Input]] = field(default_factory=list)
    events: list[EventT[bytes]] = field(default_factory=list)
    results: list[bytes] = field(default_factory=list)
    is_repeated: bool = False
    judged: list[EventT[bytes]] = field(default_factory=list)

    def join(self, later: Waiting) -> None:
        """Take in what came later."""
        self.appended_time_us = min(self.appended_time_us, later.appended_time_us)
        self.inputs += later.inputs
        self.events += later.events
        self.results += later.results
        self.is_repeated |= later.is_repeated
        self.judged += later.judged


class WaitingFixtures:
    """Fixtures to price anew, the urgent ones first."""

    def __init__(self) -> None:
        self._calm: dict[str, Waiting] = {}
        self._urgent: dict[str, Waiting] = {}
        self._has_any = asyncio.Event()
        self._added_count = 0

    def __len__(self) -> int:
        return len(self._calm) + len(self._urgent)

    def add(self, fixture_id: str, waiting: Waiting, *, is_urgent: bool) -> None:
        """Let a fixture wait; what it waits for already comes first, and it stays urgent if it was."""
        if is_urgent and fixture_id in self._calm:
            self._urgent[fixture_id] = self._calm.pop(fixture_id)
        queue = self._urgent if is_urgent or fixture_id in self._urgent else self._calm
        before = queue.get(fixture_id)
        if before is None:
            queue[fixture_id] = waiting
        else:
            before.join(waiting)
        self._added_count += 1
        self._has_any.set()

    def take(self, fixtures_max: int) -> dict[str, Waiting]:
        """Return at most so many fixtures, the urgent ones first, then those that have waited longest."""
        taken = _take(self._urgent, fixtures_max)
        taken |= _take(self._calm, fixtures_max - len(taken))
        if len(self) == 0:
            self._has_any.clear()
        return taken

    async def wait(self) -> None:
        """Wait until there is any."""
        await self._has_any.wait()

    async def settle(self, inputs_max: int) -> None:
        """Let what was fetched together come in, so much of it at most."""
        enough = self._added_count + inputs_max
        before = -1
        while before < self._added_count < enough:
            before = self._added_count
            for _ in range(QUIET_TURNS):
                await asyncio.sleep(0)

    def oldest_us(self, partition: int) -> int | None:
        """Return since when the oldest news of a partition waits, None if none does."""
        times = [item.appended_time_us for item in self._all() if item.partition == partition]
        return min(times, default=None)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget what waits in partitions that another worker has now."""
        for queue in (self._calm, self._urgent):
            for fixture_id in [key for key, item in queue.items() if item.partition in partitions]:
                del queue[fixture_id]

    def _all(self) -> Iterable[Waiting]:
        return [*self._urgent.values(), *self._calm.values()]


def _take(queue: dict[str, Waiting], count_max: int) -> dict[str, Waiting]:
    if len(queue) <= count_max:
        taken = dict(queue)
        queue.clear()
        return taken
    return {fixture_id: queue.pop(fixture_id) for fixture_id in list(queue)[: max(0, count_max)]}
