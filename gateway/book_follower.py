"""Fill the book cache: a snapshot of the serving copy first, then whatever the log brings."""

from __future__ import annotations

import structlog

from gateway.books import BookCache, CachedBook
from gateway.figures import DeskFigures
from gateway.ports import BookSnapshotIncomplete, BookSnapshots, Log
from kernel.clock import Clock

log = structlog.get_logger(__name__)


class BookFollower:
    """Keeps a cache up to date. The place in the log is fixed before the snapshot is read, so nothing falls between."""

    def __init__(
        self, *, cache: BookCache, books_log: Log, snapshots: BookSnapshots, figures: DeskFigures, clock: Clock
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
        await self._log.wait_until_placed()
        await self._load_snapshot()
        async for records in self._log.batches():
            books = self._cache.apply(records)
            if self._log.is_caught_up:
                self._cache.mark_complete()
                self._note(books)

    async def _load_snapshot(self) -> None:
        try:
            books = await self._snapshots.read_books()
        except BookSnapshotIncomplete as error:
            log.warning("books.read_from_beginning", error=error.message)
            await self._log.seek("beginning")
        else:
            self._cache.load(books)
            log.info("books.snapshot_loaded", books=len(books))
        self._is_snapshot_done = True

    def _note(self, books: list[CachedBook]) -> None:
        now_us = self._clock.now_us()
        for book in books:
            self._figures.note_book(book.price_count, (now_us - book.message.feed_time_us) / 1_000)
