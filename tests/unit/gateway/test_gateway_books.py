"""The books a gateway keeps, and what its watchers are told."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from gateway.books import BookCache, FixtureUnknown, TooManyWatchers
from kernel.log import Record
from markets.fixture import MarketStatus
from markets.layout import MarketLayout
from overround.odds.v1 import book_pb2, fixture_pb2, odds_service_pb2
from tests.fakes.fake_clock import FakeClock
from wire.book_slices import main_market_of
from wire.frames import frame_bytes, frame_unsigned
from wire.topics import BOOKS, HEARTBEATS

IN_PLAY, ENDED = fixture_pb2.FIXTURE_STATUS_IN_PLAY, fixture_pb2.FIXTURE_STATUS_ENDED
NOW_US = 1_000_000_000
LAYOUT = MarketLayout.of_markets([("1x2", ["home", "draw", "away"]), ("btts", ["yes", "no"])])
EVERYTHING: frozenset[str] = frozenset()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_US)


@pytest.fixture
def books(clock: FakeClock) -> BookCache:
    cache = BookCache(
        clock=clock, partition_of=lambda name: len(name) % 2, partitions=2, heartbeat_age_ms_max=1_500, watchers_max=2
    )
    cache.mark_complete()
    return cache


def build(
    fixture_id: str, version: int, status: fixture_pb2.FixtureStatus.ValueType = IN_PLAY, home_odds: int = 2_050
) -> book_pb2.Book:
    return book_pb2.Book(
        fixture_id=fixture_id,
        version=version,
        state=fixture_pb2.MatchState(status=status),
        layout_hash=LAYOUT.layout_hash,
        market_ids=LAYOUT.market_ids,
        outcome_counts=LAYOUT.outcome_counts.tobytes(),
        outcome_ids=LAYOUT.outcome_ids,
        market_statuses=bytes([1, 2]),
        suspension_reasons=bytes([0, 5]),
        market_versions=np.array([version, 3], dtype="<u8").tobytes(),
        decimal_odds_milli=np.array([home_odds, 3_400, 3_600, 1_800, 0], dtype="<u4").tobytes(),
        trader_suspensions=[
            book_pb2.TraderSuspension(market_id="btts", trader_name="tess"),
            book_pb2.TraderSuspension(market_id="", trader_name="tom"),
        ],
    )


def record(book: book_pb2.Book) -> Record:
    return Record(BOOKS.name, 0, 0, 0, book.fixture_id, book.SerializeToString())


def heartbeat(partition: int, time_us: int, books_end: int = 0) -> Record:
    value = book_pb2.PricingHeartbeat(partition=partition, time_us=time_us, books_end_offset=books_end)
    return Record(HEARTBEATS.name, 0, 0, 0, str(partition), value.SerializeToString())


def test_a_newer_book_replaces_an_older_one_and_never_the_other_way(books: BookCache) -> None:
    books.apply([record(build("f", 5))])
    assert books.apply([record(build("f", 4)), record(build("f", 5))]) == []
    assert books.get("f").version == 5
    assert [book.version for book in books.apply([record(build("f", 6))])] == [6]
    assert books.get("f").version == 6


def test_a_snapshot_does_not_undo_what_the_log_brought(books: BookCache) -> None:
    books.apply([record(build("f", 5))])
    books.load({"f": build("f", 4).SerializeToString(), "g": build("g", 1).SerializeToString()})
    assert (books.get("f").version, books.get("g").version) == (5, 1)


def test_bytes_that_are_no_book_change_nothing(books: BookCache) -> None:
    books.apply([record(build("f", 5)), Record(BOOKS.name, 0, 0, 0, "f", b"\xff\xff")])
    assert books.get("f").version == 5


def test_a_fixture_without_a_book_is_unknown(books: BookCache) -> None:
    with pytest.raises(FixtureUnknown):
        books.get("f")
    books.apply([record(build("f", 1)), Record(BOOKS.name, 0, 0, 0, "f", None)])
    with pytest.raises(FixtureUnknown):
        books.get("f")


def test_a_market_is_seen_as_the_book_says(books: BookCache) -> None:
    books.apply([record(build("f", 1))])
    book = books.get("f")
    open_market, suspended = book.find_market("1x2"), book.find_market("btts")
    assert open_market is not None
    assert suspended is not None
    assert open_market.status == MarketStatus.OPEN
    assert open_market.decimal_odds_milli_by_outcome == {"home": 2_050, "draw": 3_400, "away": 3_600}
    assert suspended.status == MarketStatus.SUSPENDED
    assert suspended.decimal_odds_milli_by_outcome == {"yes": 1_800, "no": 0}
    assert book.find_market("total:2.5") is None


def test_a_watcher_begins_with_every_book_there_is(books: BookCache) -> None:
    books.apply([record(build("f", 1)), record(build("g", 1)), record(build("over", 1, ENDED))])
    assert books.watch(EVERYTHING).take(10) == (["f", "g"], [])
    assert books.watch(frozenset({"g", "over", "unknown"})).take(10)[0] in (["g", "over"], ["over", "g"])


def test_who_comes_back_is_given_what_is_newer_and_told_what_is_gone(books: BookCache) -> None:
    books.apply([record(build("f", 5)), record(build("g", 6)), record(build("over", 7, ENDED))])
    known = {"f": 5, "g": 5, "over": 6, "gone": 1}
    changed, removed = books.watch(EVERYTHING, known_versions=known).take(10)
    assert (changed, sorted(removed)) == (["g"], ["gone", "over"])
    some = books.watch(frozenset({"f", "over", "gone"}), known_versions=known | {"elsewhere": 1})
    assert some.take(10) == (["over"], ["gone"])


def test_while_not_every_book_is_here_a_missing_one_is_not_called_gone(clock: FakeClock) -> None:
    books = BookCache(clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=2)
    assert books.watch(EVERYTHING, known_versions={"f": 1}).take(10) == ([], [])
    books.mark_complete()
    assert books.watch(EVERYTHING, known_versions={"f": 1}).take(10) == ([], ["f"])


def test_what_changes_twice_before_it_is_taken_is_taken_once(books: BookCache) -> None:
    watch = books.watch(EVERYTHING)
    books.apply([record(build("f", 1)), record(build("g", 1))])
    books.apply([record(build("f", 2))])
    assert watch.take(10) == (["f", "g"], [])
    assert not watch.has_news


def test_more_than_fits_in_a_message_waits_for_the_next(books: BookCache) -> None:
    watch = books.watch(EVERYTHING)
    books.apply([record(build(name, 1)) for name in "abc"])
    assert watch.take(2) == (["a", "b"], [])
    assert watch.take(2) == (["c"], [])


def test_a_book_that_is_older_is_no_news(books: BookCache) -> None:
    books.apply([record(build("f", 5))])
    watch = books.watch(EVERYTHING)
    watch.take(10)
    books.apply([record(build("f", 4))])
    assert not watch.has_news


def test_an_end_is_told_as_removal_to_who_watches_all_and_as_a_book_to_who_asked_for_it(books: BookCache) -> None:
    books.apply([record(build("f", 1))])
    everything, one = books.watch(EVERYTHING), books.watch(frozenset({"f"}))
    books.apply([record(build("f", 2, ENDED))])
    assert everything.take(10) == ([], ["f"])
    assert one.take(10) == (["f"], [])
    assert [book.fixture_id for book in books.live_books()] == []


def test_an_end_that_was_a_mistake_is_taken_back(books: BookCache) -> None:
    watch = books.watch(EVERYTHING)
    books.apply([record(build("f", 1, ENDED))])
    books.apply([record(build("f", 2))])
    assert watch.take(10) == (["f"], [])
    assert books.get("f").is_in_play


def test_a_watcher_of_some_fixtures_hears_nothing_of_others(books: BookCache) -> None:
    watch = books.watch(frozenset({"f"}))
    books.apply([record(build("g", 1))])
    assert not watch.has_news


def test_one_watcher_more_than_allowed_is_refused_until_another_leaves(books: BookCache) -> None:
    first, _ = books.watch(EVERYTHING), books.watch(EVERYTHING)
    with pytest.raises(TooManyWatchers):
        books.watch(EVERYTHING)
    books.unwatch(first)
    books.watch(EVERYTHING)


async def test_a_waiting_watcher_is_woken_by_news(books: BookCache) -> None:
    watch = books.watch(EVERYTHING)
    waiting = asyncio.create_task(watch.wait(60))
    await asyncio.sleep(0)
    books.apply([record(build("f", 1))])
    await asyncio.wait_for(waiting, 60)
    assert watch.take(10) == (["f"], [])


async def test_a_watcher_without_news_waits_no_longer_than_told(books: BookCache) -> None:
    await asyncio.wait_for(books.watch(EVERYTHING).wait(0.01), 60)


def test_pricing_is_live_up_to_the_oldest_heartbeat_that_counts(books: BookCache, clock: FakeClock) -> None:
    assert not books.is_pricing_live("f")
    books.apply([heartbeat(0, NOW_US), heartbeat(1, NOW_US)])
    clock.time_us = NOW_US + 1_500_000
    assert books.is_pricing_live("f")
    clock.time_us += 1
    assert not books.is_pricing_live("f")


def test_pricing_of_one_partition_says_nothing_of_another(books: BookCache) -> None:
    books.apply([heartbeat(1, NOW_US)])
    assert books.is_pricing_live("f")
    assert not books.is_pricing_live("ff")
    one = books.watch(frozenset({"f"}))
    assert books.is_pricing_live_for(one)
    books.unwatch(one)
    both, every = books.watch(frozenset({"f", "ff"})), books.watch(EVERYTHING)
    assert not books.is_pricing_live_for(both)
    assert not books.is_pricing_live_for(every)
    books.apply([heartbeat(0, NOW_US)])
    assert books.is_pricing_live_for(both)
    assert books.is_pricing_live_for(every)


def test_an_old_heartbeat_does_not_take_back_a_newer_one(books: BookCache) -> None:
    books.apply([heartbeat(1, NOW_US), heartbeat(1, NOW_US - 10_000_000)])
    assert books.is_pricing_live("f")


@pytest.mark.parametrize(("ahead_us", "is_live"), [(1_000_000, True), (1_000_001, False), (3_600_000_000, False)])
def test_a_heartbeat_from_a_clock_that_is_ahead_is_none_and_none_is_younger_than_its_arrival(
    books: BookCache, clock: FakeClock, ahead_us: int, is_live: bool
) -> None:
    books.apply([heartbeat(1, NOW_US + ahead_us)])
    assert books.is_pricing_live("f") == is_live
    clock.time_us = NOW_US + 1_500_001
    assert not books.is_pricing_live("f")
    clock.time_us = NOW_US + ahead_us
    assert books.is_pricing_live("f") == is_live


def test_a_clock_that_is_put_back_vouches_for_nothing_and_the_next_heartbeat_counts(
    books: BookCache, clock: FakeClock
) -> None:
    clock.time_us = NOW_US + 3_600_000_000
    books.apply([heartbeat(1, clock.time_us)])
    assert books.is_pricing_live("f")
    clock.time_us = NOW_US
    assert not books.is_pricing_live("f")
    books.apply([heartbeat(1, NOW_US)])
    assert books.is_pricing_live("f")
    clock.time_us = NOW_US + 1_500_001
    assert not books.is_pricing_live("f")


def test_a_heartbeat_counts_when_the_books_that_it_vouches_for_were_read(books: BookCache) -> None:
    books.apply([heartbeat(1, NOW_US, books_end=8)])
    assert not books.is_pricing_live("f")
    books.apply([record(build("f", 1))._replace(partition=1, offset=6)])
    assert not books.is_pricing_live("f")
    books.apply([record(build("f", 2))._replace(partition=0, offset=7)])
    assert not books.is_pricing_live("f")
    books.apply([record(build("f", 3))._replace(partition=1, offset=7)])
    assert books.is_pricing_live("f")


def test_a_heartbeat_that_waits_for_a_book_does_not_take_back_the_one_before(books: BookCache) -> None:
    books.apply([heartbeat(1, NOW_US), heartbeat(1, NOW_US, books_end=8)])
    assert books.is_pricing_live("f")


def test_heartbeats_that_wait_are_few_and_the_newest(books: BookCache) -> None:
    books.apply([heartbeat(1, NOW_US - 1_000 + number, books_end=8) for number in range(1_000)])
    books.apply([Record(BOOKS.name, 1, 7, 0, "gone", None)])
    assert books.pricing_parts()[1].heard_time_us == NOW_US - 1


def test_what_was_there_before_reading_began_counts_as_read(books: BookCache) -> None:
    books.begin_at({0: 0, 1: 8})
    books.apply([heartbeat(1, NOW_US, books_end=8), heartbeat(0, NOW_US, books_end=1)])
    assert books.is_pricing_live("f")
    assert not books.is_pricing_live("ff")


def test_nothing_is_live_before_every_book_was_taken_in(clock: FakeClock) -> None:
    cache = BookCache(clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=1)
    cache.apply([heartbeat(0, NOW_US)])
    assert not cache.is_pricing_live("f")
    cache.mark_complete()
    assert cache.is_pricing_live("f")


def test_the_main_market_alone_is_a_book_of_its_own_layout() -> None:
    book = build("f", 9)
    main = main_market_of(book)
    assert (list(main.market_ids), list(main.outcome_ids)) == (["1x2"], ["home", "draw", "away"])
    assert main.layout_hash == MarketLayout.of_markets([("1x2", ["home", "draw", "away"])]).layout_hash
    assert np.frombuffer(main.outcome_counts, "<u2").tolist() == [3]
    assert np.frombuffer(main.decimal_odds_milli, "<u4").tolist() == [2_050, 3_400, 3_600]
    assert np.frombuffer(main.market_versions, "<u8").tolist() == [9]
    assert (main.market_statuses, main.suspension_reasons) == (bytes([1]), bytes([0]))
    assert [suspension.trader_name for suspension in main.trader_suspensions] == ["tom"]
    assert (main.fixture_id, main.version, main.state) == (book.fixture_id, book.version, book.state)


def test_a_book_without_markets_is_its_own_slice() -> None:
    book = book_pb2.Book(fixture_id="f", version=1)
    assert main_market_of(book) == book


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 300_000])
def test_frames_put_together_are_the_message(size: int) -> None:
    removed = "x" * size
    book = build("f", 2**63 + size)
    raw = frame_bytes(1, book.SerializeToString()) + frame_bytes(2, removed.encode()) + frame_unsigned(3, size)
    message = odds_service_pb2.WatchBooksResponse.FromString(raw + frame_unsigned(4, True))
    assert message == odds_service_pb2.WatchBooksResponse(
        books=[book], removed_fixture_ids=[removed], server_time_us=size, is_pricing_live=True
    )


def fed(version: int, feed_time_us: int, home_odds: int) -> Record:
    book = build("f", version, home_odds=home_odds)
    book.feed_time_us = feed_time_us
    return record(book)


def test_a_book_tells_how_many_prices_it_moved(books: BookCache) -> None:
    (first,) = books.apply([fed(1, 5, 2_050)])
    (same,) = books.apply([fed(2, 6, 2_050)])
    (moved,) = books.apply([fed(3, 7, 2_100)])
    offered = int(np.count_nonzero(np.frombuffer(first.message.decimal_odds_milli, "<u4")))
    assert (first.moved_count, same.moved_count, moved.moved_count) == (offered, 0, 1)


def test_prices_are_compared_by_name_where_the_layout_has_changed(books: BookCache) -> None:
    books.apply([record(build("f", 1))])
    (sliced,) = books.apply([record(main_market_of(build("f", 2, home_odds=2_100)))])
    assert sliced.moved_count == 1


def test_a_book_that_only_silence_made_is_not_by_a_feed(books: BookCache) -> None:
    (first,) = books.apply([fed(1, 5, 2_050)])
    (by_quote,) = books.apply([fed(2, 6, 2_050)])
    (by_silence,) = books.apply([fed(3, 6, 2_050)])
    assert (first.is_by_feed, by_quote.is_by_feed, by_silence.is_by_feed) == (False, True, False)


def test_each_part_of_pricing_tells_whether_it_is_live_and_when_it_was_heard(
    books: BookCache, clock: FakeClock
) -> None:
    books.apply([heartbeat(0, NOW_US), heartbeat(1, NOW_US - 1_500_001)])
    assert [(part.is_live, part.heard_time_us) for part in books.pricing_parts()] == [
        (True, NOW_US),
        (False, NOW_US - 1_500_001),
    ]
    assert books.partition_of("abc") == 1
