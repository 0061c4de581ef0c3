from __future__ import annotations

from typing import Any, cast

from confluent_kafka import Consumer

from infra.kafka import take_records


class FakeConsumer:
    """What is there already, and the seconds that somebody was ready to wait for more."""

    def __init__(self, *there: str) -> None:
        self.there = list(there)
        self.waited_s = 0.0

    def poll(self, timeout_s: float) -> str | None:
        if self.there:
            return self.there.pop(0)
        self.waited_s += timeout_s
        return None

    def consume(self, records_max: int, timeout_s: float) -> list[str]:
        taken, self.there = self.there[:records_max], self.there[records_max:]
        if len(taken) < records_max:
            self.waited_s += timeout_s
        return taken


def take(consumer: FakeConsumer, records_max: int) -> list[Any]:
    return take_records(cast("Consumer", consumer), records_max, 5.0)


def test_a_short_log_is_taken_without_a_wait_for_more() -> None:
    consumer = FakeConsumer("a", "b", "c")
    assert take(consumer, 100) == ["a", "b", "c"]
    assert consumer.waited_s == 0.0


def test_no_more_is_taken_than_was_asked_for() -> None:
    consumer = FakeConsumer("a", "b", "c")
    assert take(consumer, 2) == ["a", "b"]
    assert consumer.there == ["c"]


def test_an_empty_log_is_waited_for_as_long_as_was_said() -> None:
    consumer = FakeConsumer()
    assert take(consumer, 100) == []
    assert consumer.waited_s == 5.0
