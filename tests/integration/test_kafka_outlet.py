"""The outlet against a real broker, and against none."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from infra.kafka import KafkaOutlet, partition_of
from infra.log_reader import LogReader
from infra.settings import Settings
from kernel.log import DeliveryFailed, OutletFull
from wire.topics import TRADING_COMMANDS


async def test_keys_go_where_partition_of_says(settings: Settings) -> None:
    outlet = KafkaOutlet(settings.kafka_client, client_id="test-outlet", delivery_timeout_ms=5_000)
    reader = LogReader(settings.kafka_client, [TRADING_COMMANDS.name], start="end", client_id="test-outlet")
    await reader.wait_until_placed()
    keys = [f"test:{uuid.uuid4()}" for _ in range(20)]
    await asyncio.gather(*(outlet.send_and_wait(TRADING_COMMANDS.name, key, b"") for key in keys))

    found: dict[str, int] = {}
    async with asyncio.timeout(60):
        async for records in reader.batches():
            found |= {record.key: record.partition for record in records if record.key in keys}
            if len(found) == len(keys):
                break
    await reader.close()
    outlet.close()

    assert found == {key: partition_of(key, settings.kafka.partitions) for key in keys}
    assert len(set(found.values())) > 1


def test_partition_of_is_the_hash_of_kafkas_java_client() -> None:
    """Figures of the Java client's own test of murmur2, folded onto 100 partitions."""
    hashes = {"21": -973932308, "foobar": -790332482, "abc": 479470107, "a-little-bit-long-string": -985981536}
    for key, hashed in hashes.items():
        assert partition_of(key, 100) == (hashed & 0x7FFFFFFF) % 100


async def test_a_broker_that_is_away_fails_the_send_within_its_time() -> None:
    outlet = KafkaOutlet({"bootstrap.servers": "127.0.0.1:1"}, client_id="test-outlet", delivery_timeout_ms=300)
    async with asyncio.timeout(60):
        with pytest.raises(DeliveryFailed):
            await outlet.send_and_wait(TRADING_COMMANDS.name, "key", b"value")
    outlet.close()


async def test_a_closed_outlet_takes_nothing(settings: Settings) -> None:
    outlet = KafkaOutlet(settings.kafka_client, client_id="test-outlet", delivery_timeout_ms=300)
    outlet.close()
    with pytest.raises(OutletFull):
        outlet.send(TRADING_COMMANDS.name, "key", b"value")


async def test_a_listener_that_raises_takes_nobody_elses_confirmation(settings: Settings) -> None:
    outlet = KafkaOutlet(settings.kafka_client, client_id="test-outlet", delivery_timeout_ms=5_000)

    def fail(_: Exception | None) -> None:
        raise RuntimeError("listener")

    outlet.send(TRADING_COMMANDS.name, "test:fails", b"", fail)
    async with asyncio.timeout(60):
        await outlet.flush(5.0)
        await outlet.send_and_wait(TRADING_COMMANDS.name, "test:after", b"")
    outlet.close()
