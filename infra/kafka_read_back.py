"""Partitions read back without a group, from where somebody says to the ends they have."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka import reader_options, take_records

RECORDS_AT_ONCE_MAX: Final = 2_000
POLL_S: Final = 0.1

Options = Mapping[str, str | int | float | bool]


@contextmanager
def reader_of(client: Mapping[str, str], *, client_id: str, options: Options | None = None) -> Iterator[Consumer]:
    """Lend a consumer that is given its places and commits nothing."""
    consumer = Consumer({**reader_options(client, client_id=client_id), **(options or {})})
    try:
        yield consumer
    finally:
        consumer.close()


def read_to_ends(
    consumer: Consumer,
    places: Sequence[TopicPartition],
    *,
    silence_s: float,
    ends: Mapping[tuple[str, int], int] | None = None,
) -> Iterator[Message]:
    """Yield what some partitions hold, each in its order, from its place to its end.

    Args:
        consumer: Used for nothing else meanwhile.
        places: Where to begin.
        silence_s: How long nothing may come before the log counts as away.
        ends: Where to end, by topic and partition, where that is before what is the end once it is reached.

    Raises:
        KafkaException: If the broker says that something is wrong.
        TimeoutError: If nothing came for too long.
    """
    behind = {(place.topic, place.partition) for place in places}
    for topic in {place.topic for place in places if place.offset < 0}:
        # Where a partition begins is told by who leads it: while that is unknown, each question costs half a second.
        consumer.list_topics(topic, timeout=silence_s)
    consumer.assign(list(places))
    heard_s = time.monotonic()
    while behind:
        messages = take_records(consumer, RECORDS_AT_ONCE_MAX, POLL_S)
        if not messages and time.monotonic() - heard_s > silence_s:
            raise TimeoutError(f"Something must come within {silence_s} s, {len(behind)} ends were missing")
        for message in messages:
            heard_s = time.monotonic()
            place = message.topic() or "", message.partition() or 0
            if _is_end(message):  # what stood at an end that was asked for may be compacted away
                behind.discard(place)
                continue
            end, offset = (ends or {}).get(place), message.offset() or 0
            if end is None or offset < end:
                yield message
            if end is not None and offset + 1 >= end:
                behind.discard(place)


def places_at(consumer: Consumer, times: Sequence[TopicPartition], *, timeout_s: float) -> list[TopicPartition]:
    """Return where what was appended at some times (in the offsets' place) or later begins; the end where nothing was.

    Raises:
        KafkaException: If the broker does not say so in time.
    """
    found = consumer.offsets_for_times(list(times), timeout=timeout_s)
    for place in found:
        if place.error is not None:
            raise KafkaException(place.error)
    return found


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)
