"""What providers said, read back from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from gateway.feeds.ports import LoggedUpdate
from infra.kafka import reader_options, take_records
from kernel.log import DeliveryFailed
from overround.feed.v1.feed_pb2 import FeedUpdate, ProviderHeartbeat
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

RECORDS_AT_ONCE: Final = 2_000
TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0

_Find = Callable[[Consumer, str, list[int]], dict[int, tuple[int, int]]]
"""Returns where to begin and to end, by partition."""


class KafkaFeedLog:
    """Reads a span of time of feed.updates.v1, and all that feed.providers.v1 still has."""

    def __init__(self, client: Mapping[str, str], *, client_id: str) -> None:
        self._options = reader_options(client, client_id=client_id)

    async def updates_of(self, provider_id: str, *, since_ms: int, until_ms: int) -> list[LoggedUpdate]:
        """Return the updates of a provider among what was appended in this span of time.

        Raises:
            DeliveryFailed: If the log cannot be read in time.
        """
        values = await self._read(FEED_UPDATES.name, partial(_find_span, since_ms=since_ms, until_ms=until_ms))
        return [found for _, value in values if (found := _update_of(value, provider_id)) is not None]

    async def last_sign(self, provider_id: str) -> ProviderHeartbeat | None:
        """Return a provider's last sign of life, None if there never was any.

        Raises:
            DeliveryFailed: If the log cannot be read in time.
        """
        values = await self._read(FEED_PROVIDERS.name, _find_all)
        last = next((value for key, value in reversed(values) if key == provider_id.encode()), None)
        try:
            return None if last is None else ProviderHeartbeat.FromString(last)
        except DecodeError:  # nothing that a door wrote
            return None

    async def _read(self, topic: str, find: _Find) -> list[tuple[bytes, bytes]]:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await asyncio.to_thread(self._read_all, topic, find)
        except (KafkaException, TimeoutError) as error:
            raise DeliveryFailed(f"{topic} must be readable, failed with {error!r}") from error

    def _read_all(self, topic: str, find: _Find) -> list[tuple[bytes, bytes]]:
        consumer = Consumer(self._options)
        try:
            partitions = sorted(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
            spans = find(consumer, topic, partitions)
            consumer.assign([TopicPartition(topic, partition, start) for partition, (start, _) in spans.items()])
            return list(_records(consumer, {partition: end for partition, (_, end) in spans.items()}))
        finally:
            consumer.close()


def _find_span(
    consumer: Consumer, topic: str, partitions: list[int], *, since_ms: int, until_ms: int
) -> dict[int, tuple[int, int]]:
    """Return where what was appended in this time begins and ends, by partition, without those that have none of it."""
    starts = _offsets_at(consumer, topic, partitions, since_ms)
    stops = _offsets_at(consumer, topic, partitions, until_ms)
    spans = {}
    for partition, (low, high) in _find_all(consumer, topic, partitions).items():
        start = max(low, high if starts[partition] < 0 else starts[partition])
        end = high if stops[partition] < 0 else stops[partition]
        if start < end:
            spans[partition] = (start, end)
    return spans


def _find_all(consumer: Consumer, topic: str, partitions: list[int]) -> dict[int, tuple[int, int]]:
    """Return where each partition begins and ends, without empty ones."""
    bounds = {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        for partition in partitions
    }
    return {partition: (low, high) for partition, (low, high) in bounds.items() if low < high}


def _offsets_at(consumer: Consumer, topic: str, partitions: list[int], time_ms: int) -> dict[int, int]:
    asked = [TopicPartition(topic, partition, time_ms) for partition in partitions]
    return {found.partition: found.offset for found in consumer.offsets_for_times(asked, timeout=TIMEOUT_S)}


def _records(consumer: Consumer, ends: dict[int, int]) -> Iterator[tuple[bytes, bytes]]:
    left = dict(ends)
    while left:
        messages = take_records(consumer, RECORDS_AT_ONCE, TIMEOUT_S)
        if not messages:
            raise TimeoutError
        for message in messages:
            partition, offset = message.partition() or 0, message.offset() or 0
            if (error := message.error()) is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                left.pop(partition, None)  # what stood at the end may be compacted away
                continue
            if offset < ends[partition]:
                yield message.key() or b"", message.value() or b""
            if offset + 1 >= ends[partition]:
                left.pop(partition, None)


def _update_of(value: bytes, provider_id: str) -> LoggedUpdate | None:
    try:
        update = FeedUpdate.FromString(value)
    except DecodeError:  # nothing that a door wrote
        return None
    if update.provider_id != provider_id:
        return None
    return LoggedUpdate(update.epoch, update.sequence, update.fixture_id)
