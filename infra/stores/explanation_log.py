"""Explanations of old versions, found in the log by the time that a version is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from confluent_kafka import KafkaException, Message, TopicPartition

from gateway.ports import LoggedExplanation
from infra.kafka import partition_of
from infra.kafka_read_back import places_at, read_to_ends, reader_of
from kernel.errors import Part, Unavailable
from overround.odds.v1 import book_pb2
from wire.topics import EXPLANATIONS

KEPT_MS: Final = 48 * 3_600 * 1_000
"""For so long the topic keeps every version: its min.compaction.lag.ms."""
READERS_MAX: Final = 4
FETCHED_AHEAD: Final = {"queued.max.messages.kbytes": 4_096}
"""What is fetched ahead is thrown away when the version is met."""
RECORDS_MAX: Final = 50_000
STAMPED_BEFORE_MS_MAX: Final = 2_000
"""A clock that was set back stamps a record with a time before its version."""
STAMPED_AFTER_MS_MAX: Final = 10_000
"""A record is stamped when it is sent, at once after its version is made, however long its delivery takes."""


class KafkaExplanationLog:
    """Reads a few seconds of one partition at a time; READERS_MAX questions at once, the others wait for their turn."""

    def __init__(self, client: Mapping[str, str], *, partitions: int, client_id: str, timeout_ms: int) -> None:
        """Prepare to read; nothing is opened before a question.

        Args:
            client: What lets a client in.
            partitions: Of the topic.
            client_id: As seen by the broker.
            timeout_ms: Within which a question is answered or refused, the turn waited for included.
        """
        self._partitions = partitions
        self._timeout_s = timeout_ms / 1_000
        self._readers = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="explanations")
        self._client = client
        self._client_id = client_id

    async def find_explanation(self, fixture_id: str, version: int) -> LoggedExplanation:
        """Return the first explanation of a version.

        Raises:
            Unavailable: If the log was not read in time.
        """
        deadline_s = time.monotonic() + self._timeout_s
        reading = asyncio.get_running_loop().run_in_executor(self._readers, self._find, fixture_id, version, deadline_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await reading
        except (KafkaException, TimeoutError) as error:
            message = f"{EXPLANATIONS.name} must be read within {self._timeout_s} s, was not ({error!r}); ask again"
            raise Unavailable(Part.EXPLANATION, message) from error

    async def close(self) -> None:
        """Let nobody begin to read any more; who reads ends by their time limit."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    # What follows runs in the readers' threads.

    def _find(self, fixture_id: str, version: int, deadline_s: float) -> LoggedExplanation:
        version_ms = version // 1_000
        since = TopicPartition(
            EXPLANATIONS.name, partition_of(fixture_id, self._partitions), max(0, version_ms - STAMPED_BEFORE_MS_MAX)
        )
        with reader_of(self._client, client_id=self._client_id, options=FETCHED_AHEAD) as consumer:
            places = places_at(consumer, [since], timeout_s=_left_s(deadline_s))
            messages = read_to_ends(consumer, places, silence_s=_left_s(deadline_s))
            values = _values(messages, fixture_id, until_ms=version_ms + STAMPED_AFTER_MS_MAX, deadline_s=deadline_s)
            for value in values:
                found = book_pb2.PriceExplanation.FromString(value).version
                if found >= version:
                    return LoggedExplanation(value, 0) if found == version else LoggedExplanation(b"", found)
        return LoggedExplanation(b"", 0)


def _values(messages: Iterator[Message], fixture_id: str, *, until_ms: int, deadline_s: float) -> Iterator[bytes]:
    """Yield what is said of a fixture up to a time or the partition's end."""
    key = fixture_id.encode()
    for message in islice(messages, RECORDS_MAX):
        _left_s(deadline_s)
        if message.timestamp()[1] > until_ms:
            return
        if message.key() == key:
            yield message.value() or b""


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
