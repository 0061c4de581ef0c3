"""Messages are handed over without tasks of their own, a full stream can be waited for, fetches keep apart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.structs import TopicPartition
from faust.types import TP

from infra.faust_consumer import AT_ONCE, FetchSpacing, note_ends, space_fetches, transport_with


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[Any]:
    app = faust.App("test", broker="kafka://127.0.0.1:1", datadir=tmp_path, web_enabled=False, autodiscover=False)

    async def ignore(*_: Any) -> None:
        return None

    transport = transport_with(AT_ONCE, FetchSpacing())(app.conf.broker_consumer, app)
    created: Any = transport.create_consumer(ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore)
    yield created
    created._thread.thread_loop.close()


async def test_a_message_with_room_for_it_is_handed_over_in_the_same_turn(consumer: Any) -> None:
    stream: asyncio.Queue[int] = asyncio.Queue()
    before = len(asyncio.all_tasks())
    waiting = consumer.wait_first(stream.put(1), asyncio.Event().wait())
    with pytest.raises(StopIteration):
        waiting.send(None)
    assert stream.get_nowait() == 1
    assert len(asyncio.all_tasks()) == before


async def test_a_message_without_room_waits_for_it(consumer: Any) -> None:
    stream: asyncio.Queue[int] = asyncio.Queue(1)
    stream.put_nowait(1)
    waiting = asyncio.create_task(consumer.wait_first(stream.put(2), asyncio.Event().wait()))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert stream.get_nowait() == 1
    await asyncio.wait_for(waiting, 60)
    assert stream.get_nowait() == 2


async def test_the_wait_for_room_ends_when_partitions_are_lost(consumer: Any) -> None:
    stream: asyncio.Queue[int] = asyncio.Queue(1)
    stream.put_nowait(1)
    lost = asyncio.Event()
    waiting = asyncio.create_task(consumer.wait_first(stream.put(2), lost.wait()))
    await asyncio.sleep(0.01)
    lost.set()
    await asyncio.wait_for(waiting, 60)
    await asyncio.sleep(0)
    assert stream.get_nowait() == 1
    assert stream.empty()


async def test_every_other_wait_is_as_it_was(consumer: Any) -> None:
    """When the flow is stopped, a session lost for one, the library waits for one thing or for so long."""
    event = asyncio.Event()
    assert (await consumer.wait_first(event.wait(), timeout=0.01)).done == []
    assert (await consumer.wait_first(event, asyncio.sleep(60), timeout=0.01)).done == []
    event.set()
    assert (await consumer.wait(event)).stopped is False
    assert (await consumer.wait_first(event, asyncio.sleep(60), asyncio.sleep(60), timeout=1.0)).done == [event]


async def test_what_handing_over_raises_is_raised(consumer: Any) -> None:
    async def fail(*, late: bool) -> None:
        if late:
            await asyncio.sleep(0)
        raise ValueError("unreadable")

    for late in (False, True):
        with pytest.raises(ValueError, match="unreadable"):
            await consumer.wait_first(fail(late=late), asyncio.Event().wait())


class FakeFetcher:
    """Always has a fetch to send, and time to wait."""

    brokers: tuple[int, ...] = (1,)

    def _get_actions_per_node(self, assignment: str) -> tuple[Any, ...]:
        return [(broker, assignment) for broker in self.brokers], {}, 10.0, False, ["resumed"]


@dataclass
class FakeAssignment:
    """Knows when each partition was last answered for."""

    active: bool = True
    timestamp: int | None = None

    def state_value(self, place: TopicPartition) -> FakeAssignment:
        assert place == TopicPartition("feed", 3)
        return self


@pytest.mark.parametrize(("is_active", "is_answered"), [(True, True), (True, False), (False, True)])
async def test_the_end_of_a_partition_is_known_as_of_when_it_was_asked_for(is_active: bool, is_answered: bool) -> None:
    fetcher: Any = SimpleNamespace()
    assignment = FakeAssignment(active=is_active)
    known_us: dict[TP, int] = {}

    async def fetch(asked: FakeAssignment, _node_id: int, _request: Any) -> bool:
        await asyncio.sleep(0.02)
        asked.timestamp = time.time_ns() // 1_000_000 if is_answered else None
        return True

    fetcher._proc_fetch_request = fetch
    note_ends(fetcher, known_us)
    before_us = time.time_ns() // 1_000
    assert await fetcher._proc_fetch_request(assignment, 1, SimpleNamespace(topics=[("feed", [(3, 100, 1_000)])]))
    if is_active and is_answered:
        assert before_us <= known_us[TP("feed", 3)] < before_us + 15_000
    else:
        assert known_us == {}


def test_a_fetch_that_is_not_due_is_held_back_until_it_is() -> None:
    fetcher, spacing = FakeFetcher(), FetchSpacing(seconds=30.0)
    space_fetches(fetcher, spacing)
    assert fetcher._get_actions_per_node("first") == ([(1, "first")], {}, 10.0, False, ["resumed"])
    fetches, resets, timeout_s, is_invalid, resumes = fetcher._get_actions_per_node("second")
    assert (fetches, resets, is_invalid, resumes) == ([], {}, False, ["resumed"])
    assert timeout_s == 10.0


def test_the_wait_for_a_fetch_ends_when_it_is_due() -> None:
    fetcher, spacing = FakeFetcher(), FetchSpacing(seconds=5.0)
    space_fetches(fetcher, spacing)
    fetcher._get_actions_per_node("first")
    assert 0.0 < fetcher._get_actions_per_node("second")[2] <= 5.0


def test_fetches_follow_each_other_at_once_where_no_spacing_is_set() -> None:
    fetcher = FakeFetcher()
    space_fetches(fetcher, FetchSpacing())
    assert [fetcher._get_actions_per_node(name)[0] for name in ("first", "second")] == [[(1, "first")], [(1, "second")]]


def test_one_broker_does_not_wait_for_another() -> None:
    fetcher = FakeFetcher()
    space_fetches(fetcher, FetchSpacing(seconds=30.0))
    fetcher._get_actions_per_node("first")
    fetcher.brokers = (1, 2)
    assert fetcher._get_actions_per_node("second")[0] == [(2, "second")]
