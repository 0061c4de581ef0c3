"""What waits for a server goes on waiting, and is told once that is long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kernel.errors import Part, Unavailable
from streams import retry
from streams.retry import LONG_S, complaint_of_waiting, retry_while


@pytest.fixture
async def waiting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """A step that waits, tried again without a pause, until the event is set."""
    monkeypatch.setattr(retry, "WAIT_S_MAX", 0.0)
    may_end = asyncio.Event()

    async def insert() -> None:
        await asyncio.sleep(0)
        if not may_end.is_set():
            raise Unavailable(Part.HISTORY, "ClickHouse must answer, but:\nNo space left")

    task = asyncio.create_task(retry_while(Unavailable, insert, step="insert into bets"))
    await asyncio.sleep(0.05)
    yield may_end
    may_end.set()
    await task


async def test_what_waits_is_told_once_that_is_long(waiting: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint_of_waiting() is None
    monkeypatch.setattr(retry, "LONG_S", 0.01)
    told = complaint_of_waiting()
    assert told is not None
    assert told.startswith("insert into bets waits for 0 s: ")
    assert told.endswith("ClickHouse must answer, but: No space left")
    waiting.set()
    await asyncio.sleep(0.05)
    assert complaint_of_waiting() is None


async def test_who_is_cancelled_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise Unavailable(Part.HISTORY, "away")

    task = asyncio.create_task(retry_while(Unavailable, fail, step="insert into bets"))
    await asyncio.sleep(0.1)
    monkeypatch.setattr(retry, "LONG_S", 0.0)
    assert complaint_of_waiting() is not None
    task.cancel()
    await asyncio.wait([task])
    assert not retry._waiting
    assert LONG_S
