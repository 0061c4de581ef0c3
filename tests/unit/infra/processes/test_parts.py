"""How the parts of a process are added up and run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.processes.parts import running
from infra.processes.parts.logs import BET_LOG, DESK_LOG
from infra.processes.parts.part import Follower, Part, add_up
from kernel.log import Record

RECORDS = [Record("topic", 0, 0, 0, "key", b"")]


class FakeReader:
    """Brings one batch."""

    async def batches(self) -> AsyncIterator[list[Record]]:
        yield RECORDS


class FakeServers:
    def __init__(self) -> None:
        self.opened: list[str] = []

    def reader(self, reading: Any) -> FakeReader:
        self.opened.append(reading.name)
        return FakeReader()


async def nothing() -> None:
    return None


def test_parts_keep_their_order() -> None:
    async def answer(_: Request) -> Response:
        return Response()

    own, other = Route("/callbacks/studio", answer), Route("/v1/fixtures", answer)
    whole = add_up((Part(routes=(own,), works=(nothing,)), Part(), Part(routes=(other,))))
    assert whole == Part(routes=(own, other), works=(nothing,))


async def test_who_reads_the_same_way_shares_a_reader_and_is_told_in_order() -> None:
    told: list[tuple[str, list[Record]]] = []
    followers = [
        Follower(DESK_LOG, lambda records: told.append(("first", records))),
        Follower(BET_LOG, lambda records: told.append(("bets", records))),
        Follower(DESK_LOG, lambda records: told.append(("second", records))),
    ]
    servers = FakeServers()
    for work in running.follow_all(cast("Any", servers), followers):
        await work
    assert servers.opened == ["desk", "bets"]
    assert told == [("first", RECORDS), ("second", RECORDS), ("bets", RECORDS)]


async def test_parts_end_in_order_while_works_run_also_where_one_cannot() -> None:
    at_work, ended = asyncio.Event(), []

    async def work() -> None:
        at_work.set()
        try:
            await asyncio.sleep(60)
        finally:
            at_work.clear()

    async def break_down() -> None:
        ended.append(("first", at_work.is_set()))
        raise RuntimeError("cannot end")

    async def end() -> None:
        ended.append(("second", at_work.is_set()))

    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stopping.set)
    with pytest.raises(RuntimeError):
        await running.run_until(stopping, [work()], endings=[break_down, end])
    assert ended == [("first", True), ("second", True)]
    assert not at_work.is_set()


async def test_a_work_that_breaks_ends_the_others() -> None:
    ended: list[str] = []

    async def break_down() -> None:
        raise RuntimeError("broken")

    async def end() -> None:
        ended.append("end")

    with pytest.raises(RuntimeError, match="broken"):
        await running.run_until(asyncio.Event(), [break_down(), asyncio.sleep(60)], endings=[end])
    assert ended == ["end"]


async def test_troubles_are_told_together() -> None:
    async def ail() -> str | None:
        return "redis: away"

    assert await running.find_trouble([nothing, ail, ail]) == "redis: away\nredis: away"
    assert await running.find_trouble([nothing]) is None
