"""The pricing process on real Kafka and Redis: updates in, books out."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import aiohttp
import numpy as np
import pytest
from redis.asyncio import Redis

from infra.kafka import KafkaOutlet
from infra.log_reader import LogReader
from infra.settings import Settings
from infra.stores.book_copy import COMPLETE_KEY, LIVE_KEY, book_key
from markets.fixture import MarketStatus, SuspensionReason
from markets.layout import MarketLayout
from odds.fixture.book import Book
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from overround.trading.v1 import trading_pb2
from tests.free_ports import free_port
from wire.books import parse_book
from wire.feed import build_quotes
from wire.topics import BOOKS, FEED_PROVIDERS, FEED_UPDATES, HEARTBEATS, PRICING_DEAD_LETTERS, RESULTS, TRADING_COMMANDS

LAYOUT = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under"))])
ODDS_MILLI = (2_100, 3_400, 3_600, 1_900, 1_950)
TIMEOUT_S = 120.0


@dataclass
class PricingProcess:
    """The process as `overround process pricing` starts it."""

    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "infra.cli", "process", "pricing"]
        environment = {**os.environ, **self.settings.environment()}
        self.process = subprocess.Popen(command, env=environment)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    async def wait_healthy(self) -> None:
        url = f"http://{self.settings.host}:{self.settings.ports.pricing_http}/readyz"
        deadline_s = time.monotonic() + TIMEOUT_S
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline_s:
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        pytest.fail("pricing did not become healthy")


@dataclass
class World:
    """What surrounds pricing: providers, the desk, and somebody who reads its topics."""

    outlet: KafkaOutlet
    redis: Redis
    books: dict[str, list[Book]] = field(default_factory=dict)
    results: list[feed_pb2.FixtureResults] = field(default_factory=list)
    heartbeats: dict[int, int] = field(default_factory=dict)
    dead_letters: list[feed_pb2.DeadLetter] = field(default_factory=list)
    sequence: int = field(default_factory=lambda: time.time_ns() // 1_000)

    async def quote(self, fixture_id: str, provider_id: str, *, odds_milli: tuple[int, ...] = ODDS_MILLI) -> None:
        quotes = build_quotes(
            LAYOUT,
            market_statuses=np.ones(2, dtype=np.uint8),
            decimal_odds_milli=np.array(odds_milli, dtype=np.uint32),
            is_snapshot=True,
        )
        await self.send(feed_pb2.FeedUpdate(provider_id=provider_id, fixture_id=fixture_id, quotes=quotes))

    async def send(self, update: feed_pb2.FeedUpdate) -> None:
        if not update.sequence:
            self.sequence += 1
            update.sequence = self.sequence
        update.received_time_us = time.time_ns() // 1_000
        await self.outlet.send_and_wait(FEED_UPDATES.name, update.fixture_id, update.SerializeToString())

    async def sign(self, provider_id: str, *, timeout_ms: int = 60_000, is_up: bool = True) -> None:
        sign = feed_pb2.ProviderHeartbeat(
            provider_id=provider_id, received_time_us=time.time_ns() // 1_000, is_up=is_up, timeout_ms=timeout_ms
        )
        await self.outlet.send_and_wait(FEED_PROVIDERS.name, provider_id, sign.SerializeToString())

    async def command(self, fixture_id: str, action: trading_pb2.TradingAction.ValueType, market_id: str = "") -> None:
        command = trading_pb2.TradingCommand(
            request_id=str(uuid.uuid4()),
            fixture_id=fixture_id,
            market_id=market_id,
            action=action,
            trader_name="ann",
            time_us=time.time_ns() // 1_000,
        )
        await self.outlet.send_and_wait(TRADING_COMMANDS.name, fixture_id, command.SerializeToString())

    async def wait_for(self, fixture_id: str, *reasons: SuspensionReason, after: int = 0) -> Book:
        """Return the first book above a version whose markets have these suspension reasons."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline_s:
            for book in self.books.get(fixture_id, []):
                if book.version > after and book.suspension_reasons.tolist() == [int(reason) for reason in reasons]:
                    return book
            await asyncio.sleep(0.01)
        pytest.fail(f"no book of {fixture_id} with {reasons}, had {self.books.get(fixture_id)}")

    def take(self, topic: str, key: str, value: bytes) -> None:
        if topic == BOOKS.name:
            self.books.setdefault(key, []).append(parse_book(book_pb2.Book.FromString(value)))
        elif topic == RESULTS.name:
            self.results.append(feed_pb2.FixtureResults.FromString(value))
        elif topic == PRICING_DEAD_LETTERS.name:
            self.dead_letters.append(feed_pb2.DeadLetter.FromString(value))
        else:
            heartbeat = book_pb2.PricingHeartbeat.FromString(value)
            self.heartbeats[heartbeat.partition] = heartbeat.time_us


NONE, TRADER = SuspensionReason.NONE, SuspensionReason.TRADER


@pytest.fixture(scope="module")
def settings(stack: Settings, settings: Settings) -> Settings:
    """A Redis database of its own: these tests empty it."""
    return settings.model_copy(update={"redis": settings.redis.model_copy(update={"database": 5})})


@pytest.fixture(scope="module")
def pricing(settings: Settings) -> Iterator[PricingProcess]:
    process = PricingProcess(settings)
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
async def world(settings: Settings, pricing: PricingProcess) -> AsyncIterator[World]:
    await pricing.wait_healthy()
    outlet = KafkaOutlet(settings.kafka_client, client_id="test-world", delivery_timeout_ms=60_000)
    topics = [BOOKS.name, RESULTS.name, HEARTBEATS.name, PRICING_DEAD_LETTERS.name]
    reader = LogReader(settings.kafka_client, topics, start="end", client_id="test-world")
    world = World(outlet, Redis.from_url(settings.redis_url))
    await reader.wait_until_placed()

    async def read() -> None:
        async for records in reader.batches():
            for record in records:
                if record.value is not None:  # of other tests' fixtures that are forgotten meanwhile
                    world.take(record.topic, record.key, record.value)

    reading = asyncio.create_task(read())
    yield world
    await reader.close()
    await reading
    outlet.close()
    await world.redis.aclose()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is to come about; the assertion after it says what is missing."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        if condition():
            return
        await asyncio.sleep(0.01)


async def wait_complete(world: World) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        if await world.redis.get(COMPLETE_KEY) == b"1":
            return
        await asyncio.sleep(0.05)
    pytest.fail("the serving copy did not become complete")


def new_fixture() -> str:
    return f"test:{uuid.uuid4()}"


def new_provider() -> str:
    return f"p-{uuid.uuid4()}"


async def test_quotes_become_a_book_in_kafka_and_redis(world: World) -> None:
    fixture_id, provider_id = new_fixture(), new_provider()
    await world.sign(provider_id)
    await world.quote(fixture_id, provider_id)

    book = await world.wait_for(fixture_id, NONE, NONE)

    assert book.market_statuses.tolist() == [MarketStatus.OPEN, MarketStatus.OPEN]
    assert sum(1_000 / book.decimal_odds_milli[:3]) >= 1.05
    assert sum(1_000 / book.decimal_odds_milli[3:]) >= 1.05
    stored = await redis_book(world, fixture_id, book.version)
    assert stored.decimal_odds_milli.tolist() == book.decimal_odds_milli.tolist()
    assert await world.redis.sismember(LIVE_KEY, fixture_id)


async def redis_book(world: World, fixture_id: str, version: int) -> Book:
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        raw: bytes | None = await world.redis.get(book_key(fixture_id))  # type: ignore[assignment]
        if raw and (book := parse_book(book_pb2.Book.FromString(raw))).version >= version:
            return book
        await asyncio.sleep(0.01)
    pytest.fail("the book did not reach Redis")


async def test_nothing_is_published_where_nothing_changed(world: World) -> None:
    fixture_id, other_id, provider_id = new_fixture(), new_fixture(), new_provider()
    await world.quote(fixture_id, provider_id)
    await world.wait_for(fixture_id, NONE, NONE)

    await world.quote(fixture_id, provider_id)
    await world.quote(other_id, provider_id)
    await world.wait_for(other_id, NONE, NONE)
    await asyncio.sleep(0.2)

    assert len(world.books[fixture_id]) == 1


async def test_a_silent_provider_suspends_what_it_alone_prices_and_comes_back(world: World) -> None:
    fixture_id, shared_id = new_fixture(), new_fixture()
    silent, steady = new_provider(), new_provider()
    await world.sign(silent, timeout_ms=400)
    for provider_id in (silent, steady):
        await world.quote(shared_id, provider_id)
    await world.quote(fixture_id, silent)
    await world.wait_for(fixture_id, NONE, NONE)

    down = SuspensionReason.PROVIDER_DOWN
    suspended = await world.wait_for(fixture_id, down, down)
    await world.sign(silent, timeout_ms=60_000)
    await world.wait_for(fixture_id, NONE, NONE, after=suspended.version)

    assert all(book.suspension_reasons.tolist() == [0, 0] for book in world.books[shared_id])


async def test_a_trader_suspends_and_resumes_one_market_by_name(world: World) -> None:
    fixture_id, provider_id = new_fixture(), new_provider()
    await world.quote(fixture_id, provider_id)
    await world.wait_for(fixture_id, NONE, NONE)

    await world.command(fixture_id, trading_pb2.TRADING_ACTION_SUSPEND, "total:2.5")
    suspended = await world.wait_for(fixture_id, NONE, TRADER)
    await world.command(fixture_id, trading_pb2.TRADING_ACTION_RESUME, "total:2.5")
    resumed = await world.wait_for(fixture_id, NONE, NONE, after=suspended.version)

    assert [item.trader_name for item in suspended.trader_suspensions] == ["ann"]
    assert resumed.trader_suspensions == ()
    assert resumed.version > suspended.version


async def test_results_follow_the_book_that_shows_them(world: World) -> None:
    fixture_id, provider_id = new_fixture(), new_provider()
    await world.quote(fixture_id, provider_id)
    await world.wait_for(fixture_id, NONE, NONE)

    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    await world.send(feed_pb2.FeedUpdate(provider_id=provider_id, fixture_id=fixture_id, results=[result]))
    await until(lambda: any(item.fixture_id == fixture_id for item in world.results))

    assert [item.results[0].market_id for item in world.results if item.fixture_id == fixture_id] == ["1x2"]
    assert world.books[fixture_id][-1].market_statuses.tolist() == [MarketStatus.SETTLED, MarketStatus.OPEN]


async def test_malformed_values_are_kept_aside_and_the_rest_flows_on(world: World) -> None:
    fixture_id, provider_id = new_fixture(), new_provider()
    await world.outlet.send_and_wait(FEED_UPDATES.name, fixture_id, b"\xff\xff")
    await world.quote(fixture_id, provider_id)

    await world.wait_for(fixture_id, NONE, NONE)

    await until(lambda: any(letter.raw == b"\xff\xff" for letter in world.dead_letters))
    assert [letter.reason for letter in world.dead_letters if letter.raw == b"\xff\xff"] == ["MALFORMED"]


async def test_every_partition_beats(world: World, settings: Settings) -> None:
    await until(lambda: len(world.heartbeats) >= settings.kafka.partitions)

    now_us = time.time_ns() // 1_000
    assert sorted(world.heartbeats) == list(range(settings.kafka.partitions))
    assert all(abs(now_us - time_us) < 5_000_000 for time_us in world.heartbeats.values())


@pytest.mark.parametrize("is_copy_lost", [False, True])
async def test_a_killed_worker_goes_on_from_its_state(
    world: World, pricing: PricingProcess, *, is_copy_lost: bool
) -> None:
    fixture_id, provider_id, other_provider_id = new_fixture(), new_provider(), new_provider()
    for item in (provider_id, other_provider_id):
        await world.sign(item)
        await world.quote(fixture_id, item)
    await world.command(fixture_id, trading_pb2.TRADING_ACTION_SUSPEND, "total:2.5")
    before = await world.wait_for(fixture_id, NONE, TRADER)
    await redis_book(world, fixture_id, before.version)

    pricing.kill()
    if is_copy_lost:
        await world.redis.flushdb()
    await world.send(bet_stop(provider_id, fixture_id))
    pricing.start()
    await pricing.wait_healthy()

    after = await world.wait_for(fixture_id, SuspensionReason.BET_STOP, TRADER)
    assert after.version > before.version
    assert after.decimal_odds_milli.tolist() == before.decimal_odds_milli.tolist()
    assert after.trader_suspensions == before.trader_suspensions
    versions = [book.version for book in world.books[fixture_id]]
    assert versions == sorted(set(versions))
    await redis_book(world, fixture_id, after.version)
    await wait_complete(world)


def bet_stop(provider_id: str, fixture_id: str) -> feed_pb2.FeedUpdate:
    state = fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_PRE_MATCH)
    return feed_pb2.FeedUpdate(provider_id=provider_id, fixture_id=fixture_id, bet_stop=feed_pb2.BetStop(), state=state)


async def test_a_serving_copy_that_lost_its_data_is_filled_anew(world: World) -> None:
    fixture_id, provider_id = new_fixture(), new_provider()
    await world.quote(fixture_id, provider_id)
    book = await world.wait_for(fixture_id, NONE, NONE)
    await redis_book(world, fixture_id, book.version)

    await world.redis.flushdb()

    assert (await redis_book(world, fixture_id, book.version)).version == book.version
    await wait_complete(world)


async def test_two_workers_share_the_fixtures_and_the_desks_commands(
    world: World, settings: Settings, pricing: PricingProcess
) -> None:
    ports = settings.ports.model_copy(update={"pricing_http": free_port()})
    second = PricingProcess(settings.model_copy(update={"ports": ports}))
    second.start()
    await second.wait_healthy()
    await pricing.wait_healthy()
    fixture_ids, provider_id = [new_fixture() for _ in range(8)], new_provider()
    await world.sign(provider_id)
    for fixture_id in fixture_ids:
        await world.quote(fixture_id, provider_id)
        await world.command(fixture_id, trading_pb2.TRADING_ACTION_SUSPEND, "1x2")
    before = [await world.wait_for(fixture_id, TRADER, NONE) for fixture_id in fixture_ids]

    assert second.stop() == 0
    for fixture_id in fixture_ids:
        await world.command(fixture_id, trading_pb2.TRADING_ACTION_SUSPEND, "total:2.5")

    after = [await world.wait_for(fixture_id, TRADER, TRADER) for fixture_id in fixture_ids]
    assert all(new.version > old.version for new, old in zip(after, before, strict=True))
    for fixture_id in fixture_ids:
        versions = [book.version for book in world.books[fixture_id]]
        assert versions == sorted(set(versions))
