"""One desk's stream: a snapshot, then what changed, at most so often as a screen can be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.books import BookCache, BookWatch
from gateway.desk_feed import DeskFeed, DeskWatch
from gateway.figures import DeskFigures
from gateway.ports import Explanations
from gateway.rpc.bounds import count_that_fit
from kernel.clock import Clock
from kernel.errors import DomainError
from overround.odds.v1 import book_pb2
from overround.trading.v1 import trading_service_pb2
from wire.frames import frame_bytes, frame_unsigned

log = structlog.get_logger(__name__)

MESSAGE_INTERVAL_S: Final = 0.05
FIGURES_INTERVAL_S: Final = 0.95
EXPLANATION_INTERVAL_S: Final = 0.1
BOOKS_PER_MESSAGE_MAX: Final = 400

_Response = trading_service_pb2.WatchDeskResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSources:
    """Where a desk's stream takes from."""

    books: BookCache
    feed: DeskFeed
    explanations: Explanations
    figures: DeskFigures
    clock: Clock
    environment: str


class ExplanationWatch:
    """Asks for the explanation of one fixture when its book has changed, without keeping the stream waiting."""

    def __init__(self, *, explanations: Explanations, clock: Clock, fixture_id: str) -> None:
        self._explanations = explanations
        self._clock = clock
        self._fixture_id = fixture_id
        self._version_shown = -1
        self._asked_s = -EXPLANATION_INTERVAL_S
        self._asking: asyncio.Task[bytes] | None = None

    def take(self, book_version: int) -> bytes:
        """Return the explanation as a field of a response if a newer one has come; ask if one is wanted."""
        found = self._take_answer()
        now_s = self._clock.monotonic_s()
        is_wanted = self._version_shown < book_version and now_s - self._asked_s >= EXPLANATION_INTERVAL_S
        if self._asking is None and is_wanted:
            self._asked_s = now_s
            self._asking = asyncio.create_task(self._ask())
        return found

    def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()

    def _take_answer(self) -> bytes:
        if self._asking is None or not self._asking.done():
            return b""
        raw = self._asking.result()
        self._asking = None
        version = book_pb2.PriceExplanation.FromString(raw).version
        if not raw or version <= self._version_shown:
            return b""
        self._version_shown = version
        return frame_bytes(_Response.EXPLANATION_FIELD_NUMBER, raw)

    async def _ask(self) -> bytes:
        try:
            return await self._explanations.read_explanation(self._fixture_id)
        except DomainError as error:
            log.warning("desk.explanation_missing", fixture_id=self._fixture_id, reason=error.reason)
            return b""


class DeskStream:
    """The responses of one WatchDesk call."""

    def __init__(self, sources: DeskSources, *, trader_name: str, fixture_id: str) -> None:
        self._sources = sources
        self._trader_name = trader_name
        self._fixture_id = fixture_id
        self._figures_sent_s = -FIGURES_INTERVAL_S
        self._parts_live: tuple[bool, ...] = ()

    async def responses(self) -> AsyncGenerator[bytes, None]:
        """Yield the snapshot, then changes; at least each second something."""
        with self._watching() as (books, feed, explanation):
            while True:
                body = self._collect(books, feed, explanation)
                if body:
                    body.append(frame_unsigned(_Response.SERVER_TIME_US_FIELD_NUMBER, self._sources.clock.now_us()))
                    yield b"".join(body)
                await asyncio.sleep(MESSAGE_INTERVAL_S)

    @contextmanager
    def _watching(self) -> Iterator[tuple[BookWatch, DeskWatch, ExplanationWatch]]:
        sources = self._sources
        feed = sources.feed.watch()
        explanation = ExplanationWatch(
            explanations=sources.explanations, clock=sources.clock, fixture_id=self._fixture_id
        )
        try:
            books = sources.books.watch(frozenset())
            try:
                yield books, feed, explanation
            finally:
                sources.books.unwatch(books)
        finally:
            explanation.close()
            sources.feed.unwatch(feed)

    def _collect(self, books: BookWatch, feed: DeskWatch, explanation: ExplanationWatch) -> list[bytes]:
        changed, removed = books.take(BOOKS_PER_MESSAGE_MAX)
        cache = self._sources.books
        found = [book for name in changed if (book := cache.find(name)) is not None]
        count = count_that_fit(len(book.frame) for book in found)
        books.give_back([book.fixture_id for book in found[count:]])
        found = found[:count]
        body = [book.frame for book in found]
        body += [
            frame_unsigned(_Response.BOOK_PARTITIONS_FIELD_NUMBER, cache.partition_of(book.fixture_id))
            for book in found
        ]
        body += [frame_bytes(_Response.REMOVED_FIXTURE_IDS_FIELD_NUMBER, name.encode()) for name in removed]
        body += feed.take(beside_bytes=sum(map(len, body)))
        focused = cache.find(self._fixture_id)
        if focused is not None and (frame := explanation.take(focused.version)):
            body.append(frame)
        now_s = self._sources.clock.monotonic_s()
        is_due = now_s - self._figures_sent_s >= FIGURES_INTERVAL_S
        body += self._pricing(is_due=is_due)
        if is_due:
            self._figures_sent_s = now_s
            body.append(frame_bytes(_Response.FIGURES_FIELD_NUMBER, self._encode_figures()))
        return body

    def _pricing(self, *, is_due: bool) -> list[bytes]:
        """Return how pricing stands, at once where one part fell silent or came back."""
        parts = self._sources.books.pricing_parts()
        parts_live = tuple(part.is_live for part in parts)
        if not is_due and parts_live == self._parts_live:
            return []
        self._parts_live = parts_live
        messages = (
            trading_service_pb2.PricingPart(is_live=part.is_live, heard_time_us=part.heard_time_us) for part in parts
        )
        return [frame_bytes(_Response.PRICING_FIELD_NUMBER, message.SerializeToString()) for message in messages]

    def _encode_figures(self) -> bytes:
        figures = self._sources.figures
        return trading_service_pb2.DeskFigures(
            prices_per_second=figures.prices_per_second,
            bets_per_second=figures.bets_per_second,
            accepted_ratio=figures.accepted_ratio,
            bet_p99_ms=figures.bet_p99_ms,
            price_p99_ms=figures.price_p99_ms,
            environment=self._sources.environment,
            trader_name=self._trader_name,
        ).SerializeToString()
