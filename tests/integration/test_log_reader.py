"""The reader of whole topics against a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

import infra.log_reader
from infra.kafka import KafkaOutlet
from infra.log_reader import LogReader
from kernel.log import Record

PARTITIONS = 3
TIMEOUT_S = 120


@pytest.fixture
def admin(kafka_client: dict[str, str]) -> AdminClient:
    return AdminClient({**kafka_client})


def create(admin: AdminClient) -> str:
    topic = f"test-log-{uuid4().hex[:8]}"
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(TIMEOUT_S)
    return topic


@pytest.fixture
def topic(admin: AdminClient) -> str:
    return create(admin)


@pytest.fixture
def outlet(kafka_client: dict[str, str]) -> Iterator[KafkaOutlet]:
    outlet = KafkaOutlet(kafka_client, client_id="test-log", delivery_timeout_ms=60_000)
    yield outlet
    outlet.close()


@pytest.fixture
async def open_reader(kafka_client: dict[str, str]) -> AsyncIterator[Callable[..., LogReader]]:
    opened: list[LogReader] = []

    def open_reader(*topics: str, **options: object) -> LogReader:
        reader = LogReader(kafka_client, topics, client_id="test-log", **options)  # type: ignore[arg-type]
        opened.append(reader)
        return reader

    yield open_reader
    for reader in opened:
        await reader.close()


async def append(outlet: KafkaOutlet, topic: str, *values: int) -> None:
    await asyncio.gather(*(outlet.send_and_wait(topic, f"key-{value}", str(value).encode()) for value in values))


async def read(reader: LogReader, count: int) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(TIMEOUT_S):
        async for batch in reader.batches():
            records += batch
            if len(records) >= count:
                return records
    raise AssertionError("the reader ended")


async def until_caught_up(reader: LogReader) -> None:
    for _ in range(TIMEOUT_S * 100):
        if reader.is_caught_up:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the reader did not catch up")


def values(records: list[Record]) -> list[int]:
    return sorted(int(record.value or b"-1") for record in records)


async def test_everything_is_read_from_the_beginning_of_every_partition(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, *range(300))
    records = await read(open_reader(topic, start="beginning"), 300)
    assert values(records) == list(range(300))
    assert {record.partition for record in records} == set(range(PARTITIONS))
    assert all(record.key == f"key-{int(record.value or b'')}" and record.timestamp_ms > 0 for record in records)


async def test_from_the_end_only_what_comes_after_the_place_was_fixed_is_read(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, 1, 2, 3)
    reader = open_reader(topic, start="end")
    await reader.wait_until_placed()
    await append(outlet, topic, 4, 5)
    assert values(await read(reader, 2)) == [4, 5]


async def test_a_reader_tells_from_where_it_reads_each_partition(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, *range(40))
    begun_at = []
    for start in ("beginning", "end"):
        reader = open_reader(topic, start=start)
        await reader.wait_until_placed()
        begun_at.append(reader.begun_at(topic))
    assert begun_at[0] == dict.fromkeys(range(PARTITIONS), 0)
    assert begun_at[1] == {partition: outlet.delivered_until(topic, partition) for partition in range(PARTITIONS)}
    assert sum(begun_at[1].values()) == 40
    assert reader.begun_at("another") == {}


async def test_a_backlog_goes_back_so_many_records_of_each_partition(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    for value in range(60):
        await append(outlet, topic, value)
    records = await read(open_reader(topic, start="end", backlog_records=2), 2 * PARTITIONS)
    assert len(records) == 2 * PARTITIONS
    assert max(values(records)) == 59


async def test_it_is_caught_up_when_all_that_was_there_has_been_worked_off(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, *range(50))
    reader = open_reader(topic, start="beginning")
    seen: list[Record] = []

    async def work_off() -> None:
        async for batch in reader.batches():
            assert not reader.is_caught_up
            seen.extend(batch)

    working = asyncio.create_task(work_off())
    await until_caught_up(reader)
    assert len(seen) == 50
    working.cancel()


async def test_an_empty_topic_is_caught_up_at_once(topic: str, open_reader: Callable[..., LogReader]) -> None:
    reader = open_reader(topic, start="beginning")
    reading = asyncio.create_task(read(reader, 1))
    await until_caught_up(reader)
    reading.cancel()


async def test_seeking_the_beginning_reads_everything_again(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, 1, 2, 3)
    reader = open_reader(topic, start="end")
    await reader.wait_until_placed()
    await reader.seek("beginning")
    assert not reader.is_caught_up
    assert values(await read(reader, 3)) == [1, 2, 3]


async def test_from_a_time_on_only_what_was_appended_since_is_read(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader]
) -> None:
    await append(outlet, topic, *range(30))
    await asyncio.sleep(0.05)
    since_ms = time.time_ns() // 1_000_000
    await append(outlet, topic, 100, 101)
    assert values(await read(open_reader(topic, start=since_ms), 2)) == [100, 101]
    later = open_reader(topic, start=since_ms + 60_000)
    await later.wait_until_placed()
    await append(outlet, topic, 200)
    assert values(await read(later, 1)) == [200]


async def test_a_topic_that_does_not_exist_yet_is_waited_for(
    admin: AdminClient, outlet: KafkaOutlet, open_reader: Callable[..., LogReader]
) -> None:
    topic = f"test-log-{uuid4().hex[:8]}"
    reader = open_reader(topic, start="beginning")
    placing = asyncio.create_task(reader.wait_until_placed())
    await asyncio.sleep(0.3)
    assert not placing.done()
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(TIMEOUT_S)
    await asyncio.wait_for(placing, TIMEOUT_S)
    await append(outlet, topic, 7)
    assert values(await read(reader, 1)) == [7]


async def test_a_reader_nobody_takes_from_holds_no_more_than_its_bound(
    outlet: KafkaOutlet, topic: str, open_reader: Callable[..., LogReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra.log_reader, "WAITING_RECORDS_MAX", 20)
    monkeypatch.setattr(infra.log_reader, "BATCH_RECORDS_MAX", 10)
    await append(outlet, topic, *range(500))
    reader = open_reader(topic, start="beginning")
    batches = reader.batches()
    first = await asyncio.wait_for(anext(batches), TIMEOUT_S)
    await asyncio.sleep(0.5)
    second = await asyncio.wait_for(anext(batches), TIMEOUT_S)
    assert len(second) <= 30
    rest = await read(reader, 500 - len(first) - len(second))
    assert values(first + second + rest) == list(range(500))


async def test_closing_ends_the_iteration_promptly(topic: str, open_reader: Callable[..., LogReader]) -> None:
    reader = open_reader(topic, start="end")

    async def read_all() -> int:
        return len([batch async for batch in reader.batches()])

    reading = asyncio.create_task(read_all())
    await reader.wait_until_placed()
    await asyncio.wait_for(reader.close(), 60)
    assert await asyncio.wait_for(reading, 60) == 0
