"""Books as bets see them: what a gateway knows by itself counts against them, never for them."""

from __future__ import annotations

import pytest

from gateway.bettable_books import BettableBooks
from gateway.books import BookCache
from kernel.log import Record
from markets.fixture import MarketStatus
from odds.pricing.start_guard import StartGuard
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from tests.fakes.fake_clock import FakeClock
from tests.unit.gateway.test_gateway_books import NOW_US, build
from wire.topics import BOOKS, FEED_PROVIDERS

UNKNOWN, PRE_MATCH = fixture_pb2.FIXTURE_STATUS_UNSPECIFIED, fixture_pb2.FIXTURE_STATUS_PRE_MATCH
IN_PLAY, ENDED = fixture_pb2.FIXTURE_STATUS_IN_PLAY, fixture_pb2.FIXTURE_STATUS_ENDED
OPEN, SUSPENDED = MarketStatus.OPEN, MarketStatus.SUSPENDED
TIMEOUT_US = 3_000_000


class World:
    def __init__(self) -> None:
        self.clock = FakeClock(NOW_US)
        self.cache = BookCache(
            clock=self.clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=1
        )
        self.books = BettableBooks(
            books=self.cache,
            clock=self.clock,
            start_guard=StartGuard(tolerance_us_by_sport={"tennis": 5_000_000}),
            provider_timeout_us=TIMEOUT_US,
        )
        self.version = 0

    def publish(
        self,
        *provider_ids: str,
        status: fixture_pb2.FixtureStatus.ValueType = IN_PLAY,
        sport: str = "football",
        start_time_ms: int = 0,
    ) -> None:
        self.version += 1
        book = build("f", self.version, status)
        book.description.CopyFrom(fixture_pb2.FixtureDescription(sport=sport, start_time_ms=start_time_ms))
        book.provider_ids.extend(provider_ids)
        self.cache.apply([book_record(book)])

    def sign(self, provider_id: str, *, at_us: int | None = None, is_up: bool = True, timeout_ms: int = 0) -> None:
        sign = feed_pb2.ProviderHeartbeat(
            provider_id=provider_id,
            received_time_us=self.clock.time_us if at_us is None else at_us,
            is_up=is_up,
            timeout_ms=timeout_ms,
        )
        self.books.apply_providers([Record(FEED_PROVIDERS.name, 0, 0, 0, provider_id, sign.SerializeToString())])

    def status(self) -> MarketStatus:
        book = self.books.find("f")
        assert book is not None
        market = book.find_market("1x2")
        assert market is not None
        return market.status

    def is_in_play(self) -> bool:
        book = self.books.find("f")
        assert book is not None
        return book.is_in_play


def book_record(book: book_pb2.Book) -> Record:
    return Record(BOOKS.name, 0, 0, 0, book.fixture_id, book.SerializeToString())


@pytest.fixture
def world() -> World:
    return World()


def test_no_provider_counts_as_up_before_it_is_heard_of(world: World) -> None:
    world.publish("alpha")
    assert world.status() == SUSPENDED
    world.sign("alpha")
    assert world.status() == OPEN


def test_a_book_that_names_no_provider_takes_no_bets(world: World) -> None:
    world.sign("alpha")
    world.publish()
    assert world.status() == SUSPENDED


def test_a_book_takes_bets_up_to_the_timeout_of_the_last_provider_in_it_that_was_heard_of(world: World) -> None:
    world.publish("alpha", "bravo")
    world.sign("alpha")
    world.sign("bravo", timeout_ms=1_000)
    world.sign("charlie", timeout_ms=60_000)
    world.clock.time_us += TIMEOUT_US
    assert world.status() == OPEN
    world.clock.time_us += 1
    assert world.status() == SUSPENDED


def test_a_provider_that_says_it_is_down_backs_no_book(world: World) -> None:
    world.publish("alpha")
    world.sign("alpha")
    world.clock.time_us += 1
    world.sign("alpha", is_up=False)
    assert world.status() == SUSPENDED


@pytest.mark.parametrize(
    ("ahead_us", "status"), [(1_000_000, OPEN), (1_000_001, SUSPENDED), (3_600_000_000, SUSPENDED)]
)
def test_a_sign_from_a_clock_that_is_ahead_is_none(world: World, ahead_us: int, status: MarketStatus) -> None:
    world.publish("alpha")
    world.sign("alpha", at_us=world.clock.time_us + ahead_us)
    assert world.status() == status
    world.clock.time_us += TIMEOUT_US + 1
    assert world.status() == SUSPENDED
    world.clock.time_us += ahead_us - TIMEOUT_US - 1
    assert world.status() == SUSPENDED or ahead_us <= TIMEOUT_US


def test_that_a_provider_is_down_is_believed_of_any_clock(world: World) -> None:
    world.publish("alpha")
    world.sign("alpha")
    world.sign("alpha", at_us=world.clock.time_us + 3_600_000_000, is_up=False)
    assert world.status() == SUSPENDED
    world.clock.time_us += 1
    world.sign("alpha")
    assert world.status() == OPEN


@pytest.mark.parametrize("status", [UNKNOWN, PRE_MATCH])
@pytest.mark.parametrize(("sport", "tolerance_us"), [("football", 0), ("tennis", 5_000_000)])
def test_from_the_start_on_a_book_that_nobody_calls_in_play_takes_no_bets(
    world: World, status: fixture_pb2.FixtureStatus.ValueType, sport: str, tolerance_us: int
) -> None:
    world.sign("alpha", timeout_ms=600_000)
    world.publish("alpha", status=status, sport=sport, start_time_ms=NOW_US // 1_000 + 60_000)
    world.clock.time_us = NOW_US + 60_000_000 + tolerance_us - 1
    assert world.status() == OPEN
    world.clock.time_us += 1
    assert world.status() == SUSPENDED
    world.publish("alpha", status=IN_PLAY, sport=sport, start_time_ms=NOW_US // 1_000 + 60_000)
    assert world.status() == OPEN


@pytest.mark.parametrize(
    ("status", "start_s", "is_in_play"),
    [
        (IN_PLAY, 0, True),
        (IN_PLAY, 60, True),
        (PRE_MATCH, 0, False),
        (PRE_MATCH, 60, False),
        (PRE_MATCH, -1, True),
        (UNKNOWN, 0, True),
        (UNKNOWN, 60, False),
        (UNKNOWN, -1, True),
        (ENDED, 0, False),
    ],
)
def test_what_may_be_on_counts_as_in_play(
    world: World, status: fixture_pb2.FixtureStatus.ValueType, start_s: int, is_in_play: bool
) -> None:
    start_time_ms = NOW_US // 1_000 + start_s * 1_000 if start_s else 0
    world.publish("alpha", status=status, sport="tennis", start_time_ms=start_time_ms)
    assert world.is_in_play() == is_in_play


def test_a_book_behind_which_is_one_that_cannot_be_read_takes_no_bets(world: World) -> None:
    world.sign("alpha")
    world.publish("alpha")
    world.cache.apply([Record(BOOKS.name, 0, 0, 0, "f", b"\xff\xff")])
    assert world.status() == SUSPENDED
    world.publish("alpha")
    assert world.status() == OPEN


def test_a_fixture_without_a_book_has_none(world: World) -> None:
    assert world.books.find("f") is None
