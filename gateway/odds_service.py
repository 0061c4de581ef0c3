"""Books for bettors: a stream that forwards the log's own bytes, and a look at what is there now.

Writing to a stream costs far more than what is written, so one response carries every book that waits, and a stream
that has just been written to waits MESSAGE_INTERVAL_S for more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import ClassVar, Final

from gateway.bet_builders import BetBuilders
from gateway.books import BookCache, BookWatch, CachedBook
from gateway.rpc.bounds import count_that_fit, expect_answer_bounded
from gateway.rpc.call import Call
from gateway.rpc.methods import ODDS
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from odds.models.builder_legs import BuilderLeg
from overround.odds.v1 import odds_service_pb2
from wire.frames import frame_bytes, frame_unsigned

FIXTURES_MAX: Final = 500
KNOWN_VERSIONS_MAX: Final = 2_000
PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200
BOOKS_PER_MESSAGE_MAX: Final = 400
MESSAGE_INTERVAL_S: Final = 0.003
SILENCE_S_MAX: Final = 0.9

_REMOVED_FIELD: Final = odds_service_pb2.WatchBooksResponse.REMOVED_FIXTURE_IDS_FIELD_NUMBER
_SERVER_TIME_FIELD: Final = odds_service_pb2.WatchBooksResponse.SERVER_TIME_US_FIELD_NUMBER
_IN_PLAY_DELAY_FIELD: Final = odds_service_pb2.WatchBooksResponse.IN_PLAY_DELAY_MS_FIELD_NUMBER
_IS_PRICING_LIVE_FIELD: Final = odds_service_pb2.WatchBooksResponse.IS_PRICING_LIVE_FIELD_NUMBER


class TooManyFixtures(DomainError):
    """More fixtures were asked for by name than one request may."""

    reason = "TOO_MANY_FIXTURES"
    category = Category.MALFORMED


class OddsService:
    """Serves the book cache, whose books are encoded already."""

    SERVICE: ClassVar = ODDS

    def __init__(self, *, books: BookCache, builders: BetBuilders, clock: Clock, in_play_delay_ms: int) -> None:
        self._books = books
        self._builders = builders
        self._clock = clock
        self._in_play_delay_frame = frame_unsigned(_IN_PLAY_DELAY_FIELD, in_play_delay_ms)

    async def get_books(self, request: odds_service_pb2.GetBooksRequest, _call: Call) -> bytes:
        """Return the current books once."""
        expect_fixtures_bounded(request.fixture_ids)
        found = [self._books.find(fixture_id) for fixture_id in dict.fromkeys(request.fixture_ids)]
        books = [book for book in found if book is not None] if request.fixture_ids else self._books.live_books()
        frames, size_bytes = [], 0
        for book in books:
            size_bytes += len(book.frame)
            frames.append(book.frame)
            expect_answer_bounded(size_bytes, instead="name fewer fixtures, or let WatchBooks send them")
        return b"".join(frames)

    async def list_fixtures(
        self, request: odds_service_pb2.ListFixturesRequest, _call: Call
    ) -> odds_service_pb2.ListFixturesResponse:
        """Return a page of the fixtures that are not over; a token is the last id of the page before."""
        size = min(request.page.size or PAGE_SIZE, PAGE_SIZE_MAX)
        wanted = (
            book
            for book in self._books.live_books_after(request.page.token)
            if request.sport in ("", book.message.description.sport)
        )
        found = list(islice(wanted, size + 1))
        return odds_service_pb2.ListFixturesResponse(
            fixtures=map(_build_listed, found[:size]),
            next_token=found[size - 1].fixture_id if len(found) > size else "",
        )

    async def price_bet_builder(
        self, request: odds_service_pb2.PriceBetBuilderRequest, _call: Call
    ) -> odds_service_pb2.PriceBetBuilderResponse:
        """Return what legs of one fixture are quoted at together."""
        legs = [BuilderLeg(leg.market_id, leg.outcome_id) for leg in request.legs]
        version, quoted = await self._builders.quote(request.fixture_id, legs)
        return odds_service_pb2.PriceBetBuilderResponse(
            book_version=version,
            decimal_odds_milli=quoted.decimal_odds_milli,
            redundant_legs=map(_build_leg, quoted.redundant),
            further_legs=map(_build_leg, quoted.further),
        )

    async def watch_books(self, request: odds_service_pb2.WatchBooksRequest, _call: Call) -> AsyncIterator[bytes]:
        """Stream the current books, then each change; at least every second a message comes."""
        expect_fixtures_bounded(request.fixture_ids)
        if len(request.known_versions) > KNOWN_VERSIONS_MAX:
            told = len(request.known_versions)
            raise TooManyFixtures(f"At most {KNOWN_VERSIONS_MAX} versions may be said to be known, were {told}")
        with self._watching(request) as watch:
            while True:
                yield self._build(watch, main_market_only=request.main_market_only)
                await asyncio.sleep(MESSAGE_INTERVAL_S)
                await watch.wait(SILENCE_S_MAX)

    @contextmanager
    def _watching(self, request: odds_service_pb2.WatchBooksRequest) -> Iterator[BookWatch]:
        watch = self._books.watch(frozenset(request.fixture_ids), known_versions=request.known_versions)
        try:
            yield watch
        finally:
            self._books.unwatch(watch)

    def _build(self, watch: BookWatch, *, main_market_only: bool) -> bytes:
        changed, removed = watch.take(BOOKS_PER_MESSAGE_MAX)
        frames = [
            (name, _frame(book, main_market_only)) for name in changed if (book := self._books.find(name)) is not None
        ]
        count = count_that_fit(len(frame) for _, frame in frames)
        watch.give_back([name for name, _ in frames[count:]])
        parts = [frame for _, frame in frames[:count]]
        parts += [frame_bytes(_REMOVED_FIELD, fixture_id.encode()) for fixture_id in removed]
        parts.append(frame_unsigned(_SERVER_TIME_FIELD, self._clock.now_us()))
        parts.append(frame_unsigned(_IS_PRICING_LIVE_FIELD, self._books.is_pricing_live_for(watch)))
        parts.append(self._in_play_delay_frame)
        return b"".join(parts)


def _build_leg(leg: BuilderLeg) -> odds_service_pb2.BetBuilderLeg:
    return odds_service_pb2.BetBuilderLeg(market_id=leg.market_id, outcome_id=leg.outcome_id)


def expect_fixtures_bounded(fixture_ids: Collection[str]) -> None:
    """Check how many fixtures a request names.

    Raises:
        TooManyFixtures: If they are too many.
    """
    if len(fixture_ids) > FIXTURES_MAX:
        raise TooManyFixtures(f"At most {FIXTURES_MAX} fixtures may be named, were {len(fixture_ids)}")


def _frame(book: CachedBook, main_market_only: bool) -> bytes:
    return book.main_market_frame if main_market_only else book.frame


def _build_listed(book: CachedBook) -> odds_service_pb2.ListedFixture:
    listed = odds_service_pb2.ListedFixture(
        fixture_id=book.fixture_id,
        description=book.message.description,
        status=book.message.state.status,
        book_version=book.version,
    )
    del listed.description.participants[:]
    return listed
