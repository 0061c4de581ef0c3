"""Commands that wait together are committed together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from infra.stores.group_commit import GroupCommit
from kernel.commands import Overloaded, RequestIdReused
from kernel.errors import DomainError, Unavailable


class BadContent(Exception):
    """The fake store does not like one of the commands."""


class FakeStore:
    """Answers n with -n; holds while told to; dislikes 13; refuses 7."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, commands: Sequence[int]) -> list[int | DomainError]:
        self.batches.append(list(commands))
        await self.gate.wait()
        if 13 in commands:
            raise BadContent
        return [RequestIdReused("seven") if command == 7 else -command for command in commands]


def group(store: FakeStore, **limits: int) -> GroupCommit[int, int]:
    options = {"batch_size_max": 10, "batches_at_once_max": 1, "waiting_max": 20, "timeout_ms": 1_000} | limits
    return GroupCommit(store.commit, is_content_error=lambda error: isinstance(error, BadContent), **options)


async def test_those_who_come_together_share_a_batch() -> None:
    store = FakeStore()
    grouped = group(store)
    assert await asyncio.gather(*(grouped.submit(number) for number in (1, 2, 3))) == [-1, -2, -3]
    assert store.batches == [[1, 2, 3]]


async def test_a_batch_grows_while_another_is_committed() -> None:
    store = FakeStore()
    grouped = group(store, batch_size_max=2)
    store.gate.clear()
    first = asyncio.create_task(grouped.submit(1))
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(grouped.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0.01)
    assert store.batches == [[1]]
    store.gate.set()
    await asyncio.gather(first, *rest)
    assert store.batches == [[1], [2, 3], [4]]


async def test_no_more_batches_run_at_once_than_may() -> None:
    store = FakeStore()
    grouped = group(store, batch_size_max=1, batches_at_once_max=2)
    store.gate.clear()
    tasks = [asyncio.create_task(grouped.submit(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    assert store.batches == [[1], [2]]
    store.gate.set()
    assert await asyncio.gather(*tasks) == [-1, -2, -3]


async def test_a_bad_command_fails_alone_and_the_rest_is_done_one_by_one() -> None:
    store = FakeStore()
    grouped = group(store)
    outcomes = await asyncio.gather(*(grouped.submit(number) for number in (1, 13, 2)), return_exceptions=True)
    assert outcomes[0] == -1
    assert isinstance(outcomes[1], BadContent)
    assert outcomes[2] == -2
    assert store.batches == [[1, 13, 2], [1], [13], [2]]


async def test_a_refusal_reaches_only_the_one_it_is_for() -> None:
    outcomes = await asyncio.gather(*(group(FakeStore()).submit(number) for number in (1, 7)), return_exceptions=True)
    assert outcomes[0] == -1
    assert isinstance(outcomes[1], RequestIdReused)


async def test_who_waits_too_long_is_told_and_what_had_not_begun_never_does() -> None:
    store = FakeStore()
    grouped = group(store, timeout_ms=30)
    store.gate.clear()
    first = asyncio.create_task(grouped.submit(1))
    await asyncio.sleep(0.01)
    with pytest.raises(Unavailable):
        await grouped.submit(2)
    store.gate.set()
    with pytest.raises(Unavailable):
        await first
    await asyncio.sleep(0.01)
    assert store.batches == [[1]]
    assert await grouped.submit(3) == -3


async def test_the_queue_is_bounded() -> None:
    store = FakeStore()
    grouped = group(store, waiting_max=2)
    store.gate.clear()
    first = asyncio.create_task(grouped.submit(1))
    await asyncio.sleep(0.01)
    waiting = [asyncio.create_task(grouped.submit(number)) for number in (2, 3)]
    await asyncio.sleep(0.01)
    with pytest.raises(Overloaded):
        await grouped.submit(4)
    store.gate.set()
    assert await asyncio.gather(first, *waiting) == [-1, -2, -3]


async def test_closing_refuses_those_who_wait_and_lets_the_begun_end() -> None:
    store = FakeStore()
    grouped = group(store)
    store.gate.clear()
    begun = asyncio.create_task(grouped.submit(1))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(grouped.submit(2))
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.01, store.gate.set)
    await grouped.close()
    assert await begun == -1
    with pytest.raises(Unavailable):
        await waiting
