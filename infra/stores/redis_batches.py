"""Commands of many callers in one round trip to Redis."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

CALLS_AT_ONCE_MAX: Final = 256
CALLS_WAITING_MAX: Final = 16_384

Command = tuple[str | int, ...]


class RedisBusy(RedisError):
    """More calls wait for Redis than may."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    commands: tuple[Command, ...]
    replies: asyncio.Future[list[Any]]


class RedisBatches:
    """Sends what comes while a round trip is under way together in the next one.

    A round trip costs the client many times what a command does, so that the busier it is, the less each call costs.

    Args:
        redis: The client.
        timeout_s: How long a round trip may take.
    """

    def __init__(self, redis: Redis, *, timeout_s: float) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._waiting: deque[_Call] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def run(self, *commands: Command) -> list[Any]:
        """Send commands, one after the other, and return their replies. They are not sent if that is given up before.

        Raises:
            RedisError: If Redis refused one of them, or cannot be asked.
            OSError: If it cannot be reached.
            TimeoutError: If it did not answer in time.
        """
        if len(self._waiting) >= CALLS_WAITING_MAX:
            raise RedisBusy(f"At most {CALLS_WAITING_MAX} calls may wait for Redis")
        call = _Call(commands, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        replies = await call.replies
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    async def _send_all(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), CALLS_AT_ONCE_MAX))]
            calls = [call for call in taken if not call.replies.done()]
            try:
                replies = await self._send([command for call in calls for command in call.commands])
            except (RedisError, OSError, TimeoutError) as error:
                for call in calls:
                    if not call.replies.done():
                        call.replies.set_exception(error)
                continue
            for call in calls:
                own, replies = replies[: len(call.commands)], replies[len(call.commands) :]
                if not call.replies.done():
                    call.replies.set_result(own)

    async def _send(self, commands: list[Command]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        async with asyncio.timeout(self._timeout_s):
            return await pipeline.execute(raise_on_error=False)
