"""Partitions read to their ends, by hand-made answers of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from infra.kafka_read_back import read_to_ends


@dataclass
class FakeMessage:
    """A record, or what a broker says instead of one."""

    at: tuple[str, int, int]
    code: int | None = None

    def topic(self) -> str:
        return self.at[0]

    def partition(self) -> int:
        return self.at[1]

    def offset(self) -> int:
        return self.at[2]

    def error(self) -> Any:
        return None if self.code is None else KafkaError(self.code)


@dataclass
class FakeConsumer:
    there: list[FakeMessage]
    assigned: list[TopicPartition] = field(default_factory=list)
    leaders_known: list[str] = field(default_factory=list)

    def list_topics(self, topic: str, timeout: float) -> None:
        assert self.assigned == []
        self.leaders_known.append(topic)

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.assigned += places

    def poll(self, timeout_s: float) -> FakeMessage | None:
        return self.there.pop(0) if self.there else None

    def consume(self, records_max: int, timeout_s: float) -> list[FakeMessage]:
        taken, self.there = self.there[:records_max], self.there[records_max:]
        return taken


def end(topic: str, partition: int, offset: int) -> FakeMessage:
    return FakeMessage((topic, partition, offset), KafkaError._PARTITION_EOF)


def read(
    consumer: FakeConsumer, *places: tuple[str, int], ends: dict[tuple[str, int], int] | None = None
) -> list[tuple[str, int, int]]:
    wanted = [TopicPartition(topic, partition, 0) for topic, partition in places]
    found = read_to_ends(cast("Consumer", consumer), wanted, silence_s=0.0, ends=ends)
    return [cast("FakeMessage", message).at for message in found]


def test_every_partition_is_read_to_its_end() -> None:
    consumer = FakeConsumer([FakeMessage(("a", 0, 0)), end("a", 0, 1), FakeMessage(("b", 1, 5)), end("b", 1, 6)])
    assert read(consumer, ("a", 0), ("b", 1)) == [("a", 0, 0), ("b", 1, 5)]
    assert [(place.topic, place.partition) for place in consumer.assigned] == [("a", 0), ("b", 1)]


def test_who_leads_is_known_before_it_is_asked_where_a_partition_begins() -> None:
    consumer = FakeConsumer([end("a", 0, 0), end("a", 1, 0), end("b", 0, 7)])
    places = [
        TopicPartition("a", 0, OFFSET_BEGINNING),
        TopicPartition("a", 1, OFFSET_BEGINNING),
        TopicPartition("b", 0, 7),
    ]
    assert list(read_to_ends(cast("Consumer", consumer), places, silence_s=0.0)) == []
    assert consumer.leaders_known == ["a"]


def test_what_stands_behind_an_end_that_was_asked_for_is_not_read() -> None:
    records = [FakeMessage(("a", 0, offset)) for offset in range(5)]
    assert read(FakeConsumer(records), ("a", 0), ends={("a", 0): 3}) == [("a", 0, offset) for offset in range(3)]


def test_an_end_whose_record_was_compacted_away_is_an_end() -> None:
    consumer = FakeConsumer([FakeMessage(("a", 0, 0)), end("a", 0, 1)])
    assert read(consumer, ("a", 0), ends={("a", 0): 3}) == [("a", 0, 0)]


def test_nothing_to_read_is_read_at_once() -> None:
    assert read(FakeConsumer([])) == []


def test_silence_and_what_a_broker_refuses_are_told_apart() -> None:
    with pytest.raises(TimeoutError, match="1 ends were missing"):
        read(FakeConsumer([FakeMessage(("a", 0, 0))]), ("a", 0))
    with pytest.raises(KafkaException):
        read(FakeConsumer([FakeMessage(("a", 0, 0), KafkaError._ALL_BROKERS_DOWN)]), ("a", 0))
