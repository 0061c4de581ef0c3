"""Kafka topics for one reader: every partition, no group, a thread that hands batches to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka import reader_options, take_records
from kernel.log import LogStart, Record

log = structlog.get_logger(__name__)

BATCH_RECORDS_MAX = 2_000
WAITING_RECORDS_MAX = 20_000
POLL_TIMEOUT_S = 0.2
METADATA_TIMEOUT_S = 2.0
RETRY_DELAY_S = 0.5
CLOSE_TIMEOUT_S = 4.0
GATHERED_BYTES = 65_536

LASTING_OPTIONS: dict[str, str | int | float | bool] = {
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 50,
    "queued.max.messages.kbytes": 16_384,
    "socket.nagle.disable": True,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1_000,
    "log_level": 3,
}


class LogReader:
    """Reads all partitions of some topics, in order within a partition, over lost connections.

    The thread holds at most WAITING_RECORDS_MAX records that the event loop has not taken; then it stops reading until
    the loop catches up. One coroutine may iterate over `batches`.
    """

    def __init__(
        self,
        client: Mapping[str, str],
        topics: Sequence[str],
        *,
        start: LogStart,
        client_id: str,
        backlog_records: int = 0,
        gather_ms: int = 0,
    ) -> None:
        """Prepare to read; nothing is opened before `batches` or `wait_until_placed`.

        Args:
            client: What lets a client in.
            topics: Names of existing topics; one that does not exist yet is waited for.
            start: Where to begin.
            client_id: As seen by the broker.
            backlog_records: With start "end": how many of a partition's last records to read first.
            gather_ms: How long the broker may let records gather, so that many cost one answer; none to have each at
                once.
        """
        self._topics = tuple(topics)
        self._start: LogStart = start
        self._backlog_records = backlog_records
        self._options = reader_options(client, client_id=client_id) | LASTING_OPTIONS
        if gather_ms:
            self._options |= {"fetch.wait.max.ms": gather_ms, "fetch.min.bytes": GATHERED_BYTES}
        self._lock = threading.Condition()
        self._waiting: list[list[Record]] = []
        self._waiting_records = 0
        # Numbers of placements: asked for, done by the thread, and worked off to the end the topics had then.
        self._placement_wanted = 0
        self._placement = -1
        self._placement_caught_up = -1
        self._behind: set[tuple[str, int]] = set()
        self._places: dict[tuple[str, int], int] = {}
        self._placing_error = ""
        self._is_closed = False
        self._changed = asyncio.Event()
        self._placed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_caught_up(self) -> bool:
        """Whether all that the topics held when reading began has been handed over and worked off."""
        return self._placement_caught_up == self._placement_wanted

    async def wait_until_placed(self) -> None:
        """Wait until the place to read from is fixed: what is appended from now on will be read."""
        self._open()
        while self._placement != self._placement_wanted and not self._is_closed:
            self._placed.clear()
            await self._placed.wait()

    async def seek(self, start: LogStart) -> None:
        """Read on from there in every partition; what waits to be handed over is dropped."""
        self._open()
        with self._lock:
            self._start = start
            self._placement_wanted += 1
            self._waiting, self._waiting_records = [], 0
            self._lock.notify_all()
        await self.wait_until_placed()

    def begun_at(self, topic: str) -> dict[int, int]:
        """Return the offset from which each partition is read, once the place is fixed."""
        with self._lock:
            return {partition: offset for (name, partition), offset in self._places.items() if name == topic}

    async def batches(self) -> AsyncIterator[list[Record]]:
        """Yield what has come since the last batch, never an empty one, until the reader is closed."""
        self._open()
        while not self._is_closed:
            self._changed.clear()
            batch, placement_caught_up = self._take_waiting()
            if batch:
                yield batch
            self._placement_caught_up = placement_caught_up
            if not batch:
                await self._changed.wait()

    async def close(self) -> None:
        """Stop reading and give the connection back."""
        with self._lock:
            self._is_closed = True
            self._lock.notify_all()
        self._changed.set()
        self._placed.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_TIMEOUT_S)

    def _open(self) -> None:
        if self._thread is None and not self._is_closed:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, name=f"log-{self._topics[0]}", daemon=True)
            self._thread.start()

    def _take_waiting(self) -> tuple[list[Record], int]:
        with self._lock:
            chunks, self._waiting, self._waiting_records = self._waiting, [], 0
            placement_caught_up = -1 if self._behind else self._placement
            self._lock.notify_all()
        return list(chain.from_iterable(chunks)), placement_caught_up

    # What follows runs in the thread.

    def _run(self) -> None:
        consumer = Consumer(self._options)
        try:
            while not self._is_closed:
                if self._placement != self._placement_wanted and not self._place(consumer):
                    continue
                self._hand_over(take_records(consumer, BATCH_RECORDS_MAX, POLL_TIMEOUT_S))
        finally:
            consumer.close()

    def _place(self, consumer: Consumer) -> bool:
        wanted, start = self._placement_wanted, self._start
        try:
            partitions, behind = self._find_places(consumer, start)
        except KafkaException as error:
            if str(error) != self._placing_error:
                self._placing_error = str(error)
                log.warning("log_reader.not_placed", topics=self._topics, error=self._placing_error)
            with self._lock:
                self._lock.wait(RETRY_DELAY_S)
            return False
        consumer.assign(partitions)
        with self._lock:
            self._behind = behind
            self._places = {(place.topic, place.partition): place.offset for place in partitions}
            self._placement = wanted
        self._wake(self._placed)
        # With nothing to read the reader is caught up, and who iterates has to notice.
        self._wake(self._changed)
        return True

    def _find_places(self, consumer: Consumer, start: LogStart) -> tuple[list[TopicPartition], set[tuple[str, int]]]:
        places: list[TopicPartition] = []
        behind: set[tuple[str, int]] = set()
        for topic, partition in self._find_partitions(consumer):
            low, high = _watermarks(consumer, topic, partition)
            if start == "beginning":
                offset = low
            elif start == "end":
                offset = max(low, high - self._backlog_records)
            else:
                offset = _offset_at(consumer, TopicPartition(topic, partition, start), at_end=high)
            places.append(TopicPartition(topic, partition, offset))
            if offset < high:
                behind.add((topic, partition))
        return places, behind

    def _find_partitions(self, consumer: Consumer) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for topic in self._topics:
            metadata = consumer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            found += [(topic, partition) for partition in sorted(metadata.partitions)]
        return found

    def _hand_over(self, messages: list[Message]) -> None:
        records: list[Record] = []
        ended: set[tuple[str, int]] = set()
        for message in messages:
            error = message.error()
            if error is None:
                records.append(_record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add((message.topic() or "", message.partition() or 0))
            else:
                log.warning("log_reader.read_failed", topics=self._topics, error=str(error))
        with self._lock:
            while self._waiting_records >= WAITING_RECORDS_MAX and not self._is_closed:
                self._lock.wait()
            is_news = bool(self._behind & ended) or (bool(records) and not self._waiting)
            self._behind -= ended
            if records:
                self._waiting.append(records)
                self._waiting_records += len(records)
        if is_news:
            self._wake(self._changed)

    def _wake(self, event: asyncio.Event) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(event.set)


def _watermarks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    watermarks = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=METADATA_TIMEOUT_S)
    if watermarks is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    return watermarks


def _offset_at(consumer: Consumer, time: TopicPartition, *, at_end: int) -> int:
    """Return the first offset appended at that time (in the offset's place) or later."""
    (found,) = consumer.offsets_for_times([time], timeout=METADATA_TIMEOUT_S)
    if found.error is not None:
        raise KafkaException(found.error)
    return found.offset if found.offset >= 0 else at_end


def _record(message: Message) -> Record:
    key = message.key()
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        key="" if key is None else key.decode("utf-8", "replace"),
        value=message.value(),
    )
