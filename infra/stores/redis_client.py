"""A Redis client whose every call is bounded."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

RETRIES = 1  # a connection that died while idle is replaced once, at once


def open_redis(url: str, *, connections_max: int, timeout_ms: int) -> Redis:
    """Return a client with a bounded pool; nothing connects before the first call, and none waits past the limit."""
    timeout_s = timeout_ms / 1_000
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), RETRIES),
    )
    return Redis.from_pool(pool)
