"""The gateway with its real Kafka, Redis and PostgreSQL: what clients of its streams are given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import uuid4

import grpc
import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from redis.asyncio import Redis

from infra.kafka import KafkaOutlet
from infra.processes.gateway import serve
from infra.processes.parts.access import make_sessions
from infra.settings import Settings
from infra.stores.book_copy import COMPLETE_KEY, LIVE_KEY, WHOLE_KEY, book_key, explanation_key
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_players import PostgresPlayers
from kernel.clock import SystemClock
from markets.layout import MarketLayout
from overround.bets.v1 import bet_pb2
from overround.common.v1 import money_pb2, outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2, odds_service_pb2, odds_service_pb2_grpc
from overround.risk.v1 import risk_pb2
from overround.trading.v1 import trading_pb2, trading_service_pb2, trading_service_pb2_grpc
from pam.player import PlayerRole
from tests.free_ports import free_port
from tests.integration.channels import open_channel
from wire.topics import BET_EVENTS, BOOKS, FEED_PROVIDERS, HEARTBEATS, LIABILITIES, TRADING_COMMANDS

TIMEOUT_S = 120.0
LAYOUT = MarketLayout.of_markets([("1x2", ["home", "draw", "away"]), ("btts", ["yes", "no"])])


def build_book(fixture_id: str, version: int, *, status: int = fixture_pb2.FIXTURE_STATUS_IN_PLAY) -> book_pb2.Book:
    return book_pb2.Book(
        fixture_id=fixture_id,
        version=version,
        feed_time_us=time.time_ns() // 1_000,
        description=fixture_pb2.FixtureDescription(sport="football", home_name="Ajax", away_name="Feyenoord"),
        state=fixture_pb2.MatchState(status=fixture_pb2.FixtureStatus.ValueType(status)),
        layout_hash=LAYOUT.layout_hash,
        market_ids=LAYOUT.market_ids,
        outcome_counts=LAYOUT.outcome_counts.tobytes(),
        outcome_ids=LAYOUT.outcome_ids,
        market_statuses=bytes([1, 1]),
        suspension_reasons=bytes([0, 0]),
        market_versions=np.array([version, version], dtype="<u8").tobytes(),
        decimal_odds_milli=np.array([2050, 3400, 3600, 1800, 2000], dtype="<u4").tobytes(),
    )


class World:
    """A gateway on ports of its own, and the hands to move what it reads."""

    def __init__(self, settings: Settings) -> None:
        own = {name: free_port() for name in ("gateway_grpc", "gateway_http", "gateway_health")}
        ports = settings.ports.model_copy(update=own)
        self.settings = settings.model_copy(update={"ports": ports})
        self.redis: Any = Redis.from_url(settings.redis_url)
        self.outlet = KafkaOutlet(settings.kafka_client, client_id="test", delivery_timeout_ms=60_000)
        self.username = f"tess.{uuid4().hex[:12]}"
        self._stopping = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> World:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.redis.aclose)
            stack.callback(self.outlet.close)
            await self.redis.set(COMPLETE_KEY, "1")
            now_ms = time.time_ns() // 1_000_000
            whole_until_ms = {str(partition): now_ms for partition in range(self.settings.kafka.partitions)}
            await self.redis.hset(WHOLE_KEY, mapping=whole_until_ms)
            self.beat()
            stack.push_async_callback(self.stop_beating)
            serving = asyncio.create_task(serve(self.settings, self._stopping))
            stack.push_async_callback(self._stop, serving)
            self.channel = await stack.enter_async_context(
                open_channel(f"127.0.0.1:{self.settings.ports.gateway_grpc}", until_ended=serving)
            )
            self.odds = odds_service_pb2_grpc.OddsServiceStub(self.channel)
            self.trading = trading_service_pb2_grpc.TradingServiceStub(self.channel)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def _stop(self, serving: asyncio.Task[None]) -> None:
        self._stopping.set()
        await asyncio.wait_for(serving, TIMEOUT_S)

    def beat(self) -> None:
        """Say, as pricing does, that every partition is worked on."""
        self._beating = asyncio.create_task(self._beat())

    async def stop_beating(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _beat(self) -> None:
        while True:
            for partition in range(self.settings.kafka.partitions):
                heartbeat = book_pb2.PricingHeartbeat(partition=partition, time_us=time.time_ns() // 1_000)
                self.outlet.send(HEARTBEATS.name, str(partition), heartbeat.SerializeToString())
            await asyncio.sleep(0.25)

    async def publish(self, book: book_pb2.Book) -> None:
        await self.outlet.send_and_wait(BOOKS.name, book.fixture_id, book.SerializeToString())

    async def log_in(self, role: PlayerRole) -> tuple[tuple[str, str], ...]:
        pool = PostgresPool(
            self.settings.postgres_dsn, connections_max=1, statement_timeout_ms=30_000, application_name="test"
        )
        await pool.open()
        stored = await PostgresPlayers(pool).register(
            request_id=uuid4(), username=self.username, password_hash="$argon2id$none", role=role, currency="EUR"
        )
        await pool.close()
        token, _ = await make_sessions(self.settings, redis=self.redis, clock=SystemClock()).open(stored.player)
        return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with World(settings) as world:
        yield world


async def until(stream: Any, wanted: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(TIMEOUT_S):
        async for message in stream:
            if wanted(message):
                return message
    raise AssertionError("the stream ended")


def versions(message: odds_service_pb2.WatchBooksResponse, fixture_id: str) -> list[int]:
    return [book.version for book in message.books if book.fixture_id == fixture_id]


async def versions_until(stream: Any, fixture_id: str, last: int) -> list[int]:
    seen: list[int] = []

    def is_last(message: odds_service_pb2.WatchBooksResponse) -> bool:
        seen.extend(versions(message, fixture_id))
        return last in seen

    await until(stream, is_last)
    return seen


def reason_of(error: grpc.aio.AioRpcError) -> str:
    metadata: Any = error.trailing_metadata()
    info = ErrorInfo()
    Status.FromString(dict(metadata)["grpc-status-details-bin"]).details[0].Unpack(info)
    return str(info.reason)


def new_fixture_id() -> str:
    return f"test:{uuid4().hex[:12]}"


async def test_a_book_in_the_log_reaches_who_watches(world: World) -> None:
    fixture_id = new_fixture_id()
    stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest())
    book = build_book(fixture_id, 10)
    await world.publish(book)
    message = await until(stream, lambda message: versions(message, fixture_id) == [10])
    (received,) = [found for found in message.books if found.fixture_id == fixture_id]
    assert received == book


async def test_only_what_is_asked_for_comes_and_the_main_market_alone_if_that_is_asked(world: World) -> None:
    wanted, other = new_fixture_id(), new_fixture_id()
    await world.publish(build_book(other, 1))
    await world.publish(build_book(wanted, 1))
    request = odds_service_pb2.WatchBooksRequest(fixture_ids=[wanted], main_market_only=True)
    message = await until(world.odds.WatchBooks(request), lambda message: len(message.books) > 0)
    (book,) = message.books
    assert (book.fixture_id, list(book.market_ids), list(book.outcome_ids)) == (
        wanted,
        ["1x2"],
        ["home", "draw", "away"],
    )
    assert book.layout_hash == MarketLayout.of_markets([("1x2", ["home", "draw", "away"])]).layout_hash
    assert np.frombuffer(book.decimal_odds_milli, "<u4").tolist() == [2050, 3400, 3600]


async def test_an_older_version_never_replaces_a_newer_one(world: World) -> None:
    fixture_id = new_fixture_id()
    request = odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id])
    stream = world.odds.WatchBooks(request)
    await world.publish(build_book(fixture_id, 20))
    await until(stream, lambda message: versions(message, fixture_id) == [20])
    await world.publish(build_book(fixture_id, 19))
    await world.publish(build_book(fixture_id, 21))
    assert await versions_until(stream, fixture_id, 21) == [21]
    answer = await world.odds.GetBooks(odds_service_pb2.GetBooksRequest(fixture_ids=[fixture_id]))
    assert [book.version for book in answer.books] == [21]


async def test_a_slow_reader_is_given_the_newest_and_not_the_ones_between(world: World) -> None:
    fixture_id = new_fixture_id()
    big = build_book(fixture_id, 1)
    big.trader_suspensions.add(trader_name="x" * 100_000)
    stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id]))
    last = 400
    for version in range(1, last + 1):
        big.version = version
        await world.publish(big)
    seen = await versions_until(stream, fixture_id, last)
    assert seen == sorted(seen)
    assert len(seen) < last / 2


async def test_a_fixture_that_ends_is_taken_off_the_list(world: World) -> None:
    fixture_id = new_fixture_id()
    stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest())
    await world.publish(build_book(fixture_id, 1))
    await until(stream, lambda message: versions(message, fixture_id) == [1])
    await world.publish(build_book(fixture_id, 2, status=fixture_pb2.FIXTURE_STATUS_ENDED))
    message = await until(stream, lambda message: fixture_id in message.removed_fixture_ids)
    assert versions(message, fixture_id) == []


async def test_pricing_that_falls_silent_is_not_live_until_it_speaks_again(world: World) -> None:
    stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest())
    await until(stream, lambda message: message.is_pricing_live)
    await world.stop_beating()
    silent = await until(stream, lambda message: not message.is_pricing_live)
    assert silent.server_time_us > 0
    world.beat()
    await until(stream, lambda message: message.is_pricing_live)


async def test_more_fixtures_than_may_be_named_are_refused(world: World) -> None:
    request = odds_service_pb2.GetBooksRequest(fixture_ids=[str(number) for number in range(501)])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.odds.GetBooks(request)
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_FIXTURES")


async def test_books_from_before_the_start_are_there(settings: Settings) -> None:
    fixture_id = new_fixture_id()
    redis: Any = Redis.from_url(settings.redis_url)
    await redis.set(book_key(fixture_id), build_book(fixture_id, 7).SerializeToString())
    await redis.sadd(LIVE_KEY, fixture_id)
    try:
        async with World(settings) as world:
            stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id]))
            await until(stream, lambda message: versions(message, fixture_id) == [7])
    finally:
        await redis.srem(LIVE_KEY, fixture_id)
        await redis.aclose()


async def test_a_serving_copy_that_is_not_whole_is_passed_over_for_the_log(settings: Settings) -> None:
    fixture_id = new_fixture_id()
    before = World(settings)
    await before.publish(build_book(fixture_id, 3))
    await before.redis.delete(COMPLETE_KEY)
    before.outlet.close()
    incomplete = World(settings)
    incomplete.redis.set = _set_nothing
    async with incomplete as world:
        stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id]))
        await until(stream, lambda message: versions(message, fixture_id) == [3])
    await before.redis.set(COMPLETE_KEY, "1")
    await before.redis.aclose()


async def _set_nothing(*_: object) -> None:
    return None


async def test_a_suspension_goes_to_the_log_with_who_and_when(world: World) -> None:
    fixture_id, request_id = new_fixture_id(), str(uuid4())
    await know(world, fixture_id)
    trader = await world.log_in(PlayerRole.TRADER)
    request = trading_service_pb2.SuspendRequest(request_id=request_id, fixture_id=fixture_id, market_id="btts")
    await world.trading.Suspend(request, metadata=trader)
    await world.trading.Suspend(request, metadata=trader)
    resume = trading_service_pb2.ResumeRequest(request_id=str(uuid4()), fixture_id=fixture_id)
    await world.trading.Resume(resume, metadata=trader)
    suspension, resumption = read_commands(world.settings, fixture_id)
    assert (suspension.request_id, suspension.market_id, suspension.trader_name) == (request_id, "btts", world.username)
    assert suspension.action == trading_pb2.TRADING_ACTION_SUSPEND
    assert abs(suspension.time_us - time.time_ns() // 1_000) < 60_000_000
    assert (resumption.action, resumption.market_id) == (trading_pb2.TRADING_ACTION_RESUME, "")


async def test_every_fixture_in_play_is_suspended_at_once(world: World) -> None:
    in_play, pre_match = new_fixture_id(), new_fixture_id()
    await know(world, in_play)
    await know(world, pre_match, status=fixture_pb2.FIXTURE_STATUS_PRE_MATCH)
    request = trading_service_pb2.SuspendAllInPlayRequest(request_id=str(uuid4()))
    answer = await world.trading.SuspendAllInPlay(request, metadata=await world.log_in(PlayerRole.TRADER))
    assert in_play in answer.fixture_ids
    assert pre_match not in answer.fixture_ids
    (command,) = read_commands(world.settings, in_play)
    assert (command.action, command.market_id) == (trading_pb2.TRADING_ACTION_SUSPEND, "")
    await world.publish(build_book(in_play, 99, status=fixture_pb2.FIXTURE_STATUS_ENDED))


@pytest.mark.parametrize(
    ("role", "changes", "reason"),
    [
        (None, {}, "SESSION_REQUIRED"),
        (PlayerRole.BETTOR, {}, "TRADER_REQUIRED"),
        (PlayerRole.TRADER, {"fixture_id": "nowhere"}, "FIXTURE_UNKNOWN"),
        (PlayerRole.TRADER, {"market_id": "nothing"}, "MARKET_UNKNOWN"),
        (PlayerRole.TRADER, {"request_id": "no uuid"}, "ID_MALFORMED"),
    ],
)
async def test_a_command_is_refused_with_its_reason(
    world: World, role: PlayerRole | None, changes: dict[str, str], reason: str
) -> None:
    fixture_id = new_fixture_id()
    await know(world, fixture_id)
    fields = {"request_id": str(uuid4()), "fixture_id": fixture_id, "market_id": "1x2", **changes}
    metadata = await world.log_in(role) if role else ()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.trading.Suspend(trading_service_pb2.SuspendRequest(**fields), metadata=metadata)
    assert reason_of(caught.value) == reason
    assert read_commands(world.settings, fixture_id) == []


async def test_the_desk_is_shown_all_it_needs(world: World) -> None:
    fixture_id, provider_id, bet_id = new_fixture_id(), f"test-{uuid4().hex[:8]}", str(uuid4())
    explanation = book_pb2.PriceExplanation(fixture_id=fixture_id, version=5)
    await world.redis.set(explanation_key(fixture_id), explanation.SerializeToString(), ex=60)
    liability = risk_pb2.FixtureLiability(fixture_id=fixture_id, version=1, worst_loss_minor=4_200)
    bet = bet_pb2.BetChanged(
        position=outbox_pb2.OutboxPosition(transaction_id=1, row_id=1),
        bet=bet_pb2.Bet(bet_id=bet_id, player_id=str(uuid4()), stake=money_pb2.Money(amount_minor=500, currency="EUR")),
    )
    sign = feed_pb2.ProviderHeartbeat(provider_id=provider_id, received_time_us=1, is_up=True)
    request = trading_service_pb2.WatchDeskRequest(fixture_id=fixture_id)
    stream = world.trading.WatchDesk(request, metadata=await world.log_in(PlayerRole.TRADER))
    await world.publish(build_book(fixture_id, 5))
    await world.outlet.send_and_wait(LIABILITIES.name, fixture_id, liability.SerializeToString())
    await world.outlet.send_and_wait(FEED_PROVIDERS.name, provider_id, sign.SerializeToString())
    await world.outlet.send_and_wait(BET_EVENTS.name, "1", bet.SerializeToString())
    seen = trading_service_pb2.WatchDeskResponse()

    def is_all_seen(message: trading_service_pb2.WatchDeskResponse) -> bool:
        seen.MergeFrom(message)
        return (
            any(book.fixture_id == fixture_id for book in seen.books)
            and any(found == liability for found in seen.liabilities)
            and any(found == sign for found in seen.providers)
            and any(found.bet == bet.bet for found in seen.bets)
            and seen.explanation == explanation
        )

    await until(stream, is_all_seen)
    assert (seen.figures.environment, seen.figures.trader_name) == ("test", world.username)
    assert seen.server_time_us > 0


async def know(world: World, fixture_id: str, *, status: int = fixture_pb2.FIXTURE_STATUS_IN_PLAY) -> None:
    """Publish a book and wait until the gateway has it."""
    await world.publish(build_book(fixture_id, 1, status=status))
    stream = world.odds.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id]))
    await until(stream, lambda message: versions(message, fixture_id) == [1])
    stream.cancel()


def read_commands(settings: Settings, fixture_id: str) -> list[trading_pb2.TradingCommand]:
    """Read trading.commands.v1 to its end."""
    consumer = Consumer({**settings.kafka_client, "group.id": "test", "enable.auto.commit": False})
    try:
        topic = TRADING_COMMANDS.name
        partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, partition)) for partition in partitions]
        values = [consumer.poll(30) for _ in range(sum(high - low for low, high in ends))]
    finally:
        consumer.close()
    commands = [trading_pb2.TradingCommand.FromString(message.value() or b"") for message in values if message]
    return [command for command in commands if command.fixture_id == fixture_id]
