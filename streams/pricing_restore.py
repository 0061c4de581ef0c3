"""Read back the state that books and explanations were published from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from google.protobuf.message import DecodeError

from kernel.errors import DomainError
from odds.fixture_state import FixtureState, restore_state
from overround.odds.v1 import book_pb2
from streams.ports import BookStore, BooksUnavailable, EncodedPair, PublishedBooks, StoredBooks
from streams.retry import retry_while
from wire.books import parse_book, parse_explanation

# What was published this long before the copy was last known to be whole is read again: clocks differ.
OVERLAP_MS: Final = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was read back.

    Attributes:
        states: By fixture.
        pairs: What they were read from.
        unsaved_fixture_ids: Fixtures that the serving copy may lack or have an older book of.
    """

    states: Mapping[str, FixtureState]
    pairs: Mapping[str, EncodedPair]
    unsaved_fixture_ids: frozenset[str]


async def restore(partitions: Collection[int], *, store: BookStore, published: PublishedBooks) -> Restored:
    """Return the state of all fixtures of some partitions: from the serving copy and what the log has beyond it.

    A partition that the copy does not hold whole is read from the beginning of the log.
    """
    try:
        stored = await store.load(partitions)
    except BooksUnavailable as error:
        log.warning("pricing.copy_not_read", detail=str(error))
        stored = StoredBooks({}, {})
    since_ms = {partition: max(0, stored.whole_until_ms.get(partition, 0) - OVERLAP_MS) for partition in partitions}
    news = await retry_while(BooksUnavailable, lambda: published.read(since_ms), step="read books back")
    pairs = {**stored.pairs}
    for fixture_id, pair in news.items():
        before = pairs.get(fixture_id, EncodedPair(pair.partition, b"", b""))
        pairs[fixture_id] = EncodedPair(
            pair.partition, pair.book or before.book, pair.explanation or before.explanation
        )
    states = {fixture_id: _parse(fixture_id, pair) for fixture_id, pair in pairs.items()}
    log.info("pricing.restored", partitions=sorted(partitions), fixtures=len(states), from_log=len(news))
    return Restored(
        {fixture_id: state for fixture_id, state in states.items() if state is not None}, pairs, frozenset(news)
    )


def _parse(fixture_id: str, pair: EncodedPair) -> FixtureState | None:
    try:
        book = parse_book(book_pb2.Book.FromString(pair.book)) if pair.book else None
        message = book_pb2.PriceExplanation.FromString(pair.explanation) if pair.explanation else None
        return restore_state(fixture_id, book, parse_explanation(message) if message is not None else None)
    except (DecodeError, DomainError, ValueError) as error:
        log.error("pricing.state_unreadable", fixture_id=fixture_id, detail=str(error))
        return None
