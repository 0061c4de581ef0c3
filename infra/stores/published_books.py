"""Books and explanations read back from the log by the pricing worker that takes their partitions over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka import reader_options
from kernel.errors import Part, Unavailable
from streams.ports import EncodedPair
from wire.topics import BOOKS, EXPLANATIONS

ANSWER_TIMEOUT_S: Final = 5.0
POLL_TIMEOUT_S: Final = 0.5
POLL_RECORDS_MAX: Final = 2_000


class KafkaPublishedBooks:
    """The compacted topics of books and explanations, read without a group."""

    def __init__(self, client: Mapping[str, str], *, client_id: str) -> None:
        self._options = reader_options(client, client_id=client_id)

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        """Return the newest published since a time, by fixture; since 0 for all there is. None stands for a tombstone.

        Raises:
            Unavailable: If the broker does not answer in time.
        """
        return await asyncio.to_thread(self._read, since_ms_by_partition)

    def _read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        consumer = Consumer(self._options)
        try:
            return _read_to_end(consumer, _find_places(consumer, since_ms_by_partition))
        except KafkaException as error:
            raise Unavailable(Part.BOOKS, f"Published books must be read, but: {error}") from error
        finally:
            consumer.close()


def _find_places(consumer: Consumer, since_ms_by_partition: Mapping[int, int]) -> list[TopicPartition]:
    """Return where to read from; a partition without anything that young is read from its end."""
    times = [
        TopicPartition(topic, partition, since_ms)
        for topic in (BOOKS.name, EXPLANATIONS.name)
        for partition, since_ms in since_ms_by_partition.items()
    ]
    return consumer.offsets_for_times(times, timeout=ANSWER_TIMEOUT_S)


def _read_to_end(consumer: Consumer, places: list[TopicPartition]) -> dict[str, EncodedPair]:
    newest: dict[str, EncodedPair] = {}
    behind = {(place.topic, place.partition) for place in places}
    consumer.assign(places)
    deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    while behind:
        for message in consumer.consume(POLL_RECORDS_MAX, POLL_TIMEOUT_S):
            if _is_end(message):
                behind.discard((message.topic() or "", message.partition() or 0))
            else:
                _note(message, newest)
            deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
        if time.monotonic() > deadline_s:
            raise Unavailable(
                Part.BOOKS, f"Published books must come within {ANSWER_TIMEOUT_S} s, {len(behind)} ends missing"
            )
    return newest


def _note(message: Message, newest: dict[str, EncodedPair]) -> None:
    fixture_id, value = (message.key() or b"").decode(), message.value()
    before = newest.get(fixture_id) or EncodedPair(message.partition() or 0, b"", b"")
    is_book = message.topic() == BOOKS.name
    newest[fixture_id] = replace(before, book=value) if is_book else replace(before, explanation=value)


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)
