"""How the parts of the gateway are added up and run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web

from infra.processes import gateway
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
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    own, page = web.get("/casino", answer), web.get("/{path:.*}", answer)
    whole = add_up((Part(routes=(own,), works=(nothing,)), Part(), Part(routes=(page,))))
    assert whole == Part(routes=(own, page), works=(nothing,))


async def test_who_reads_the_same_way_shares_a_reader_and_is_told_in_order() -> None:
    told: list[tuple[str, list[Record]]] = []
    followers = [
        Follower(DESK_LOG, lambda records: told.append(("first", records))),
        Follower(BET_LOG, lambda records: told.append(("bets", records))),
        Follower(DESK_LOG, lambda records: told.append(("second", records))),
    ]
    servers = FakeServers()
    for work in gateway.follow_all(cast("Any", servers), followers):
        await work
    assert servers.opened == ["desk", "bets"]
    assert told == [("first", RECORDS), ("second", RECORDS), ("bets", RECORDS)]


async def test_parts_end_in_order_while_works_run_also_where_one_cannot() -> None:
    running, ended = asyncio.Event(), []

    async def work() -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        finally:
            running.clear()

    async def break_down() -> None:
        ended.append(("first", running.is_set()))
        raise RuntimeError("cannot end")

    async def end() -> None:
        ended.append(("second", running.is_set()))

    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stopping.set)
    with pytest.raises(RuntimeError):
        await gateway.run_until(stopping, [work()], endings=[break_down, end])
    assert ended == [("first", True), ("second", True)]
    assert not running.is_set()


async def test_a_work_that_breaks_ends_the_others() -> None:
    ended: list[str] = []

    async def break_down() -> None:
        raise RuntimeError("broken")

    async def end() -> None:
        ended.append("end")

    with pytest.raises(RuntimeError, match="broken"):
        await gateway.run_until(asyncio.Event(), [break_down(), asyncio.sleep(60)], endings=[end])
    assert ended == ["end"]


async def test_troubles_are_told_together() -> None:
    async def ail() -> str | None:
        return "redis: away"

    assert await gateway.find_trouble([nothing, ail, ail]) == "redis: away\nredis: away"
    assert await gateway.find_trouble([nothing]) is None
