"""What the log has taken back is not read back, and the outlet knows how far the log has what was sent."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from infra.kafka import KafkaOutlet, partition_of
from infra.settings import Settings
from infra.stores.liability import KafkaLiabilityLog
from infra.stores.published_books import KafkaPublishedBooks
from kernel.clock import SystemClock
from streams.fixtures import Fixtures
from streams.ports import EncodedPair
from streams.pricing_eviction import Eviction
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import FakeFixturesWithBets
from wire.topics import BOOKS, EXPLANATIONS, LIABILITIES


async def take_back(outlet: KafkaOutlet, *names: str) -> None:
    """Leave nothing to other tests that is no book."""
    for topic in (BOOKS.name, EXPLANATIONS.name, LIABILITIES.name):
        for name in names:
            await outlet.send_and_wait(topic, name, None)


@pytest.fixture
def outlet(kafka_client: dict[str, str]) -> Iterator[KafkaOutlet]:
    outlet = KafkaOutlet(kafka_client, client_id="test-tombstones", delivery_timeout_ms=60_000)
    yield outlet
    outlet.close()


async def test_fixtures_that_were_evicted_are_read_back_as_taken_back(outlet: KafkaOutlet, settings: Settings) -> None:
    kept, gone, again = (f"test:{uuid.uuid4()}" for _ in range(3))
    partition_by_fixture = {name: partition_of(name, settings.kafka.partitions) for name in (kept, gone, again)}
    for name in partition_by_fixture:
        await outlet.send_and_wait(EXPLANATIONS.name, name, b"why")
        await outlet.send_and_wait(BOOKS.name, name, b"book")

    forgotten: dict[str, int] = {}
    eviction = Eviction(
        outlet,
        FakeFixturesWithBets(),
        fixtures=Fixtures(),
        clock=SystemClock(),
        retention_us=1,
        on_ended=lambda _: None,
        on_forgotten=forgotten.update,
    )
    eviction.add({name: partition_by_fixture[name] for name in (gone, again)})
    eviction.send()
    await eventually(lambda: forgotten.keys() == {gone, again})
    await outlet.send_and_wait(BOOKS.name, again, b"another book")

    published = KafkaPublishedBooks(settings.kafka_client, client_id="test-tombstones-read")
    found = await published.read(dict.fromkeys(range(settings.kafka.partitions), 0))
    await take_back(outlet, kept, again)
    assert found[kept] == EncodedPair(partition_by_fixture[kept], b"book", b"why")
    assert found[gone] == EncodedPair(partition_by_fixture[gone], None, None)
    assert found[again] == EncodedPair(partition_by_fixture[again], b"another book", None)


async def test_a_liability_that_was_dropped_is_not_read_back(outlet: KafkaOutlet, settings: Settings) -> None:
    kept, gone = (f"test:{uuid.uuid4()}" for _ in range(2))
    for name in (kept, gone):
        await outlet.send_and_wait(LIABILITIES.name, name, b"liability")
    await outlet.send_and_wait(LIABILITIES.name, gone, None)

    log = KafkaLiabilityLog(settings.kafka_client, client_id="test-tombstones-liability")
    read = await asyncio.gather(*(log.read(partition) for partition in range(settings.kafka.partitions)))
    found = {name: value for values in read for name, value in values.items()}
    await take_back(outlet, kept)
    assert found[kept] == b"liability"
    assert gone not in found


async def test_an_outlet_knows_how_far_the_log_has_what_was_sent(outlet: KafkaOutlet, settings: Settings) -> None:
    name = f"test:{uuid.uuid4()}"
    partition = partition_of(name, settings.kafka.partitions)
    assert outlet.delivered_until(BOOKS.name, partition) == 0
    await outlet.send_and_wait(BOOKS.name, name, b"book")
    first = outlet.delivered_until(BOOKS.name, partition)
    await outlet.send_and_wait(BOOKS.name, name, None)
    assert outlet.delivered_until(BOOKS.name, partition) > first > 0
