"""Books and explanations read back from the log by the pricing worker that takes their partitions over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from confluent_kafka import KafkaException, Message, TopicPartition

from infra.kafka_read_back import places_at, read_to_ends, reader_of
from kernel.errors import Part, Unavailable
from streams.ports import EncodedPair
from wire.topics import BOOKS, EXPLANATIONS

SILENCE_S: Final = 5.0


class KafkaPublishedBooks:
    """The compacted topics of books and explanations, read without a group."""

    def __init__(self, client: Mapping[str, str], *, client_id: str) -> None:
        self._client = client
        self._client_id = client_id

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        """Return the newest published since a time, by fixture; since 0 for all there is. None stands for a tombstone.

        Raises:
            Unavailable: If the broker does not answer in time.
        """
        return await asyncio.to_thread(self._read, since_ms_by_partition)

    def _read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        times = [
            TopicPartition(topic, partition, since_ms)
            for topic in (BOOKS.name, EXPLANATIONS.name)
            for partition, since_ms in since_ms_by_partition.items()
        ]
        newest: dict[str, EncodedPair] = {}
        try:
            with reader_of(self._client, client_id=self._client_id) as consumer:
                places = places_at(consumer, times, timeout_s=SILENCE_S)
                for message in read_to_ends(consumer, places, silence_s=SILENCE_S):
                    _note(message, newest)
        except (KafkaException, TimeoutError) as error:
            raise Unavailable(Part.BOOKS, f"Published books must be read, but: {error}") from error
        return newest


def _note(message: Message, newest: dict[str, EncodedPair]) -> None:
    fixture_id, value = (message.key() or b"").decode(), message.value()
    before = newest.get(fixture_id) or EncodedPair(message.partition() or 0, b"", b"")
    is_book = message.topic() == BOOKS.name
    newest[fixture_id] = replace(before, book=value) if is_book else replace(before, explanation=value)
