"""Waiting for Redis for so long and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from kernel.errors import Part, Unavailable


@asynccontextmanager
async def bounded(timeout_s: float, part: Part, words: str) -> AsyncIterator[None]:
    """Bound the wait for Redis.

    Args:
        timeout_s: Within which all that is asked inside must be answered.
        part: What is away where it is not.
        words: What must be so, for who reads the refusal.

    Raises:
        Unavailable: If it was not answered in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(part, f"{words}, but: {error!r}") from error
