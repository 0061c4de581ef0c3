"""Keep the serving copy of books in step with what was published, also over its outages.

The newest of every fixture is held in memory, so that a copy that lost its data is filled anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog
from prometheus_client import Gauge

from kernel.clock import Clock
from kernel.errors import Unavailable
from streams.ports import BookStore, EncodedFixture

WRITES_AT_ONCE_MAX: Final = 256
CHECK_INTERVAL_S: Final = 1.0
RETRY_S: Final = 0.25
REST_S: Final = 0.1
"""Between two writes, so that one carries what several batches published."""

WAITING = Gauge("overround_pricing_copy_waiting", "Fixtures whose newest book is not in the serving copy yet.")

log = structlog.get_logger(__name__)


class BookKeeper:
    """Writes each fixture's newest book, never more than one behind in line.

    Args:
        store: The serving copy.
        clock: Tells until when the copy is whole.
        publishing_since_us: Returns since when something has been on its way into the log, now if nothing is.
    """

    def __init__(self, store: BookStore, clock: Clock, publishing_since_us: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._publishing_since_us = publishing_since_us
        self._newest: dict[str, EncodedFixture] = {}
        self._waiting: dict[str, int] = {}
        self._writing_since_us: int | None = None
        self._forgotten: dict[str, int] = {}
        self._partitions: set[int] = set()
        self._has_waiting = asyncio.Event()
        self._check_due_s = 0.0
        self._is_available = True

    def keep(self, fixture: EncodedFixture) -> None:
        """Hold what was just published and write it soon; one without a book leaves the book as it is."""
        before = self._newest.get(fixture.fixture_id)
        if before is not None:
            if fixture.version < before.version:
                return
            fixture = replace(fixture, book=fixture.book or before.book)
        self._newest[fixture.fixture_id] = fixture
        self._forgotten.pop(fixture.fixture_id, None)
        self._enqueue((fixture.fixture_id,))

    def adopt(self, partitions: Iterable[int], stored: Iterable[EncodedFixture], changed: Collection[str]) -> None:
        """Take over partitions whose fixtures were read back, `changed` of them with what the copy lacks."""
        self._partitions.update(partitions)
        for fixture in stored:
            self._newest[fixture.fixture_id] = fixture
        self._enqueue(changed)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Leave partitions to another worker."""
        self._partitions.difference_update(partitions)
        for fixture_id in [item.fixture_id for item in self._newest.values() if item.partition in partitions]:
            del self._newest[fixture_id]
            self._waiting.pop(fixture_id, None)

    def forget(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Drop fixtures of which nothing more is expected, from the copy too."""
        for fixture_id in partition_by_fixture:
            self._newest.pop(fixture_id, None)
            self._waiting.pop(fixture_id, None)
        self._forgotten.update(partition_by_fixture)

    async def run(self) -> None:
        """Write for ever; while the store is away, what is newest waits."""
        while True:
            try:
                await self._write_waiting()
                await self._check_when_due()
                self._note_available(is_available=True)
                await asyncio.sleep(REST_S)
                await self._wait_for_more()
            except Unavailable as error:
                self._note_available(is_available=False, detail=str(error))
                await asyncio.sleep(RETRY_S)

    async def drain(self, timeout_s: float) -> None:
        """Write what waits, for a worker that stops; what is not written in time is read back from the log."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._write_waiting()
                await self._store.mark_whole(self._whole_until())
        except (Unavailable, TimeoutError) as error:
            log.warning("pricing.copy_not_drained", waiting=len(self._waiting), detail=str(error))

    async def _wait_for_more(self) -> None:
        self._has_waiting.clear()
        if self._waiting:
            return
        try:
            async with asyncio.timeout(CHECK_INTERVAL_S):
                await self._has_waiting.wait()
        except TimeoutError:
            return

    def _enqueue(self, fixture_ids: Iterable[str]) -> None:
        now_us = self._clock.now_us()
        for fixture_id in fixture_ids:
            self._waiting.setdefault(fixture_id, now_us)
        self._has_waiting.set()

    async def _write_waiting(self) -> None:
        while self._waiting:
            taken = {
                fixture_id: self._waiting.pop(fixture_id) for fixture_id in list(self._waiting)[:WRITES_AT_ONCE_MAX]
            }
            self._writing_since_us = min(taken.values())
            try:
                await self._store.put([self._newest[fixture_id] for fixture_id in taken])
            except BaseException:
                self._waiting = {**taken, **{key: value for key, value in self._waiting.items() if key not in taken}}
                raise
            finally:
                self._writing_since_us = None
                WAITING.set(len(self._waiting))

    async def _check_when_due(self) -> None:
        if self._clock.monotonic_s() < self._check_due_s:
            return
        missing = await self._store.missing(self._partitions)
        if missing:
            self._enqueue([item.fixture_id for item in self._newest.values() if item.partition in missing])
            await self._write_waiting()
            log.info("pricing.copy_filled", partitions=sorted(missing))
        await self._store.mark_whole(self._whole_until())
        if self._forgotten:
            await self._store.forget(self._forgotten)
            self._forgotten.clear()
        self._check_due_s = self._clock.monotonic_s() + CHECK_INTERVAL_S

    def _whole_until(self) -> dict[int, int]:
        """Return the time, for each partition, before which all that was published is in the copy."""
        times_us = [self._publishing_since_us(), *self._waiting.values()]
        if self._writing_since_us is not None:
            times_us.append(self._writing_since_us)
        return dict.fromkeys(self._partitions, min(times_us) // 1_000)

    def _note_available(self, *, is_available: bool, detail: str = "") -> None:
        if is_available != self._is_available:
            log.warning("pricing.copy_availability_changed", is_available=is_available, detail=detail)
        self._is_available = is_available
