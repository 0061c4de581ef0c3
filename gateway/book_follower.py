"""Fill the book cache: a snapshot of the serving copy first, then whatever the log brings."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.books import BookCache, CachedBook
from gateway.figures import DeskFigures
from gateway.ports import BookSnapshots
from kernel.clock import Clock
from kernel.errors import Unavailable
from kernel.log import LogStart, PlacedLog
from wire.topics import BOOKS

log = structlog.get_logger(__name__)

# Clocks of machines differ a little; what is read twice changes nothing.
OVERLAP_MS: Final = 5_000


class BookFollower:
    """Keeps a cache up to date: the log is read from where the snapshot is whole, so nothing falls between."""

    def __init__(
        self, *, cache: BookCache, books_log: PlacedLog, snapshots: BookSnapshots, figures: DeskFigures, clock: Clock
    ) -> None:
        self._cache = cache
        self._log = books_log
        self._snapshots = snapshots
        self._figures = figures
        self._clock = clock
        self._is_snapshot_done = False

    @property
    def is_loaded(self) -> bool:
        """Whether the cache holds every book there was when following began."""
        return self._is_snapshot_done and self._log.is_caught_up

    async def run(self) -> None:
        """Follow until the log is closed."""
        await self._log.seek(await self._load_snapshot())
        self._cache.begin_at(self._log.begun_at(BOOKS.name))
        self._is_snapshot_done = True
        async for records in self._log.batches():
            books = self._cache.apply(records)
            if self._log.is_caught_up:
                self._cache.mark_complete()
                self._note(books)

    async def _load_snapshot(self) -> LogStart:
        try:
            snapshot = await self._snapshots.read_books()
        except Unavailable as error:
            log.warning("books.read_from_beginning", error=error.message)
            return "beginning"
        self._cache.load(snapshot.values)
        log.info("books.snapshot_loaded", books=len(snapshot.values), whole_until_ms=snapshot.whole_until_ms)
        return max(0, snapshot.whole_until_ms - OVERLAP_MS)

    def _note(self, books: list[CachedBook]) -> None:
        now_us = self._clock.now_us()
        for book in books:
            latency_ms = (now_us - book.message.feed_time_us) / 1_000 if book.is_by_feed else None
            self._figures.note_book(book.moved_count, latency_ms)
