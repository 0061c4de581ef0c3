"""What providers said, read back from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from gateway.feeds.ports import LoggedUpdate
from infra.kafka_read_back import read_to_ends, reader_of
from kernel.log import DeliveryFailed
from overround.feed.v1.feed_pb2 import FeedUpdate, ProviderHeartbeat
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0

_Find = Callable[[Consumer, str, list[int]], dict[int, tuple[int, int]]]
"""Returns where to begin and to end, by partition."""


class KafkaFeedLog:
    """Reads a span of time of feed.updates.v1, and all that feed.providers.v1 still has."""

    def __init__(self, client: Mapping[str, str], *, client_id: str) -> None:
        self._client = client
        self._client_id = client_id

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
        with reader_of(self._client, client_id=self._client_id) as consumer:
            partitions = sorted(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
            spans = find(consumer, topic, partitions)
            places = [TopicPartition(topic, partition, start) for partition, (start, _) in spans.items()]
            ends = {(topic, partition): end for partition, (_, end) in spans.items()}
            messages = read_to_ends(consumer, places, silence_s=TIMEOUT_S, ends=ends)
            return [(message.key() or b"", message.value() or b"") for message in messages]


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


def _update_of(value: bytes, provider_id: str) -> LoggedUpdate | None:
    try:
        update = FeedUpdate.FromString(value)
    except DecodeError:  # nothing that a door wrote
        return None
    if update.provider_id != provider_id:
        return None
    return LoggedUpdate(update.epoch, update.sequence, update.fixture_id)
