"""Messages on their way to Kafka in groups, so that few requests are under way whatever the broker does.

An idempotent producer has at most five requests under way, and librdkafka's thread never rests while more wait for one
of them: a broker that pauses would lose a processor core to every producer, just when it needs time to catch up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message

from kernel.log import Chained, DeliveryFailed, OnDelivery, OutletFull

UNDER_WAY_MAX: Final = 4
"""Beyond so many messages that are not confirmed, others wait: one fewer than a producer has requests."""
GATHERING_S: Final = 0.000_5
"""What is sent in one go goes together, however much it is: it shares requests."""


class KafkaProducer(Protocol):
    """What of confluent_kafka's producer is used."""

    def produce(self, topic: str, value: bytes | None, key: str, *, on_delivery: Callable[..., None]) -> None:
        """Queue a message.

        Raises:
            BufferError: If its queue is full.
            KafkaException: If it does not take such a message.
        """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, and who wants to know how it ends."""

    topic: str
    key: str
    value: bytes | None
    on_delivery: OnDelivery | Chained | None

    def expect_wanted(self) -> None:
        """Check that nothing before it was lost that it is of no use without.

        Raises:
            DeliveryFailed: If something was.
        """
        if isinstance(self.on_delivery, Chained) and self.on_delivery.is_broken:
            raise DeliveryFailed(f"{self.topic}: what was to come before it is lost")

    @property
    def size_bytes(self) -> int:
        """Return how long its value is."""
        return len(self.value or b"")

    def settle(self, failure: Exception | None) -> None:
        """Tell how it ended."""
        if self.on_delivery is not None:
            self.on_delivery(failure)


class MessageGroups:
    """Hands messages to a producer, in their order: at once while few are under way, otherwise when all are confirmed.

    What waits behind a message that was lost, and is of no use without it, is lost with it.

    Args:
        producer: Confirms each message it was handed once, in whatever thread.
        waiting_max: How many messages may wait.
        waiting_bytes_max: How many bytes their values may have.
        monotonic_s: Tells the time.
    """

    def __init__(
        self,
        producer: KafkaProducer,
        *,
        waiting_max: int,
        waiting_bytes_max: int,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer = producer
        self._waiting_max = waiting_max
        self._waiting_bytes_max = waiting_bytes_max
        self._monotonic_s = monotonic_s
        self._changed = threading.Condition()
        self._gathered_until_s = -float("inf")
        self._under_way = 0
        self._waiting: deque[Outgoing] = deque()
        self._waiting_bytes = 0
        self._delivered_until: dict[tuple[str, int], int] = {}

    def __len__(self) -> int:
        """Return how many messages are not confirmed."""
        return self._under_way + len(self._waiting)

    def send(self, message: Outgoing) -> None:
        """Hand a message over, now or later.

        Raises:
            OutletFull: If too many wait, or the producer's queue is full.
            DeliveryFailed: If the producer does not take such a message, or what was to come before it is lost; of one
                that waited, its callback is told.
        """
        message.expect_wanted()
        with self._changed:
            if self._may_go():
                self._hand_over(message)
                return
            size = self._waiting_bytes + message.size_bytes
            if len(self._waiting) >= self._waiting_max or size > self._waiting_bytes_max:
                raise OutletFull(
                    f"Outlet holds at most {self._waiting_max} messages of {self._waiting_bytes_max} bytes, and is full"
                )
            self._waiting.append(message)
            self._waiting_bytes = size

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until every message is confirmed; return whether that was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not len(self), timeout_s)

    def delivered_until(self, topic: str, partition: int) -> int:
        """Return the offset behind the newest message of a partition that was confirmed, 0 before the first."""
        with self._changed:
            return self._delivered_until.get((topic, partition), 0)

    def _may_go(self) -> bool:
        if self._waiting:
            return False
        now_s = self._monotonic_s()
        if now_s <= self._gathered_until_s:
            return True
        if self._under_way >= UNDER_WAY_MAX:
            return False
        self._gathered_until_s = now_s + GATHERING_S
        return True

    def _hand_over(self, message: Outgoing) -> None:
        try:
            self._producer.produce(
                message.topic, message.value, message.key, on_delivery=partial(self._confirm, message)
            )
        except BufferError:
            raise OutletFull("Outlet is full: the producer takes no more messages") from None
        except KafkaException as error:
            raise DeliveryFailed(f"Kafka refused a message for {message.topic}: {error}") from error
        self._under_way += 1

    def _confirm(self, message: Outgoing, error: KafkaError | None, delivered: Message | None) -> None:
        try:
            if error is None and delivered is not None:
                self._note_delivered(delivered)  # before anybody is told, who may tell others how far the log has come
            message.settle(None if error is None else DeliveryFailed(f"{message.topic}: {error.name()}"))
        finally:
            for refused, failure in self._follow_up():
                refused.settle(failure)

    def _note_delivered(self, delivered: Message) -> None:
        place, offset = (delivered.topic() or "", delivered.partition() or 0), delivered.offset() or 0
        with self._changed:
            self._delivered_until[place] = max(self._delivered_until.get(place, 0), offset + 1)

    def _follow_up(self) -> list[tuple[Outgoing, DeliveryFailed]]:
        """Count a confirmation; after the last one hand over all that waited. Return what was not taken or wanted."""
        refused: list[tuple[Outgoing, DeliveryFailed]] = []
        with self._changed:
            self._under_way -= 1
            if self._under_way == 0:
                self._gathered_until_s = self._monotonic_s() + GATHERING_S
                self._release(refused)
                self._changed.notify_all()
        return refused

    def _release(self, refused: list[tuple[Outgoing, DeliveryFailed]]) -> None:
        while self._waiting:
            try:
                self._waiting[0].expect_wanted()
                self._hand_over(self._waiting[0])
            except OutletFull:
                return  # the next confirmations make room
            except DeliveryFailed as failure:
                refused.append((self._waiting[0], failure))
            self._waiting_bytes -= self._waiting.popleft().size_bytes
