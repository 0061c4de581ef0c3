"""A stand-in for the part of Faust that our agents touch: events in, acknowledgements out, partitions taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP


@dataclass
class FakeMessage:
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None

    @property
    def tp(self) -> TP:
        return TP(self.topic, self.partition)


@dataclass(eq=False)
class FakeEvent:
    message: FakeMessage
    acknowledged: list[tuple[int, int]]

    def ack(self) -> bool:
        self.acknowledged.append((self.message.partition, self.message.offset))
        return True


class FakeStream:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[FakeEvent] = asyncio.Queue()

    def noack(self) -> FakeStream:
        return self

    async def events(self) -> AsyncIterator[FakeEvent]:
        while True:
            yield await self.queue.get()


class FakeSignal:
    def __init__(self) -> None:
        self._receivers: list[Callable[..., Awaitable[None]]] = []

    def connect(self, receiver: Callable[..., Awaitable[None]], **_: Any) -> None:
        self._receivers.append(receiver)

    async def send(self, partitions: set[TP]) -> None:
        for receiver in self._receivers:
            await receiver(None, partitions, signal=self)


@dataclass
class FakeApp:
    """Runs what an agent attaches, as tasks of the test's loop."""

    acknowledged: list[tuple[int, int]] = field(default_factory=list)
    streams: dict[str, FakeStream] = field(default_factory=dict)
    on_partitions_assigned: FakeSignal = field(default_factory=FakeSignal)
    on_partitions_revoked: FakeSignal = field(default_factory=FakeSignal)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _functions: list[Callable[[], Any]] = field(default_factory=list)

    def topic(self, *names: str) -> str:
        (name,) = names
        return name

    def agent(self, topic: str, *, name: str) -> Callable[[Callable[[FakeStream], Any]], None]:
        def register(function: Callable[[FakeStream], Any]) -> None:
            stream = self.streams.setdefault(topic, FakeStream())
            self._functions.append(lambda: function(stream))

        return register

    def task(self, function: Callable[[], Any]) -> None:
        self._functions.append(function)

    def deliver(
        self, topic: str, offset: int, value: bytes | None, *, partition: int = 0, key: bytes | None = None
    ) -> None:
        event = FakeEvent(FakeMessage(topic, partition, offset, value, key), self.acknowledged)
        self.streams[topic].queue.put_nowait(event)

    async def __aenter__(self) -> FakeApp:
        self.tasks = [asyncio.create_task(function()) for function in self._functions]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def eventually(condition: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 (conditions of all kinds)
            await asyncio.sleep(0.005)
