"""Few requests under way, whatever the broker does; nothing overtaken, nothing lost, nothing without an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from infra.kafka_groups import GATHERING_S, UNDER_WAY_MAX, MessageGroups, Outgoing
from kernel.log import Chained, DeliveryFailed, OutletFull

WAITING_MAX = 8
WAITING_BYTES_MAX = 50


class World:
    """A producer that confirms on demand, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.handed: list[str] = []
        self.room = 1_000
        self.refused: set[str] = set()
        self.ended: dict[str, Exception | None] = {}
        self._unconfirmed: list[Callable[..., None]] = []
        self.groups = MessageGroups(
            self, waiting_max=WAITING_MAX, waiting_bytes_max=WAITING_BYTES_MAX, monotonic_s=lambda: self.now_s
        )

    def produce(self, topic: str, value: bytes | None, key: str, *, on_delivery: Callable[..., None]) -> None:
        assert topic == "topic"
        if len(self._unconfirmed) >= self.room:
            raise BufferError
        if key in self.refused:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        self.handed.append(key)
        self._unconfirmed.append(on_delivery)

    def send(self, *keys: str, after_s: float = 0.0, value: bytes = b"") -> None:
        for key in keys:
            self.now_s += after_s
            self.groups.send(Outgoing("topic", key, value, lambda failure, key=key: self.ended.update({key: failure})))  # type: ignore[misc]

    def confirm(self, count: int = 1, error: Any = None) -> None:
        for _ in range(count):
            self._unconfirmed.pop(0)(error, None)


def numbered(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_what_is_sent_in_one_go_goes_at_once() -> None:
    world = World()
    world.send(*numbered(100), after_s=GATHERING_S / 200)
    assert world.handed == numbered(100)


def test_beyond_a_few_under_way_others_wait_until_all_are_confirmed() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + 3), after_s=2 * GATHERING_S)
    assert world.handed == numbered(UNDER_WAY_MAX)
    world.confirm(UNDER_WAY_MAX - 1)
    assert world.handed == numbered(UNDER_WAY_MAX)
    world.confirm()
    assert world.handed == numbered(UNDER_WAY_MAX + 3)
    world.confirm(3)
    assert world.ended == dict.fromkeys(numbered(UNDER_WAY_MAX + 3))
    assert len(world.groups) == 0


def test_nothing_overtakes_what_waits() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + 1), after_s=2 * GATHERING_S)
    world.confirm(UNDER_WAY_MAX - 1)
    world.send("late", after_s=2 * GATHERING_S)
    world.confirm()
    assert world.handed == [*numbered(UNDER_WAY_MAX + 1), "late"]


def test_what_waited_and_what_comes_with_it_share_a_group() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + WAITING_MAX), after_s=2 * GATHERING_S)
    world.confirm(UNDER_WAY_MAX)
    world.send("soon", after_s=GATHERING_S / 2)
    assert world.handed[-1] == "soon"
    world.send("later", after_s=GATHERING_S)
    assert world.handed[-1] == "soon"


def test_a_queue_that_is_full_refuses_and_keeps_what_it_has() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + WAITING_MAX), after_s=2 * GATHERING_S)
    with pytest.raises(OutletFull, match=f"at most {WAITING_MAX} messages"):
        world.send("one more")
    world.confirm(UNDER_WAY_MAX)
    assert len(world.handed) == UNDER_WAY_MAX + WAITING_MAX


def test_what_waits_is_bounded_in_bytes_too() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX), after_s=2 * GATHERING_S)
    world.send("a", after_s=2 * GATHERING_S, value=b"x" * WAITING_BYTES_MAX)
    with pytest.raises(OutletFull):
        world.send("b", value=b"x")
    world.confirm(UNDER_WAY_MAX + 1)
    world.send(*numbered(UNDER_WAY_MAX), after_s=2 * GATHERING_S)
    world.send("c", after_s=2 * GATHERING_S, value=b"x" * WAITING_BYTES_MAX)
    assert len(world.groups) == UNDER_WAY_MAX + 1


def test_what_kafka_does_not_take_is_told_and_the_others_go_on() -> None:
    world = World()
    world.refused = {"huge", "4"}
    with pytest.raises(DeliveryFailed, match="refused a message for topic"):
        world.send("huge")
    world.send(*numbered(UNDER_WAY_MAX + 2), after_s=2 * GATHERING_S)
    world.confirm(UNDER_WAY_MAX)
    assert isinstance(world.ended["4"], DeliveryFailed)
    assert world.handed == [*numbered(UNDER_WAY_MAX), "5"]


def test_a_producer_without_room_gets_the_rest_later() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + 5), after_s=2 * GATHERING_S)
    world.room = 2
    world.confirm(UNDER_WAY_MAX)
    assert len(world.handed) == UNDER_WAY_MAX + 2
    world.confirm(2)
    world.confirm(2)
    world.confirm()
    assert world.handed == numbered(UNDER_WAY_MAX + 5)


def test_a_failed_delivery_and_a_listener_that_raises_let_the_others_go() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + 1), after_s=2 * GATHERING_S)
    world.confirm(error=KafkaError(KafkaError._MSG_TIMED_OUT))
    assert isinstance(world.ended["0"], DeliveryFailed)

    def fail(_: Exception | None) -> None:
        raise RuntimeError

    world = World()
    world.groups.send(Outgoing("topic", "bad", b"", fail))
    world.send(*numbered(UNDER_WAY_MAX), after_s=2 * GATHERING_S)
    with pytest.raises(RuntimeError):
        world.confirm()
    world.confirm(UNDER_WAY_MAX - 1)
    assert world.handed[-1] == str(UNDER_WAY_MAX - 1)


def test_it_is_empty_when_what_waited_is_confirmed() -> None:
    world = World()
    world.send(*numbered(UNDER_WAY_MAX + 1), after_s=2 * GATHERING_S)
    world.confirm(UNDER_WAY_MAX)
    assert not world.groups.wait_until_empty(0.0)
    world.confirm()
    assert world.groups.wait_until_empty(0.0)


class Row(Chained):
    """Listens to messages that are of no use behind one that was lost."""

    def __init__(self, world: World, key: str, broken: set[str]) -> None:
        self.world, self.key, self.broken = world, key, broken

    def __call__(self, failure: Exception | None, /) -> None:
        self.world.ended[self.key] = failure
        if failure is not None:
            self.broken.add("row")

    @property
    def is_broken(self) -> bool:
        return "row" in self.broken


def test_what_waits_behind_a_lost_message_is_lost_with_it_and_nothing_of_its_row_goes_out_any_more() -> None:
    world, broken = World(), set[str]()

    def send(key: str) -> None:
        world.now_s += 2 * GATHERING_S
        world.groups.send(Outgoing("topic", key, b"", Row(world, key, broken)))

    for key in ("a1", "a2"):
        send(key)
    world.send(*numbered(UNDER_WAY_MAX - 2), after_s=2 * GATHERING_S)
    for key in ("a3", "a4"):
        send(key)
    world.send("other", after_s=2 * GATHERING_S)
    world.confirm(error=KafkaError(KafkaError._MSG_TIMED_OUT))
    world.confirm(UNDER_WAY_MAX - 1)
    assert world.handed == ["a1", "a2", *numbered(UNDER_WAY_MAX - 2), "other"]
    assert world.ended["a2"] is None
    assert isinstance(world.ended["a3"], DeliveryFailed)
    assert isinstance(world.ended["a4"], DeliveryFailed)
    with pytest.raises(DeliveryFailed):
        send("a5")
    world.confirm()
    assert world.groups.wait_until_empty(0.0)
