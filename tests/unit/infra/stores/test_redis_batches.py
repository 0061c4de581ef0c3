from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from infra.stores import redis_batches
from infra.stores.redis_batches import Command, RedisBatches, RedisBusy


class FakePipeline:
    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.commands: list[Command] = []

    def execute_command(self, *command: str | int) -> None:
        self.commands.append(command)

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error
        self.server.round_trips.append(self.commands)
        await self.server.is_answering.wait()
        if self.server.failure:
            raise self.server.failure
        return [ResponseError("no") if command[0] == "BAD" else command[-1] for command in self.commands]


class FakeServer:
    """Answers each command with its last word, once it answers at all."""

    def __init__(self) -> None:
        self.round_trips: list[list[Command]] = []
        self.is_answering = asyncio.Event()
        self.failure: Exception | None = None

    def pipeline(self, *, transaction: bool) -> FakePipeline:
        assert not transaction
        return FakePipeline(self)


def batches_of(server: FakeServer, timeout_s: float = 5.0) -> RedisBatches:
    return RedisBatches(cast("Redis", server), timeout_s=timeout_s)


async def start(*calls: Any) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0.01)
    return tasks


async def test_what_comes_during_a_round_trip_goes_together_in_the_next() -> None:
    server = FakeServer()
    batches = batches_of(server)
    first = await start(batches.run(("SET", "a")))
    others = await start(batches.run(("SET", "b"), ("GET", "c")), batches.run(("SET", "d")))
    assert server.round_trips == [[("SET", "a")]]
    server.is_answering.set()
    assert await asyncio.gather(*first, *others) == [["a"], ["b", "c"], ["d"]]
    assert server.round_trips[1:] == [[("SET", "b"), ("GET", "c"), ("SET", "d")]]


async def test_a_command_that_is_refused_fails_its_own_call_alone() -> None:
    server = FakeServer()
    server.is_answering.set()
    batches = batches_of(server)
    bad, good = await start(batches.run(("SET", "a"), ("BAD", "b")), batches.run(("SET", "c")))
    with pytest.raises(ResponseError):
        await bad
    assert await good == ["c"]


async def test_a_call_that_was_given_up_is_not_sent() -> None:
    server = FakeServer()
    batches = batches_of(server)
    first, given_up = await start(batches.run(("SET", "a"))), await start(batches.run(("SET", "b")))
    last = await start(batches.run(("SET", "c")))
    given_up[0].cancel()
    await asyncio.sleep(0)
    server.is_answering.set()
    assert await asyncio.gather(*first, *last) == [["a"], ["c"]]
    assert server.round_trips == [[("SET", "a")], [("SET", "c")]]


async def test_a_lost_connection_fails_who_was_sent_and_the_next_is_tried_anew() -> None:
    server = FakeServer()
    server.failure = RedisConnectionError("gone")
    server.is_answering.set()
    batches = batches_of(server)
    with pytest.raises(RedisConnectionError):
        await batches.run(("SET", "a"))
    server.failure = None
    assert await batches.run(("SET", "b")) == ["b"]


async def test_a_server_that_is_silent_is_waited_for_no_longer_than_allowed() -> None:
    server = FakeServer()
    batches = batches_of(server, timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await batches.run(("SET", "a"))
    server.is_answering.set()
    assert await batches.run(("SET", "b")) == ["b"]


async def test_no_more_calls_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_batches, "CALLS_WAITING_MAX", 2)
    server = FakeServer()
    batches = batches_of(server)
    first = await start(batches.run(("SET", "a")))
    waiting = await start(batches.run(("SET", "b")), batches.run(("SET", "c")))
    with pytest.raises(RedisBusy) as refusal:
        await batches.run(("SET", "d"))
    assert isinstance(refusal.value, RedisError)
    server.is_answering.set()
    assert await asyncio.gather(*first, *waiting) == [["a"], ["b"], ["c"]]
