"""The log of feed updates, read back to find what of a provider is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from gateway.feeds.intake import UPDATES_TOPIC
from infra.kafka import reader_options, take_records
from kernel.errors import DeliveryFailed
from overround.feed.v1.feed_pb2 import FeedUpdate

RECORDS_AT_ONCE: Final = 2_000
TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0


class KafkaFeedLog:
    """Reads a span of time of feed.updates.v1."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._options = reader_options(bootstrap, client_id=client_id) | {"enable.partition.eof": False}

    async def sequences_beyond(
        self, provider_id: str, *, sequence: int, since_ms: int, until_ms: int
    ) -> frozenset[int]:
        """Return the sequences of a provider above `sequence` among what was appended in this span of time.

        Raises:
            DeliveryFailed: If the log cannot be read in time.
        """
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await asyncio.to_thread(self._read, provider_id, sequence, since_ms, until_ms)
        except (KafkaException, TimeoutError) as error:
            raise DeliveryFailed(f"{UPDATES_TOPIC} must be readable, failed with {error!r}") from error

    def _read(self, provider_id: str, sequence: int, since_ms: int, until_ms: int) -> frozenset[int]:
        consumer = Consumer(self._options)
        try:
            ends = _find_span(consumer, since_ms, until_ms)
            return frozenset(
                found for value in _values(consumer, ends) if (found := _sequence_of(value, provider_id)) > sequence
            )
        finally:
            consumer.close()


def _find_span(consumer: Consumer, since_ms: int, until_ms: int) -> dict[int, int]:
    """Begin to read at the span's start; return where it ends, by partition, without those that hold nothing of it."""
    partitions = sorted(consumer.list_topics(UPDATES_TOPIC, timeout=TIMEOUT_S).topics[UPDATES_TOPIC].partitions)
    starts = _offsets_at(consumer, partitions, since_ms)
    stops = _offsets_at(consumer, partitions, until_ms)
    ends: dict[int, int] = {}
    places = []
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(UPDATES_TOPIC, partition), timeout=TIMEOUT_S)
        start = max(low, high if starts[partition] < 0 else starts[partition])
        end = high if stops[partition] < 0 else stops[partition]
        if start < end:
            ends[partition] = end
            places.append(TopicPartition(UPDATES_TOPIC, partition, start))
    consumer.assign(places)
    return ends


def _offsets_at(consumer: Consumer, partitions: list[int], time_ms: int) -> dict[int, int]:
    asked = [TopicPartition(UPDATES_TOPIC, partition, time_ms) for partition in partitions]
    return {found.partition: found.offset for found in consumer.offsets_for_times(asked, timeout=TIMEOUT_S)}


def _values(consumer: Consumer, ends: dict[int, int]) -> Iterator[bytes]:
    left = dict(ends)
    while left:
        messages = take_records(consumer, RECORDS_AT_ONCE, TIMEOUT_S)
        if not messages:
            raise TimeoutError
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
            partition, offset = message.partition() or 0, message.offset() or 0
            if offset < ends[partition]:
                yield message.value() or b""
            if offset + 1 >= ends[partition]:
                left.pop(partition, None)


def _sequence_of(value: bytes, provider_id: str) -> int:
    try:
        update = FeedUpdate.FromString(value)
    except DecodeError:  # nothing that a door wrote
        return 0
    return update.sequence if update.provider_id == provider_id else 0
