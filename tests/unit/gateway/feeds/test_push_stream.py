"""Acknowledgements of a stream: only what the log has, with everything before it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.feeds.ports import Cursor, LoggedUpdate, Provider, StreamSuperseded
from gateway.feeds.push_stream import REFUSALS_WAITING_MAX, PushStream
from gateway.feeds.resumption import Resumption
from kernel.log import DeliveryFailed
from overround.feed.v1.feed_service_pb2 import PushRefusal


def stream(*, in_flight_max: int = 3, in_log: frozenset[int] = frozenset()) -> PushStream:
    return PushStream(
        Provider("sim-alpha", 3_000), Cursor(1, 10, True, 0), in_log=in_log, in_flight_max=in_flight_max, now_s=0.0
    )


async def confirm(pushed: PushStream, sequence: int, error: Exception | None = None) -> None:
    thread = threading.Thread(target=pushed.confirmation_of(sequence), args=(error,))
    thread.start()
    thread.join()
    await asyncio.sleep(0)


async def is_waiting(pushed: PushStream) -> bool:
    waiting = asyncio.create_task(pushed.wait_for_room())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if waiting.done():
        return False
    waiting.cancel()
    return True


async def test_only_an_unbroken_row_is_acknowledged() -> None:
    pushed = stream()
    for sequence in (11, 13, 20):
        pushed.note_sent(sequence)
    await confirm(pushed, 13)
    assert pushed.acknowledged_sequence == 10
    await confirm(pushed, 11)
    assert pushed.acknowledged_sequence == 13
    await confirm(pushed, 20)
    assert (pushed.acknowledged_sequence, pushed.is_settled) == (20, True)


async def test_what_is_lost_is_never_acknowledged() -> None:
    pushed = stream()
    pushed.note_sent(11)
    pushed.note_sent(12)
    await confirm(pushed, 11, DeliveryFailed("timed out"))
    await confirm(pushed, 12)
    assert pushed.acknowledged_sequence == 10
    assert isinstance(pushed.failure, DeliveryFailed)
    await asyncio.wait_for(pushed.wait_until_quiet(), 60)
    assert not pushed.is_settled


async def test_what_the_log_has_already_is_acknowledged_in_its_turn() -> None:
    pushed = stream(in_log=frozenset({12}))
    pushed.note_sent(11)
    assert (pushed.is_in_log(11), pushed.is_in_log(12)) == (False, True)
    pushed.note_arrived(12)
    assert pushed.acknowledged_sequence == 10
    await confirm(pushed, 11)
    assert pushed.acknowledged_sequence == 12


async def test_updates_on_their_way_are_bounded() -> None:
    pushed = stream(in_flight_max=2)
    pushed.note_sent(11)
    assert not await is_waiting(pushed)
    pushed.note_sent(12)
    assert await is_waiting(pushed)
    await confirm(pushed, 11)
    assert not await is_waiting(pushed)


async def test_refusals_that_wait_are_bounded() -> None:
    pushed = stream()
    for _ in range(REFUSALS_WAITING_MAX):
        pushed.refuse(PushRefusal(reason="MALFORMED"))
    assert await is_waiting(pushed)
    assert len(pushed.take_refusals()) == REFUSALS_WAITING_MAX
    assert not await is_waiting(pushed)
    assert pushed.take_refusals() == []


async def test_the_first_failure_stands_and_wakes_who_waits() -> None:
    pushed = stream(in_flight_max=1)
    pushed.note_sent(11)
    waiting = asyncio.create_task(pushed.wait_for_room())
    await asyncio.sleep(0)
    pushed.supersede()
    await asyncio.wait_for(waiting, 60)
    pushed.fail(DeliveryFailed("later"))
    with pytest.raises(StreamSuperseded):
        raise pushed.failure or AssertionError


async def test_nothing_is_to_go_out_behind_what_is_lost() -> None:
    pushed = stream()
    for sequence in (11, 12):
        pushed.note_sent(sequence)
    waiting = pushed.confirmation_of(12)
    assert not waiting.is_broken
    thread = threading.Thread(target=pushed.confirmation_of(11), args=(DeliveryFailed("timed out"),))
    thread.start()
    thread.join()
    assert waiting.is_broken


async def test_behind_a_hole_a_fixture_is_sent_again_though_the_log_has_it() -> None:
    pushed = stream(in_log=frozenset({12, 13, 14}))
    assert pushed.is_in_log(12, "b")
    pushed.note_sent(11, "a")
    assert (pushed.is_in_log(13, "a"), pushed.is_in_log(14, "b")) == (False, True)


def test_only_what_the_last_stream_brought_of_a_fixture_need_not_be_sent_again() -> None:
    cursor = Cursor(4, 10, False, 0)
    logged = [
        LoggedUpdate(3, 9, "a"),
        LoggedUpdate(3, 11, "a"),
        LoggedUpdate(2, 12, "a"),
        LoggedUpdate(2, 13, "b"),
        LoggedUpdate(0, 14, "c"),
        LoggedUpdate(0, 15, "a"),
    ]
    assert Resumption.of(cursor, logged) == Resumption(frozenset({11, 14}), 15, {12: "a", 13: "b", 15: "a"})
    assert Resumption.of(cursor, []) == Resumption(frozenset(), 0, {})


async def test_what_is_lost_is_known_with_its_fixture() -> None:
    pushed = stream()
    for sequence, fixture_id in ((11, "a"), (12, "b"), (13, "c")):
        pushed.note_sent(sequence, fixture_id)
    await confirm(pushed, 11)
    await confirm(pushed, 12, DeliveryFailed("timed out"))
    await confirm(pushed, 13)
    assert pushed.lost == {12: "b"}
