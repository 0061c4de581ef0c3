"""Prices explained by version, from a real log and a real serving copy."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from redis.asyncio import Redis

from gateway.books import BookCache, FixtureUnknown
from gateway.price_explainer import ExplanationExpired, ExplanationUnknown, PriceExplainer
from infra.kafka import KafkaOutlet, partition_of
from infra.settings import Settings
from infra.stores.book_copy import RedisBookSnapshots, explanation_key
from infra.stores.explanation_log import KEPT_MS, READERS_MAX, KafkaExplanationLog
from kernel.clock import SystemClock
from kernel.errors import Unavailable
from markets.fixture import MarketStatus
from markets.layout import MarketLayout
from odds.fixture.book import Explanation
from odds.fixture.state import new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.trading.v1 import trading_service_pb2
from wire.books import encode_explanation
from wire.topics import EXPLANATIONS

LAYOUT = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under"))])
PROVIDER_ID = "sim-alpha"
TIMEOUT_MS = 30_000


def make_explanation(fixture_id: str, version: int, home_odds_milli: int = 2_100) -> Explanation:
    """Return what pricing would publish with a book of this version."""
    odds_milli = np.array([home_odds_milli, 3_400, 3_600, 1_900, 1_950], dtype=np.uint32)
    quotes = Quotes(LAYOUT, np.full(2, MarketStatus.OPEN, dtype=np.uint8), odds_milli, True)
    state = fold(new_state(fixture_id), FixtureUpdate(PROVIDER_ID, fixture_id, 1, version, version, quotes=quotes))
    priced = price([state], up_providers=frozenset({PROVIDER_ID}), policy=PricingPolicy(), now_us=version)
    return priced[0].explanation


class World:
    """Somebody who publishes as pricing does, and an explainer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.outlet = KafkaOutlet(settings.kafka_client, client_id="test", delivery_timeout_ms=60_000)
        self.redis: Any = Redis.from_url(settings.redis_url)
        self.log = KafkaExplanationLog(
            settings.kafka_client,
            partitions=settings.kafka.partitions,
            client_id="test-explanations",
            timeout_ms=TIMEOUT_MS,
        )
        clock = SystemClock()
        books = BookCache(clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1, watchers_max=1)
        self.explainer = PriceExplainer(
            explanations=RedisBookSnapshots(self.redis), log=self.log, books=books, clock=clock, kept_ms=KEPT_MS
        )

    async def publish(self, explanation: Explanation) -> None:
        value = encode_explanation(explanation)
        await self.redis.set(explanation_key(explanation.fixture_id), value, ex=60)
        await self.outlet.send_and_wait(EXPLANATIONS.name, explanation.fixture_id, value)

    async def publish_three(self, fixture_id: str) -> list[int]:
        """Publish three versions as time goes on; return them."""
        versions = []
        for home_odds_milli in (2_100, 2_200, 2_300):
            versions.append(now_us())
            await self.publish(make_explanation(fixture_id, versions[-1], home_odds_milli))
            await asyncio.sleep(0.005)
        return versions

    async def explain(self, fixture_id: str, version: int) -> trading_service_pb2.ExplainPriceResponse:
        return await self.explainer.explain(fixture_id=fixture_id, version=version, market_id="1x2")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    world = World(settings)
    yield world
    await world.log.close()
    await world.redis.aclose()
    world.outlet.close()


def now_us() -> int:
    return time.time_ns() // 1_000


def new_fixture_id() -> str:
    return f"test:{uuid.uuid4()}"


def provider_odds_milli(answer: trading_service_pb2.ExplainPriceResponse) -> int:
    return answer.markets[0].outcomes[0].provider_prices[0].decimal_odds_milli


async def test_each_version_is_explained_by_what_it_was_made_from(world: World) -> None:
    fixture_id = new_fixture_id()
    versions = await world.publish_three(fixture_id)
    answers = [await world.explain(fixture_id, version) for version in versions]
    assert [answer.version for answer in answers] == versions
    assert [provider_odds_milli(answer) for answer in answers] == [2_100, 2_200, 2_300]
    assert provider_odds_milli(await world.explain(fixture_id, 0)) == 2_300


async def test_between_and_after_versions_there_is_none_and_the_others_are_named(world: World) -> None:
    fixture_id = new_fixture_id()
    first, second, third = await world.publish_three(fixture_id)
    with pytest.raises(ExplanationUnknown) as refused:
        await world.explain(fixture_id, first + 1)
    assert refused.value.figures["version_after"] == str(second)
    assert refused.value.figures["newest_version"] == str(third)
    with pytest.raises(ExplanationUnknown) as refused:
        await world.explain(fixture_id, third + 1)
    assert "version_after" not in refused.value.figures


async def test_a_version_stays_explained_by_its_book_when_later_inputs_change_no_price(world: World) -> None:
    fixture_id = new_fixture_id()
    (*_, third) = await world.publish_three(fixture_id)
    later = make_explanation(fixture_id, third, 2_310)._replace(version=third)
    await world.publish(later)
    assert provider_odds_milli(await world.explain(fixture_id, third)) == 2_300
    assert provider_odds_milli(await world.explain(fixture_id, 0)) == 2_310


async def test_a_version_is_found_before_and_behind_the_records_of_others(world: World) -> None:
    fixture_id, partitions = new_fixture_id(), world.settings.kafka.partitions
    before = await world.publish_three(fixture_id)
    partition = partition_of(fixture_id, partitions)
    neighbours = [
        name for name in (new_fixture_id() for _ in range(1_500)) if partition_of(name, partitions) == partition
    ]
    values = [(name, encode_explanation(make_explanation(name, now_us()))) for name in neighbours]
    for _ in range(5):
        for name, value in values:
            world.outlet.send(EXPLANATIONS.name, name, value)
    await world.outlet.flush(30)
    behind = await world.publish_three(fixture_id)
    for version in (*before, *behind):
        assert (await world.explain(fixture_id, version)).version == version


async def test_an_unknown_fixture_and_an_old_version_are_told_apart(world: World) -> None:
    fixture_id = new_fixture_id()
    await world.publish_three(fixture_id)
    with pytest.raises(FixtureUnknown):
        await world.explain(new_fixture_id(), now_us())
    with pytest.raises(ExplanationExpired) as refused:
        await world.explain(fixture_id, now_us() - KEPT_MS * 1_000 - 1_000_000)
    assert int(refused.value.figures["kept_since_us"]) == pytest.approx(now_us() - KEPT_MS * 1_000, abs=60_000_000)


async def test_more_questions_than_readers_wait_for_their_turn(world: World) -> None:
    fixture_id = new_fixture_id()
    versions = await world.publish_three(fixture_id)
    asked = versions * READERS_MAX
    answers = await asyncio.gather(*(world.explain(fixture_id, version) for version in asked))
    assert [answer.version for answer in answers] == asked


async def test_without_a_broker_every_question_is_refused_and_none_waits_for_ever(world: World) -> None:
    nowhere = KafkaExplanationLog(
        {"bootstrap.servers": "127.0.0.1:1"}, partitions=4, client_id="test-explanations", timeout_ms=300
    )
    asked = [nowhere.find_explanation("f", now_us()) for _ in range(READERS_MAX + 2)]
    async with asyncio.timeout(TIMEOUT_MS / 1_000):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * len(asked)
    await nowhere.close()


def test_the_broker_keeps_every_version_for_as_long_as_is_said(settings: Settings) -> None:
    admin = AdminClient({**settings.kafka_client})
    (described,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, EXPLANATIONS.name)]).values()
    assert described.result(timeout=10)["min.compaction.lag.ms"].value == str(KEPT_MS)
