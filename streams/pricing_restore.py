"""Read back the state that books and explanations were published from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from google.protobuf.message import DecodeError

from kernel.errors import DomainError, Unavailable
from odds.fixture.book import Book, Explanation
from odds.fixture.state import FixtureState, restore_state, unrestored_state
from overround.odds.v1 import book_pb2
from streams.ports import BookStore, EncodedPair, PublishedBooks, StoredBooks
from streams.retry import retry_while
from wire.books import parse_book, parse_explanation

# What was published this long before the copy was last known to be whole is read again: clocks differ.
OVERLAP_MS: Final = 10_000

_Read = TypeVar("_Read")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was read back.

    Attributes:
        states: By fixture; what cannot be read is in there as what nobody may bet on.
        pairs: What they were read from.
        unsaved_fixture_ids: Fixtures that the serving copy may lack or have an older book of.
    """

    states: Mapping[str, FixtureState]
    pairs: Mapping[str, EncodedPair]
    unsaved_fixture_ids: frozenset[str]

    @property
    def partition_by_forgotten(self) -> Mapping[str, int]:
        """Fixtures that the log has forgotten, and the serving copy perhaps not."""
        return {key: pair.partition for key, pair in self.pairs.items() if key not in self.states}


async def restore(partitions: Collection[int], *, store: BookStore, published: PublishedBooks, now_us: int) -> Restored:
    """Return the state of all fixtures of some partitions: from the serving copy and what the log has beyond it.

    A partition that the copy does not hold whole is read from the beginning of the log.
    """
    try:
        stored = await store.load(partitions)
    except Unavailable as error:
        log.warning("pricing.copy_not_read", detail=str(error))
        stored = StoredBooks({}, {})
    since_ms = {partition: max(0, stored.whole_until_ms.get(partition, 0) - OVERLAP_MS) for partition in partitions}
    news = await retry_while(Unavailable, lambda: published.read(since_ms), step="read books back")
    pairs = {**stored.pairs}
    for fixture_id, pair in news.items():
        before = pairs.get(fixture_id, EncodedPair(pair.partition, b"", b""))
        book = before.book if pair.book == b"" else pair.book
        explanation = before.explanation if pair.explanation == b"" else pair.explanation
        pairs[fixture_id] = EncodedPair(pair.partition, book, explanation)
    states = {
        fixture_id: _parse(fixture_id, pair, now_us)
        for fixture_id, pair in pairs.items()
        if pair.book or pair.explanation
    }
    log.info("pricing.restored", partitions=sorted(partitions), fixtures=len(states), from_log=len(news))
    return Restored(states, pairs, frozenset(news))


def _parse(fixture_id: str, pair: EncodedPair, now_us: int) -> FixtureState:
    explanation = _read(_read_explanation, pair.explanation, fixture_id)
    book = _read(_read_book, pair.book, fixture_id)
    if book is None and pair.book:
        return unrestored_state(fixture_id, explanation, now_us)
    return restore_state(fixture_id, book, explanation)


def _read_book(raw: bytes) -> Book:
    return parse_book(book_pb2.Book.FromString(raw))


def _read_explanation(raw: bytes) -> Explanation:
    return parse_explanation(book_pb2.PriceExplanation.FromString(raw))


def _read(parse: Callable[[bytes], _Read], raw: bytes | None, fixture_id: str) -> _Read | None:
    if not raw:
        return None
    try:
        return parse(raw)
    except (DecodeError, DomainError, ValueError) as error:
        log.error("pricing.state_unreadable", fixture_id=fixture_id, detail=str(error))
        return None
