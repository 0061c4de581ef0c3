"""The newest book of every fixture, kept in memory as it comes from the log, and what changed since one last looked."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Final

import numpy as np
import structlog
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from bets.acceptance import MarketView
from gateway.heartbeats import Heartbeats
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from kernel.log import Record
from markets.fixture import FixtureStatus, MarketStatus
from markets.layout import LayoutMalformed
from odds.fixture.state import OVER_STATUSES
from odds.pricing.start_guard import may_be_on
from overround.odds.v1 import book_pb2
from wire.book_slices import main_market_of
from wire.frames import frame_bytes
from wire.layouts import ODDS, layout_of, unpack
from wire.topics import HEARTBEATS

log = structlog.get_logger(__name__)

OVER_BOOKS_MAX: Final = 2_000
RETRY_S: Final = 5
RESPONSE_BOOKS_FIELD: Final = 1
NOTHING_KNOWN: Final[Mapping[str, int]] = MappingProxyType({})

_STATUSES: Final = frozenset(map(int, FixtureStatus))


class FixtureUnknown(DomainError):
    """There is no book of this fixture."""

    reason = "FIXTURE_UNKNOWN"
    category = Category.UNKNOWN


class TooManyWatchers(DomainError):
    """As many clients watch as one gateway serves."""

    reason = "TOO_MANY_WATCHERS"
    category = Category.BUSY

    def __init__(self, watchers_max: int, watchers: str) -> None:
        super().__init__(
            f"At most {watchers_max} {watchers} may watch one gateway, as many do: try again in {RETRY_S} s",
            figures={"watchers_max": str(watchers_max), "retry_s": str(RETRY_S)},
        )


class CachedBook:
    """One version of a fixture's book: its bytes as they came, and views of it made when first asked for."""

    def __init__(self, raw: bytes) -> None:
        """Read a book; what it changed is known once it has been compared with the one before.

        Raises:
            DecodeError: If the bytes are none.
        """
        self.message: Final = book_pb2.Book.FromString(raw)
        self.raw: Final = raw
        self.fixture_id: Final = self.message.fixture_id
        self.version: Final = self.message.version
        number = self.message.state.status
        self.status: Final = FixtureStatus(number) if number in _STATUSES else FixtureStatus.UNKNOWN
        self.is_in_play: Final = self.status is FixtureStatus.IN_PLAY
        self.is_over: Final = self.status in OVER_STATUSES
        self.moved_count = 0
        self.is_by_feed = False

    def may_be_on(self, now_us: int) -> bool:
        """Return whether the fixture is in play, or may be for all we know."""
        return may_be_on(self.status, start_time_ms=self.message.description.start_time_ms, now_us=now_us)

    def compare(self, before: CachedBook | None) -> None:
        """Note how many prices differ from the book before, and whether something from a feed made this one.

        A book may also be made because somebody fell silent or a trader spoke: its newest feed update is that of the
        book before.
        """
        self.is_by_feed = before is not None and self.message.feed_time_us > before.message.feed_time_us
        # A figure decides nothing about a book: whether its columns line up is found where they are used.
        with suppress(LayoutMalformed):
            self.moved_count = _count_moved(before, self)

    @cached_property
    def frame(self) -> bytes:
        """The book as a field of a response, whole."""
        return frame_bytes(RESPONSE_BOOKS_FIELD, self.raw)

    @cached_property
    def main_market_frame(self) -> bytes:
        """The book as a field of a response, its main market alone."""
        return frame_bytes(RESPONSE_BOOKS_FIELD, main_market_of(self.message).SerializeToString())

    @property
    def fixture_name(self) -> str:
        """Return the fixture as people say it: "Ajax v Feyenoord"."""
        description = self.message.description
        names = [name for name in (description.home_name, description.away_name) if name]
        return " v ".join(names) or description.competition or self.fixture_id

    def find_market(self, market_id: str) -> MarketView | None:
        """Return the market as it stands, None if the book has none of that id."""
        layout = layout_of(self.message)
        index = layout.index_by_market_id.get(market_id)
        if index is None:
            return None
        odds = unpack(self.message.decimal_odds_milli, ODDS, length=layout.outcome_count, name="decimal_odds_milli")
        own = odds[layout.offsets[index] : layout.offsets[index + 1]].tolist()
        status = MarketStatus(self.message.market_statuses[index])
        return MarketView(status, dict(zip(layout.outcome_ids_of(index), own, strict=True)))


def _count_moved(before: CachedBook | None, book: CachedBook) -> int:
    now = _prices_of(book.message)
    if before is None:
        return int(np.count_nonzero(now))
    if before.message.layout_hash == book.message.layout_hash:
        return int(np.count_nonzero(now != _prices_of(before.message)))
    was = dict(_named_prices(before.message))
    return sum(was.get(name, 0) != price for name, price in _named_prices(book.message))


def _prices_of(message: book_pb2.Book) -> NDArray[np.uint32]:
    length = len(message.outcome_ids)
    return unpack(message.decimal_odds_milli, ODDS, length=length, name="decimal_odds_milli")


def _named_prices(message: book_pb2.Book) -> Iterator[tuple[tuple[str, str], int]]:
    layout, prices = layout_of(message), _prices_of(message).tolist()
    for index, market_id in enumerate(layout.market_ids):
        for place, outcome_id in enumerate(layout.outcome_ids_of(index), start=int(layout.offsets[index])):
            yield (market_id, outcome_id), prices[place]


@dataclass(frozen=True, slots=True)
class PricingPart:
    """One part of pricing: whether bets are taken on what it prices, and when it last said that it works."""

    is_live: bool
    heard_time_us: int


@dataclass(frozen=True, slots=True)
class News:
    """Names of fixtures whose book changed, whose play has ended, and whose book is gone; dicts keep their order."""

    changed: dict[str, None] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)


class BookWatch:
    """What one watcher has not been given yet: names of fixtures, so that a slow one is given the newest book."""

    def __init__(self, fixture_ids: frozenset[str], partitions: frozenset[int]) -> None:
        """Watch these fixtures, also after their end; none named means every one that is not over.

        Args:
            fixture_ids: Which.
            partitions: The parts of pricing that price them.
        """
        self._fixture_ids = fixture_ids
        self.partitions: Final = partitions
        self._changed: dict[str, None] = {}
        self._removed: dict[str, None] = {}
        self._woken = asyncio.Event()

    @property
    def has_news(self) -> bool:
        """Return whether something waits to be taken."""
        return bool(self._changed or self._removed)

    def note(self, news: News) -> None:
        """Remember what happened to fixtures that are watched."""
        if self._fixture_ids:
            changed = {name: None for name in (*news.changed, *news.ended) if name in self._fixture_ids}
            removed = {name: None for name in news.gone if name in self._fixture_ids}
        else:
            changed, removed = news.changed, {**news.ended, **news.gone}
        if not changed and not removed:
            return
        for name in removed:
            self._changed.pop(name, None)
        for name in changed:
            self._removed.pop(name, None)
        self._changed.update(changed)
        self._removed.update(removed)
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until there is news, at most so long."""
        if self.has_news:
            return
        self._woken.clear()
        timer = asyncio.get_running_loop().call_later(timeout_s, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()

    def give_back(self, fixture_ids: Sequence[str]) -> None:
        """Let fixtures that were just taken wait again, before all others."""
        self._changed = {**dict.fromkeys(fixture_ids), **self._changed}

    def take(self, books_max: int) -> tuple[list[str], list[str]]:
        """Take fixtures that changed, at most so many, and all that were removed."""
        changed = list(islice(self._changed, books_max))
        for fixture_id in changed:
            del self._changed[fixture_id]
        removed, self._removed = list(self._removed), {}
        return changed, removed


class BookCache:
    """Newest books by fixture, signs of life of pricing by partition, and the watchers of both.

    Everything happens in the event loop's thread. A book older than the one held changes nothing, so the order in
    which snapshot and log are read does not matter.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        partition_of: Callable[[str], int],
        partitions: int,
        heartbeat_age_ms_max: int,
        watchers_max: int,
    ) -> None:
        self._clock = clock
        self._partition_of = partition_of
        self._heartbeats = Heartbeats(clock=clock, partitions=partitions, age_us_max=heartbeat_age_ms_max * 1_000)
        self._partitions = partitions
        self._watchers_max = watchers_max
        self._live: dict[str, CachedBook] = {}
        self._live_ids: list[str] = []  # in order
        self._over: dict[str, CachedBook] = {}
        self._unreadable: set[str] = set()
        self._watches: set[BookWatch] = set()
        self._is_complete = False

    def __len__(self) -> int:
        return len(self._live)

    def find(self, fixture_id: str) -> CachedBook | None:
        """Return the newest book of a fixture, None if there is none."""
        return self._live.get(fixture_id) or self._over.get(fixture_id)

    def get(self, fixture_id: str) -> CachedBook:
        """Return the newest book of a fixture.

        Raises:
            FixtureUnknown: If there is none.
        """
        book = self.find(fixture_id)
        if book is None:
            raise FixtureUnknown(f"Fixture must have a book, {fixture_id[:64]!r} has none")
        return book

    def live_books(self) -> Collection[CachedBook]:
        """Return the books of all fixtures that are not over."""
        return self._live.values()

    def live_books_after(self, fixture_id: str) -> Iterator[CachedBook]:
        """Yield the books of fixtures that are not over whose ids are greater, in their order."""
        for place in range(bisect_right(self._live_ids, fixture_id), len(self._live_ids)):
            yield self._live[self._live_ids[place]]

    def mark_complete(self) -> None:
        """Note that every book there was has been taken in; until then a missing book says nothing."""
        self._is_complete = True

    def is_pricing_live(self, fixture_id: str) -> bool:
        """Return whether pricing has lately said that it works on this fixture's partition."""
        return self._is_complete and self._heartbeats.is_fresh(self._partition_of(fixture_id))

    def is_pricing_live_for(self, watch: BookWatch) -> bool:
        """Return whether pricing has lately said so of everything that is watched."""
        return self._is_complete and all(map(self._heartbeats.is_fresh, watch.partitions))

    def partition_of(self, fixture_id: str) -> int:
        """Return the part of pricing that prices a fixture."""
        return self._partition_of(fixture_id)

    def pricing_parts(self) -> tuple[PricingPart, ...]:
        """Return how each part of pricing stands."""
        return tuple(
            PricingPart(self._is_complete and self._heartbeats.is_fresh(partition), time_us)
            for partition, time_us in enumerate(self._heartbeats.times_us())
        )

    def is_readable(self, fixture_id: str) -> bool:
        """Return whether the newest book of a fixture is the one that is held, and not one that could not be read."""
        return fixture_id not in self._unreadable

    def begin_at(self, offsets: Mapping[int, int]) -> None:
        """Note from where on the books of each partition come from the log."""
        self._heartbeats.begin_at(offsets)

    def load(self, books: Mapping[str, bytes]) -> None:
        """Take in books from a snapshot."""
        self._store(books.items())

    def apply(self, records: Iterable[Record]) -> list[CachedBook]:
        """Take in records of the log, books and heartbeats; return the books that were news."""
        books: list[tuple[str, bytes | None]] = []
        ends: dict[int, int] = {}
        for record in records:
            if record.topic == HEARTBEATS.name:
                self._heartbeats.note(record.value)
            else:
                books.append((record.key, record.value))
                ends[record.partition] = record.offset
        stored = self._store(books)
        for partition, offset in ends.items():
            self._heartbeats.note_book(partition, offset)
        return stored

    def watch(self, fixture_ids: frozenset[str], *, known_versions: Mapping[str, int] = NOTHING_KNOWN) -> BookWatch:
        """Begin to watch; the first to be taken is every book there is that is newer than what is known of it.

        Args:
            fixture_ids: Which; none for every one that is not over.
            known_versions: What the watcher has from before; of what is gone since it is told so.

        Raises:
            TooManyWatchers: If so many watch already.
        """
        if len(self._watches) >= self._watchers_max:
            raise TooManyWatchers(self._watchers_max, "clients")
        every = range(self._partitions)
        watch = BookWatch(fixture_ids, frozenset(map(self._partition_of, fixture_ids) if fixture_ids else every))
        books = filter(None, map(self.find, fixture_ids)) if fixture_ids else self._live.values()
        newer = [book.fixture_id for book in books if book.version > known_versions.get(book.fixture_id, -1)]
        watch.note(News(changed=dict.fromkeys(newer), gone=dict.fromkeys(self._gone_of(known_versions, fixture_ids))))
        self._watches.add(watch)
        return watch

    def _gone_of(self, fixture_ids: Collection[str], wanted: frozenset[str]) -> list[str]:
        """Return those that are gone; while not every book has been taken in, a missing one says nothing."""
        if not self._is_complete:
            return []
        return [name for name in fixture_ids if (self.find(name) is None if wanted else name not in self._live)]

    def unwatch(self, watch: BookWatch) -> None:
        """Stop to watch."""
        self._watches.discard(watch)

    def _store(self, books: Iterable[tuple[str, bytes | None]]) -> list[CachedBook]:
        news = News()
        stored: list[CachedBook] = []
        for fixture_id, raw in books:
            if raw is None:
                self._drop_live(fixture_id)
                self._over.pop(fixture_id, None)
                self._unreadable.discard(fixture_id)
                news.gone[fixture_id] = None
            elif (book := self._replace(fixture_id, raw)) is not None:
                (news.ended if book.is_over else news.changed)[fixture_id] = None
                stored.append(book)
        if stored or news.gone:
            for watch in self._watches:
                watch.note(news)
        return stored

    def _replace(self, fixture_id: str, raw: bytes) -> CachedBook | None:
        """Keep the book if it is newer than the one held; return it if it was kept."""
        try:
            book = CachedBook(raw)
        except (DecodeError, LayoutMalformed) as error:
            log.error("books.unreadable", fixture_id=fixture_id, error=str(error))
            if self.find(fixture_id) is not None:
                self._unreadable.add(fixture_id)
            return None
        held = self.find(fixture_id)
        if held is not None and held.version > book.version:
            return None
        self._unreadable.discard(fixture_id)
        if held is not None and held.version == book.version:
            return None
        book.compare(held)
        if book.is_over:
            self._drop_live(fixture_id)
            self._over[fixture_id] = book
        else:
            self._over.pop(fixture_id, None)
            self._keep_live(book)
        if len(self._over) > OVER_BOOKS_MAX:
            dropped = next(iter(self._over))
            del self._over[dropped]
            self._unreadable.discard(dropped)
        return book

    def _keep_live(self, book: CachedBook) -> None:
        if book.fixture_id not in self._live:
            insort(self._live_ids, book.fixture_id)
        self._live[book.fixture_id] = book

    def _drop_live(self, fixture_id: str) -> None:
        if self._live.pop(fixture_id, None) is not None:
            del self._live_ids[bisect_left(self._live_ids, fixture_id)]
