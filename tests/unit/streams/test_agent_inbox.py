"""Events between the log and the work: bounded, acknowledged in order."""

import asyncio
from typing import Any

from faust.types import TP

from streams.inbox import Inbox
from tests.fakes.fake_faust import FakeEvent, FakeMessage


def _events(count: int, *, acknowledged: list[tuple[int, int]], partition: int = 0, value: bytes = b"x") -> list[Any]:
    return [FakeEvent(FakeMessage("t", partition, offset, value), acknowledged) for offset in range(count)]


async def test_an_event_is_acknowledged_only_after_those_before_it() -> None:
    acknowledged: list[tuple[int, int]] = []
    inbox = Inbox(events_max=10)
    first, second, third = _events(3, acknowledged=acknowledged)
    for event in (first, second, third):
        await inbox.put(event)
    inbox.finish([third, second])
    assert acknowledged == []
    inbox.finish([first])
    assert acknowledged == [(0, 0), (0, 1), (0, 2)]
    assert len(inbox) == 0


async def test_partitions_do_not_wait_for_each_other() -> None:
    acknowledged: list[tuple[int, int]] = []
    inbox = Inbox(events_max=10)
    (slow,) = _events(1, acknowledged=acknowledged)
    (quick,) = _events(1, partition=1, acknowledged=acknowledged)
    await inbox.admit(slow)
    await inbox.admit(quick)
    inbox.finish([quick])
    assert acknowledged == [(1, 0)]


async def test_a_full_inbox_makes_the_reader_wait_until_something_is_finished() -> None:
    inbox = Inbox(events_max=2)
    events = _events(3, acknowledged=[])
    await inbox.put(events[0])
    await inbox.put(events[1])
    third = asyncio.create_task(inbox.put(events[2]))
    await asyncio.sleep(0.01)
    assert not third.done()
    inbox.finish(await inbox.take(1, timeout_s=0))
    await third


async def test_an_inbox_is_full_by_bytes_too() -> None:
    inbox = Inbox(events_max=10, bytes_max=10)
    events = _events(2, acknowledged=[], value=b"0123456789")
    await inbox.put(events[0])
    second = asyncio.create_task(inbox.put(events[1]))
    await asyncio.sleep(0.01)
    assert not second.done()
    inbox.finish([events[0]])
    await second


async def test_take_waits_for_the_first_event_and_gives_up_in_time() -> None:
    inbox = Inbox(events_max=10)
    assert await inbox.take(5, timeout_s=0.01) == []
    waiting = asyncio.create_task(inbox.take(5, timeout_s=5))
    await asyncio.sleep(0)
    (event,) = _events(1, acknowledged=[])
    await inbox.put(event)
    assert await waiting == [event]


async def test_events_of_a_partition_that_is_gone_are_forgotten_and_never_acknowledged() -> None:
    acknowledged: list[tuple[int, int]] = []
    inbox = Inbox(events_max=2)
    taken, waiting = _events(2, acknowledged=acknowledged)
    await inbox.put(taken)
    await inbox.put(waiting)
    await inbox.take(1, timeout_s=0)
    inbox.drop({TP("t", 0)})
    assert await inbox.take(5, timeout_s=0) == []
    inbox.finish([taken])
    assert (acknowledged, len(inbox)) == ([], 0)
