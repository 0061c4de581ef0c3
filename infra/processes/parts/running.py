"""How the parts of a process run: what keeps them from working, their readers, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

from infra.log_reader import LogReader
from infra.processes.parts.part import Apply, Ending, Follower, Trouble
from infra.processes.servers import Reading, Servers


async def find_trouble(troubles: Sequence[Trouble]) -> str | None:
    """Return what keeps a process from working, a line for each trouble; None for nothing."""
    answers = await asyncio.gather(*(ask() for ask in troubles))
    return "\n".join(answer for answer in answers if answer) or None


def follow_all(servers: Servers, followers: Sequence[Follower]) -> list[Coroutine[None, None, None]]:
    """Return the work of every reader that is needed."""
    appliers: dict[Reading, list[Apply]] = {}
    for follower in followers:
        appliers.setdefault(follower.reading, []).append(follower.apply)
    return [_follow(servers.reader(reading), told) for reading, told in appliers.items()]


async def _follow(reader: LogReader, appliers: Sequence[Apply]) -> None:
    async for records in reader.batches():
        for apply in appliers:
            apply(records)


async def run_until(
    stopping: asyncio.Event, works: Sequence[Coroutine[None, None, None]], *, endings: Sequence[Ending]
) -> None:
    """Run the works until asked to stop, and while what is under way ends.

    What one of them raises ends the process, for none of them may fail.
    """
    tasks = [asyncio.create_task(work) for work in works]
    asked = asyncio.create_task(stopping.wait())
    async with AsyncExitStack() as last:
        last.push_async_callback(_cancel, (asked, *tasks))
        for ending in reversed(endings):
            last.push_async_callback(ending)
        await asyncio.wait((asked, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for ended in (task for task in tasks if task.done()):
            ended.result()


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
