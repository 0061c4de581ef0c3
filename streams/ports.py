"""What agents need from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Outlet(Protocol):
    """The keyed way into the log."""

    def send(
        self, topic: str, key: str, value: bytes | None, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        """Queue a message; the value None ends what its key had.

        `on_delivery` is called from another thread, with None once the log has it.

        Raises:
            OutletFull: If the queue is full.
        """
        ...

    async def send_and_wait(self, topic: str, key: str, value: bytes | None) -> None:
        """Send a message and wait until the log has it.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If it was not confirmed in time.
        """
        ...


class CountedOutlet(Outlet, Protocol):
    """A way into the log that knows how far the log has what was sent."""

    def delivered_until(self, topic: str, partition: int) -> int:
        """Return the offset behind the newest message of a partition that the log has confirmed, 0 before the first."""
        ...


class BooksUnavailable(Exception):
    """The serving copy, the published log of books or the feed's log does not answer in time."""


@dataclass(frozen=True, slots=True)
class EncodedFixture:
    """A fixture's newest book and explanation as published.

    Attributes:
        version: Of the book.
        book: Empty where only the explanation is news.
        is_live: Whether anything is still expected of the fixture.
    """

    fixture_id: str
    partition: int
    version: int
    book: bytes
    explanation: bytes
    is_live: bool


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """A book and its explanation as found: empty where there is none, None where it was taken back."""

    partition: int
    book: bytes | None
    explanation: bytes | None


@dataclass(frozen=True, slots=True)
class StoredBooks:
    """What the serving copy holds of some partitions.

    Attributes:
        pairs: By fixture.
        whole_until_ms: By partition: everything published before is in the copy. A partition that was never whole, or
            has lost its data, is missing.
    """

    pairs: Mapping[str, EncodedPair]
    whole_until_ms: Mapping[int, int]


class BookStore(Protocol):
    """The serving copy of books and explanations. A newer version is never overwritten by an older one."""

    async def put(self, fixtures: Sequence[EncodedFixture]) -> None:
        """Replace some fixtures and tell who listens.

        Raises:
            BooksUnavailable: If the store does not answer in time.
        """
        ...

    async def load(self, partitions: Collection[int]) -> StoredBooks:
        """Return all that is held of some partitions.

        Raises:
            BooksUnavailable: If the store does not answer in time.
        """
        ...

    async def mark_whole(self, until_ms_by_partition: Mapping[int, int]) -> None:
        """Note until when everything published is in the copy; with all partitions noted the copy is complete.

        Raises:
            BooksUnavailable: If the store does not answer in time.
        """
        ...

    async def missing(self, partitions: Collection[int]) -> set[int]:
        """Return those partitions that were never whole, or lost their data.

        Raises:
            BooksUnavailable: If the store does not answer in time.
        """
        ...

    async def forget(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Drop fixtures of which nothing more is expected.

        Raises:
            BooksUnavailable: If the store does not answer in time.
        """
        ...


class PublishedBooks(Protocol):
    """Books and explanations in the log."""

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        """Return the newest published since a time, by fixture; since 0 for all there is.

        Raises:
            BooksUnavailable: If the log does not answer in time.
        """
        ...


class HasValue(Protocol):
    """A record of a log."""

    @property
    def value(self) -> bytes | None:
        """Return what it holds."""
        ...


class ProviderLog(Protocol):
    """The providers' signs of life, read whole by every worker."""

    @property
    def is_caught_up(self) -> bool:
        """Whether all that there was when reading began has been handed over."""
        ...

    def batches(self) -> AsyncIterator[Sequence[HasValue]]:
        """Yield what has come since the last batch."""
        ...
