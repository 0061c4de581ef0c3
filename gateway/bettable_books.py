"""Books as bets see them: pricing's word, and what our own clock and ear say against it.

Pricing suspends what has no provider, and what should have begun. Should it be late, or come back to books of another
day, no bet is taken all the same: each gateway hears the providers itself and looks at its own clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog
from google.protobuf.message import DecodeError

from bets.acceptance import MarketView
from gateway.books import BookCache, CachedBook
from kernel.clock import Clock
from kernel.log import Record
from markets.fixture import MarketStatus
from odds.folding.providers import ProviderBoard, received_sign
from odds.pricing.start_guard import StartGuard
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from wire.feed import parse_sign
from wire.topics import FEED_PROVIDERS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BettableBook:
    """A book at the moment of a bet.

    Attributes:
        is_in_play: Whether it is played, or may be for all we know.
        is_withheld: Whether no market of it takes bets, whatever the book says.
    """

    book: CachedBook
    is_in_play: bool
    is_withheld: bool

    @property
    def message(self) -> book_pb2.Book:
        """Return the book as it came."""
        return self.book.message

    @property
    def fixture_id(self) -> str:
        """Return the fixture it prices."""
        return self.book.fixture_id

    @property
    def fixture_name(self) -> str:
        """Return the fixture as people say it: "Ajax v Feyenoord"."""
        return self.book.fixture_name

    @property
    def version(self) -> int:
        """Return the version of the book."""
        return self.book.version

    def find_market(self, market_id: str) -> MarketView | None:
        """Return the market as it stands, None if the book has none of that id."""
        market = self.book.find_market(market_id)
        if market is None or not self.is_withheld or market.status != MarketStatus.OPEN:
            return market
        return replace(market, status=MarketStatus.SUSPENDED)


class BettableBooks:
    """The cache of books, with every provider's sign of life beside it; who was not heard of here is not there."""

    def __init__(self, *, books: BookCache, clock: Clock, start_guard: StartGuard, provider_timeout_us: int) -> None:
        self._books = books
        self._clock = clock
        self._start_guard = start_guard
        self._providers = ProviderBoard(default_timeout_us=provider_timeout_us)

    def apply_providers(self, records: Iterable[Record]) -> None:
        """Take in providers' signs of life; records of other topics are passed over."""
        now_us = self._clock.now_us()
        self._providers.forget_what_is_ahead(now_us=now_us)
        for record in records:
            if record.topic != FEED_PROVIDERS.name or record.value is None:
                continue
            try:
                told = parse_sign(feed_pb2.ProviderHeartbeat.FromString(record.value))
            except DecodeError as error:
                log.error("books.sign_unreadable", provider_id=record.key, error=str(error))
                continue
            sign = received_sign(told, now_us=now_us)
            if sign is not None:
                self._providers.note_sign(sign)
            else:
                log.error("books.sign_from_the_future", provider_id=told.provider_id, time_us=told.received_time_us)

    def is_pricing_live(self, fixture_id: str) -> bool:
        """Return whether pricing has lately said that it works on this fixture."""
        return self._books.is_pricing_live(fixture_id)

    def find(self, fixture_id: str) -> BettableBook | None:
        """Return the newest book of a fixture as it is now, None if there is none."""
        book = self._books.find(fixture_id)
        if book is None:
            return None
        now_us = self._clock.now_us()
        description = book.message.description
        is_overdue = self._start_guard.is_overdue(
            book.status, sport=description.sport, start_time_ms=description.start_time_ms, now_us=now_us
        )
        is_backed = any(self._providers.is_up(name, now_us=now_us) for name in book.message.provider_ids)
        return BettableBook(
            book,
            is_in_play=book.may_be_on(now_us),
            is_withheld=is_overdue or not is_backed or not self._books.is_readable(fixture_id),
        )
