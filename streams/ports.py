"""What agents need from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


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
            Unavailable: If the store does not answer in time.
        """
        ...

    async def load(self, partitions: Collection[int]) -> StoredBooks:
        """Return all that is held of some partitions.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def mark_whole(self, until_ms_by_partition: Mapping[int, int]) -> None:
        """Note until when everything published is in the copy; with all partitions noted the copy is complete.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def missing(self, partitions: Collection[int]) -> set[int]:
        """Return those partitions that were never whole, or lost their data.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def forget(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Drop fixtures of which nothing more is expected.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...


class OpenBets(Protocol):
    """Which fixtures anybody has open bets on."""

    async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
        """Return those of some fixtures that have open bets.

        Raises:
            Unavailable: If it is not known of all of them, or not in time.
        """
        ...


class PricedFixtures(Protocol):
    """Which fixtures pricing holds."""

    async def without_book(self, fixture_ids: Collection[str]) -> set[str]:
        """Return those of some fixtures that pricing never had, or has forgotten.

        Raises:
            Unavailable: If it is not known of all of them, or not in time.
        """
        ...


class PublishedBooks(Protocol):
    """Books and explanations in the log."""

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        """Return the newest published since a time, by fixture; since 0 for all there is.

        Raises:
            Unavailable: If the log does not answer in time.
        """
        ...
