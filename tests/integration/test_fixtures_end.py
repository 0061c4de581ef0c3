"""The end of fixtures in Kafka, Redis and PostgreSQL, over restarts: nothing of them is left but log and ledger."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from typing import Any, cast

import pytest
from faust.types import TP
from redis.asyncio import Redis

from infra.kafka import KafkaOutlet, partition_of
from infra.settings import Settings
from infra.stores.book_copy import RedisBookStore
from infra.stores.exposure import RedisExposure
from infra.stores.liability import KafkaLiabilityLog, RedisLiability
from infra.stores.open_fixtures import PostgresOpenFixtures
from infra.stores.postgres import PostgresPool
from infra.stores.published_books import KafkaPublishedBooks
from odds.pricing.policy import PricingPolicy
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import fixture_pb2
from risk.ports import ExposureEntry
from streams.liability import LiabilityAgent
from streams.liability_ends import LOOK_INTERVAL_S, QUIET_US
from streams.ports import EncodedPair
from streams.pricing import PricingAgent
from tests.fakes.fake_faust import FakeApp, eventually
from tests.fakes.pricing_bench import PACE, FakePricingApp, FakeProviderLog, FakeSpacing
from tests.ledger_world import open_world, scratch_database, settlement
from tests.unit.streams.test_fixtures_end import QUOTES, JumpingClock
from wire.topics import BET_LEGS, FEED_UPDATES, TRADING_COMMANDS

FIXTURES = 200
REDIS_DATABASE = 9
TIMEOUT_MS = 5_000


class OwnPublishedBooks(KafkaPublishedBooks):
    """Of what the log has, what this test wrote."""

    prefix = ""

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        found = await super().read(since_ms_by_partition)
        return {name: pair for name, pair in found.items() if name.startswith(self.prefix)}


class OwnLiabilityLog(KafkaLiabilityLog):
    """Of what the log has, what this test wrote."""

    prefix = ""

    async def read(self, partition: int) -> dict[str, bytes]:
        return {name: value for name, value in (await super().read(partition)).items() if name.startswith(self.prefix)}


class World:
    """Pricing and risk, which come and go, on stores that stay."""

    def __init__(self, settings: Settings, outlet: KafkaOutlet, redis: Redis, pool: PostgresPool) -> None:
        self.prefix = f"end-{uuid.uuid4().hex[:8]}:"
        names = (f"{self.prefix}{number}" for number in range(10 * FIXTURES))
        in_first = [name for name in names if partition_of(name, settings.kafka.partitions) == 0]
        self.names = in_first[:FIXTURES]
        self.outlet, self.redis = outlet, redis
        self.clock = JumpingClock()
        self.store = RedisBookStore(redis, partitions=1, timeout_ms=TIMEOUT_MS)
        self.copy = RedisLiability(redis, partitions=1, timeout_ms=TIMEOUT_MS)
        self.exposure = RedisExposure(redis, clock=self.clock, timeout_ms=TIMEOUT_MS)
        self.ledger = PostgresOpenFixtures(pool)
        self.published = OwnPublishedBooks(settings.kafka_client, client_id="test-ends-books")
        self.liabilities = OwnLiabilityLog(settings.kafka_client, client_id="test-ends-liability")
        self.published.prefix = self.liabilities.prefix = self.prefix
        self.sequence = 0

    async def start(self) -> None:
        self.feed, self.legs = FakePricingApp(), FakeApp()
        pricing = PricingAgent(
            outlet=self.outlet,
            store=self.store,
            published=self.published,
            open_bets=self.copy,
            provider_log=FakeProviderLog(),
            clock=self.clock,
            policy=PricingPolicy(provider_timeout_us=10**18),
            pace=PACE,
            spacing=FakeSpacing(),
            busy_share=lambda: 0.0,
        )
        risk = LiabilityAgent(
            outlet=self.outlet,
            copy=self.copy,
            published=self.liabilities,
            exposure=self.exposure,
            priced=self.store,
            ledger=self.ledger,
            clock=self.clock,
            currency="EUR",
            interval_s=0,
        )
        pricing.attach(cast("Any", self.feed))
        risk.attach(cast("Any", self.legs))
        self.tasks = [asyncio.create_task(function()) for function in self.feed.functions]
        await self.legs.__aenter__()
        await self.legs.on_partitions_assigned.send({TP(BET_LEGS.name, 0)})
        await self.feed.on_partitions_assigned.send({TP(FEED_UPDATES.name, 0), TP(TRADING_COMMANDS.name, 0)})
        await eventually(lambda: pricing.is_ready and risk.is_ready)

    async def crash(self) -> None:
        await self.legs.__aexit__()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def tell(self, update: feed_pb2.FeedUpdate) -> None:
        for name in self.names:
            self.sequence += 1
            update.provider_id, update.fixture_id, update.sequence = "alpha", name, self.sequence
            update.received_time_us = self.feed.appended_us = self.clock.now_us()
            self.feed.deliver(FEED_UPDATES.name, name, update.SerializeToString())
        await eventually(lambda: len(self.feed.acknowledged) == self.feed.offset)

    async def bet(self, kind: bet_pb2.BetEvent.Kind.ValueType) -> None:
        sign = 1 if kind == bet_pb2.BetEvent.KIND_ACCEPTED else -1
        before = len(self.legs.acknowledged)
        for number, name in enumerate(self.names):
            bet_id = uuid.uuid5(uuid.NAMESPACE_URL, name)
            if sign > 0:
                await self.exposure.add_bet(ExposureEntry(name, "1x2", "home", 100, 210), bet_id=bet_id)
            leg = bet_pb2.LegChanged(
                position=outbox_pb2.OutboxPosition(transaction_id=2 - sign, row_id=number),
                bet_id=str(bet_id),
                leg=bet_pb2.Leg(fixture_id=name, market_id="1x2", outcome_id="home"),
                stake_minor=sign * 100,
                potential_return_minor=sign * 210,
                currency="EUR",
                kind=kind,
            )
            self.legs.deliver(BET_LEGS.name, before + number, leg.SerializeToString())
        await eventually(lambda: len(self.legs.acknowledged) == before + len(self.names))

    async def left_in_log(self) -> set[str]:
        pairs = await self.published.read({0: 0})
        books = {name for name, pair in pairs.items() if pair.book or pair.explanation}
        return books | set(await self.liabilities.read(0))

    async def left_in_redis(self) -> set[str]:
        """Return the keys of the database that are named after one of the fixtures or hold its name."""
        keys = [key.decode() async for key in self.redis.scan_iter(count=1_000)]
        return {key for key in keys if self.prefix in key or self.prefix in await self._content(key)}

    async def wait_until(self, is_so: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not await is_so():
                self.clock.time_us += int(LOOK_INTERVAL_S * 1e6)
                await asyncio.sleep(0.5)

    async def is_empty(self) -> bool:
        return not await self.left_in_log() and not await self.left_in_redis()

    async def _content(self, key: str) -> str:
        redis: Any = self.redis
        reads = {b"set": redis.smembers, b"hash": redis.hkeys, b"zset": lambda name: redis.zrange(name, 0, -1)}
        read = reads.get(await redis.type(key))
        found: Collection[bytes] = await read(key) if read is not None else ()
        return " ".join(member.decode() for member in found)


@pytest.fixture
def outlet(kafka_client: dict[str, str]) -> Iterator[KafkaOutlet]:
    outlet = KafkaOutlet(kafka_client, client_id="test-ends", delivery_timeout_ms=60_000)
    yield outlet
    outlet.close()


@pytest.fixture
async def world(settings: Settings, outlet: KafkaOutlet) -> AsyncIterator[World]:
    own = settings.model_copy(update={"redis": settings.redis.model_copy(update={"database": REDIS_DATABASE})})
    redis = Redis.from_url(own.redis_url)
    await redis.flushdb()
    async with scratch_database(settings) as scratch, open_world(scratch) as ledger:
        yield World(settings, outlet, redis, ledger.pool)
    await redis.flushdb()
    await redis.aclose()


async def test_fixtures_that_end_leave_nothing_in_the_log_and_in_redis_whoever_crashes(world: World) -> None:
    await world.start()
    await world.tell(feed_pb2.FeedUpdate(quotes=QUOTES))
    await world.bet(bet_pb2.BetEvent.KIND_ACCEPTED)
    await world.tell(
        feed_pb2.FeedUpdate(state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_ENDED)),
    )
    await world.bet(bet_pb2.BetEvent.KIND_SETTLED)
    assert await world.left_in_log() == set(world.names)
    await world.crash()

    world.clock.time_us += PACE.retention_us + QUIET_US
    await world.start()
    await world.wait_until(lambda: has_begun_to_end(world))
    await world.crash()

    await world.start()
    await world.wait_until(world.is_empty)
    await world.crash()


async def has_begun_to_end(world: World) -> bool:
    pairs = await world.published.read({0: 0})
    return any(pair.book is None for pair in pairs.values())


async def test_the_ledger_says_which_fixtures_have_open_bets(settings: Settings) -> None:
    async with scratch_database(settings) as scratch, open_world(scratch) as world:
        player = await world.open_player(cash_minor=1_000)
        for fixture_id in ("open", "settled"):
            await world.bet(player, stake_minor=100, fixture_id=fixture_id)
        await world.apply("settled", settlement(home_won=True), key="result")
        fixtures = PostgresOpenFixtures(world.pool)
        assert await fixtures.with_open_bets(["open", "settled", "unknown"]) == {"open"}
        assert await fixtures.with_open_bets([]) == set()
