"""A Redis client with a bounded pool."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

RETRIES = 1  # a connection that died while idle is replaced once, at once


def open_redis(url: str, *, connections_max: int, timeout_ms: int) -> Redis:
    """Return a client with a bounded pool; nothing connects before the first call.

    Args:
        url: Where the server is.
        connections_max: Most connections at a time.
        timeout_ms: Longest wait for a free connection, and for a new one. Every call is bounded by its caller, with
            `asyncio.timeout`: the client would bound its writes with `asyncio.wait_for`, which in Python 3.11 loses a
            cancellation that comes as the write ends, and costs a task a command.
    """
    timeout_s = timeout_ms / 1_000
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=timeout_s,
        socket_timeout=None,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), RETRIES),
    )
    return Redis.from_pool(pool)
