"""What the desk is shown beside books, and its commands."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.books import BookCache, TooManyWatchers
from gateway.desk_feed import RECENT_BETS_MAX, DeskFeed, NewestByKey
from gateway.desk_stream import FIGURES_INTERVAL_S, DeskSources, DeskStream, ExplanationWatch
from gateway.figures import DeskFigures, RollingCount, RollingLatency
from gateway.price_explainer import PriceExplainer
from gateway.rpc.bounds import ANSWER_BYTES_MAX
from gateway.trading_service import TradingService
from kernel.commands import RequestIdReused
from kernel.log import DeliveryFailed, Record
from odds.fixture.state import EMPTY_LAYOUT
from overround.audit.v1 import audit_pb2
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from overround.risk.v1 import risk_pb2
from overround.trading.v1 import trading_pb2, trading_service_pb2
from pam.player import Player, PlayerRole, PlayerStatus
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_explanations import FakeExplanationLog, FakeNewestExplanations
from tests.fakes.fake_gateway import call_by
from tests.fakes.fake_outlet import FakeOutlet
from wire.topics import AUDIT, BET_EVENTS, FEED_PROVIDERS, HEARTBEATS, LIABILITIES, TRADING_COMMANDS


class FakeNames:
    async def find_names(self, player_ids: Collection[str]) -> dict[str, str]:
        return {player_id: f"name of {player_id}" for player_id in player_ids if player_id != "nobody"}


TESS = Player(UUID(int=1), "tess", PlayerRole.TRADER, PlayerStatus.ACTIVE, "EUR", 1, 0, 0)


def explained(version: int) -> bytes:
    """Return the bytes of an explanation of the fixture "f"."""
    return book_pb2.PriceExplanation(
        fixture_id="f", version=version, layout_hash=EMPTY_LAYOUT.layout_hash
    ).SerializeToString()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def feed() -> DeskFeed:
    return DeskFeed(names=FakeNames(), watchers_max=2)


def record(topic: str, message: Any, time_ms: int = 0) -> Record:
    return Record(topic, 0, 0, time_ms, "key", message.SerializeToString())


def liability(fixture_id: str, version: int) -> Record:
    return record(LIABILITIES.name, risk_pb2.FixtureLiability(fixture_id=fixture_id, version=version))


def bet(bet_id: str, row_id: int, *, player_id: str = "p", time_ms: int = 0) -> Record:
    changed = bet_pb2.BetChanged(
        position=outbox_pb2.OutboxPosition(transaction_id=1, row_id=row_id),
        bet=bet_pb2.Bet(bet_id=bet_id, player_id=player_id),
    )
    return record(BET_EVENTS.name, changed, time_ms)


def shown(frames: list[bytes]) -> trading_service_pb2.WatchDeskResponse:
    return trading_service_pb2.WatchDeskResponse.FromString(b"".join(frames))


async def show_waiting_bets(feed: DeskFeed) -> None:
    showing = asyncio.create_task(feed.show_bets())
    await asyncio.sleep(0.01)
    showing.cancel()
    with suppress(asyncio.CancelledError):
        await showing


def test_the_newest_liability_is_shown_and_an_older_one_is_not(feed: DeskFeed) -> None:
    watch = feed.watch()
    feed.apply_liabilities([liability("f", 2), liability("f", 1), liability("g", 1)])
    found = [(one.fixture_id, one.version) for one in shown(watch.take()).liabilities]
    assert found == [("f", 2), ("g", 1)]
    feed.apply_liabilities([liability("f", 2)])
    assert not watch.has_news


def test_a_desk_that_comes_later_begins_with_all_there_is(feed: DeskFeed) -> None:
    sign = feed_pb2.ProviderHeartbeat(provider_id="uof:1", received_time_us=5)
    feed.apply_liabilities([liability("f", 2)])
    feed.apply_providers([record(FEED_PROVIDERS.name, sign)])
    response = shown(feed.watch().take())
    assert [one.fixture_id for one in response.liabilities] == ["f"]
    assert list(response.providers) == [sign]


def test_a_message_takes_what_fits_beside_what_it_has_and_the_next_ones_the_rest(feed: DeskFeed) -> None:
    fixture_ids = [f"{number}".rjust(60_000) for number in range(100)]
    feed.apply_liabilities([liability(fixture_id, 1) for fixture_id in fixture_ids])
    watch = feed.watch()
    messages = [watch.take(), watch.take(beside_bytes=ANSWER_BYTES_MAX)]
    assert ANSWER_BYTES_MAX - 61_000 < sum(map(len, messages[0])) <= ANSWER_BYTES_MAX
    assert len(messages[1]) == 1
    while watch.has_news:
        messages.append(watch.take())
    assert [one.fixture_id for frames in messages for one in shown(frames).liabilities] == fixture_ids


async def test_bets_are_shown_oldest_first_with_the_player_s_name(feed: DeskFeed) -> None:
    watch = feed.watch()
    feed.apply_bets([bet("second", 2, time_ms=2), bet("first", 1, player_id="nobody", time_ms=1)])
    await show_waiting_bets(feed)
    assert [(one.bet.bet_id, one.player_name) for one in shown(watch.take()).bets] == [
        ("first", ""),
        ("second", "name of p"),
    ]


async def test_a_bet_delivered_twice_is_shown_once(feed: DeskFeed) -> None:
    watch = feed.watch()
    feed.apply_bets([bet("b", 1)])
    await show_waiting_bets(feed)
    watch.take()
    feed.apply_bets([bet("b", 1)])
    await show_waiting_bets(feed)
    assert not watch.has_news


async def test_only_the_last_of_many_bets_are_kept(feed: DeskFeed) -> None:
    feed.apply_bets([bet(str(number), number, time_ms=number) for number in range(RECENT_BETS_MAX + 5)])
    await show_waiting_bets(feed)
    found = [one.bet.bet_id for one in shown(feed.watch().take()).bets]
    assert found == [str(number) for number in range(5, RECENT_BETS_MAX + 5)]


def test_records_that_cannot_be_read_are_passed_over(feed: DeskFeed) -> None:
    feed.apply_liabilities([Record(LIABILITIES.name, 0, 0, 0, "f", b"\xff"), liability("g", 1)])
    assert [one.fixture_id for one in shown(feed.watch().take()).liabilities] == ["g"]


def test_one_desk_more_than_allowed_is_refused(feed: DeskFeed) -> None:
    feed.watch()
    feed.watch()
    with pytest.raises(TooManyWatchers):
        feed.watch()


def test_of_too_many_keys_the_longest_unchanged_goes() -> None:
    newest = NewestByKey(field_number=1, keys_max=2)
    for key, version in (("a", 1), ("b", 1), ("a", 2), ("c", 1)):
        newest.put(key, (version,), b"")
    assert list(newest) == ["a", "c"]


async def test_an_explanation_is_asked_for_until_it_is_as_new_as_the_book(clock: FakeClock) -> None:
    store = FakeNewestExplanations({"f": explained(1)})
    watch = ExplanationWatch(explanations=store, clock=clock, fixture_id="f")
    assert watch.take(2) == b""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shown([watch.take(2)]).explanation.version == 1
    store.values["f"] = explained(2)
    assert watch.take(2) == b""
    assert store.asked == 1
    clock.put_on(0.1)
    watch.take(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shown([watch.take(2)]).explanation.version == 2
    clock.put_on(1)
    watch.take(2)
    await asyncio.sleep(0)
    assert store.asked == 2


async def test_a_store_that_is_down_leaves_the_desk_without_an_explanation(clock: FakeClock) -> None:
    store = FakeNewestExplanations()
    store.is_down = True
    watch = ExplanationWatch(explanations=store, clock=clock, fixture_id="f")
    watch.take(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert watch.take(1) == b""


@pytest.fixture
def outlet() -> FakeOutlet:
    return FakeOutlet()


@pytest.fixture
def sources(clock: FakeClock, feed: DeskFeed) -> DeskSources:
    books = BookCache(
        clock=clock, partition_of=lambda name: ord(name) % 2, partitions=2, heartbeat_age_ms_max=1_000, watchers_max=1
    )
    in_play = fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_IN_PLAY)
    books.load({name: book_pb2.Book(fixture_id=name, version=1, state=in_play).SerializeToString() for name in "fg"})
    return DeskSources(
        books=books,
        feed=feed,
        explanations=FakeNewestExplanations({"f": explained(1)}),
        figures=DeskFigures(clock),
        clock=clock,
        environment="test",
    )


@pytest.fixture
def service(clock: FakeClock, sources: DeskSources, outlet: FakeOutlet) -> TradingService:
    explainer = PriceExplainer(
        explanations=sources.explanations, log=FakeExplanationLog(), books=sources.books, clock=clock, kept_ms=1_000
    )
    return TradingService(sources=sources, explainer=explainer, outlet=outlet)


async def test_the_desk_is_told_at_once_which_part_of_pricing_stands_still(
    clock: FakeClock, sources: DeskSources
) -> None:
    def beat(partition: int) -> None:
        heartbeat = book_pb2.PricingHeartbeat(partition=partition, time_us=clock.now_us())
        sources.books.apply([record(HEARTBEATS.name, heartbeat)])

    async def told() -> trading_service_pb2.WatchDeskResponse:
        return trading_service_pb2.WatchDeskResponse.FromString(await anext(responses))

    sources.books.mark_complete()
    beat(0)
    beat(1)
    responses = DeskStream(sources, trader_name="tess", fixture_id="").responses()
    first = await told()
    by_fixture = dict(zip((book.fixture_id for book in first.books), first.book_partitions, strict=True))
    assert by_fixture == {"f": 0, "g": 1}
    assert [part.is_live for part in first.pricing] == [True, True]
    heard_us = clock.now_us()
    clock.put_on(FIGURES_INTERVAL_S / 2)
    beat(0)
    clock.put_on(FIGURES_INTERVAL_S / 2 + 0.06)
    beat(0)
    stopped = await told()
    assert [(part.is_live, part.heard_time_us) for part in stopped.pricing] == [
        (True, clock.now_us()),
        (False, heard_us),
    ]
    clock.put_on(0.01)
    beat(1)
    back = await told()
    assert [part.is_live for part in back.pricing] == [True, True]
    assert not back.HasField("figures")
    await responses.aclose()


def commands_of(outlet: FakeOutlet) -> list[trading_pb2.TradingCommand]:
    return [trading_pb2.TradingCommand.FromString(value) for value in outlet.values_of(TRADING_COMMANDS.name)]


async def test_a_repeated_command_is_sent_once_and_answered_twice(service: TradingService, outlet: FakeOutlet) -> None:
    request = trading_service_pb2.SuspendRequest(request_id=str(uuid4()), fixture_id="f")
    await service.suspend(request, call_by(TESS))
    await service.suspend(request, call_by(TESS))
    ((topic, key),) = [(topic, key) for topic, key, _ in outlet.sent if topic != AUDIT.name]
    assert (topic, key, commands_of(outlet)[0].trader_name) == (TRADING_COMMANDS.name, "f", "tess")


async def test_a_request_id_for_another_command_is_refused(service: TradingService, outlet: FakeOutlet) -> None:
    request_id = str(uuid4())
    await service.suspend(trading_service_pb2.SuspendRequest(request_id=request_id, fixture_id="f"), call_by(TESS))
    with pytest.raises(RequestIdReused):
        await service.resume(trading_service_pb2.ResumeRequest(request_id=request_id, fixture_id="f"), call_by(TESS))
    assert len(commands_of(outlet)) == 1


async def test_who_asked_is_told_before_anything_is_done(service: TradingService, outlet: FakeOutlet) -> None:
    request = trading_service_pb2.SuspendRequest(request_id=str(uuid4()), fixture_id="f")
    outlet.failures = [DeliveryFailed("away")]
    with pytest.raises(DeliveryFailed):
        await service.suspend(request, call_by(TESS))
    assert commands_of(outlet) == []
    await service.suspend(request, call_by(TESS))
    assert [(topic, key) for topic, key, _ in outlet.kept] == [(AUDIT.name, "tess"), (TRADING_COMMANDS.name, "f")]
    (told,) = outlet.kept_of(AUDIT.name)
    assert audit_pb2.Asked.FromString(told).trading_command == commands_of(outlet)[0]


async def test_suspending_all_twice_sends_each_fixture_one_command(service: TradingService, outlet: FakeOutlet) -> None:
    request = trading_service_pb2.SuspendAllInPlayRequest(request_id=str(uuid4()))
    first = await service.suspend_all_in_play(request, call_by(TESS))
    again = await service.suspend_all_in_play(request, call_by(TESS))
    assert set(first.fixture_ids) == set(again.fixture_ids) == {"f", "g"}
    assert sorted(key for topic, key, _ in outlet.sent if topic == TRADING_COMMANDS.name) == ["f", "g"]
    assert len({command.request_id for command in commands_of(outlet)}) == 2


async def test_suspending_all_in_play_takes_what_may_be_on_with_it(
    service: TradingService, sources: DeskSources, clock: FakeClock
) -> None:
    def book(name: str, status: fixture_pb2.FixtureStatus.ValueType, start_s: float) -> bytes:
        start_time_ms = round((clock.now_us() / 1e6 + start_s) * 1_000) if start_s else 0
        return book_pb2.Book(
            fixture_id=name,
            version=1,
            state=fixture_pb2.MatchState(status=status),
            description=fixture_pb2.FixtureDescription(start_time_ms=start_time_ms),
        ).SerializeToString()

    unknown, pre_match = fixture_pb2.FIXTURE_STATUS_UNSPECIFIED, fixture_pb2.FIXTURE_STATUS_PRE_MATCH
    told = {"a": (unknown, 0), "b": (unknown, -60), "c": (unknown, 60), "d": (pre_match, -60), "e": (pre_match, 60)}
    sources.books.load({name: book(name, *words) for name, words in told.items()})
    request = trading_service_pb2.SuspendAllInPlayRequest(request_id=str(uuid4()))
    assert set((await service.suspend_all_in_play(request, call_by(TESS))).fixture_ids) == {"a", "b", "d", "f", "g"}


def test_a_rate_counts_the_window_and_forgets_what_is_older(clock: FakeClock) -> None:
    count = RollingCount(clock, window_s=10)
    count.add(30)
    assert count.total() == 0
    clock.put_on(1)
    assert (count.total(), count.rate_per_s()) == (30, 3.0)
    clock.put_on(9)
    assert count.total() == 30
    clock.put_on(1)
    assert count.total() == 0


def test_a_quantile_is_right_within_ten_per_cent_and_forgets(clock: FakeClock) -> None:
    latency = RollingLatency(clock, window_s=60)
    assert math.isnan(latency.quantile_ms(0.99))
    for number in range(1, 1_001):
        latency.add(float(number))
    assert latency.quantile_ms(0.5) == pytest.approx(500, rel=0.11)
    assert latency.quantile_ms(0.99) == pytest.approx(990, rel=0.11)
    clock.put_on(60)
    assert math.isnan(latency.quantile_ms(0.99))


def test_a_book_that_no_feed_made_has_no_latency(clock: FakeClock) -> None:
    figures = DeskFigures(clock)
    figures.note_book(0, None)
    assert math.isnan(figures.price_p99_ms)
    figures.note_book(3, 40.0)
    clock.put_on(1)
    assert figures.price_p99_ms == pytest.approx(40, rel=0.11)
    assert figures.prices_per_second == 3.0


def test_the_share_of_accepted_bets_is_of_the_last_minute(clock: FakeClock) -> None:
    figures = DeskFigures(clock)
    assert math.isnan(figures.accepted_ratio)
    for is_accepted in (True, True, True, False):
        figures.note_bet(10.0, is_accepted=is_accepted)
    clock.put_on(1)
    assert figures.accepted_ratio == 0.75
    assert figures.bets_per_second == 0.4
