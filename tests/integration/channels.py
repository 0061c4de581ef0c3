"""Channels to a gateway that is still starting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc

READY_TIMEOUT_S: Final = 120.0
# A refused connection is tried again at once: the pause would otherwise double until it is longer than any limit here.
# Not shared, so that a port used before does not bring its pause along.
OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.use_local_subchannel_pool", 1),
)


@asynccontextmanager
async def open_channel(
    target: str, *, until_ended: asyncio.Future[Any] | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """Give a channel once it is connected.

    Args:
        target: Host and port.
        until_ended: The server, where it runs in this process: one that ends before it serves fails with its own error.
    """
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        ready = asyncio.ensure_future(channel.channel_ready())
        waited = {ready} if until_ended is None else {ready, until_ended}
        await asyncio.wait(waited, timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            if until_ended is not None and until_ended.done():
                until_ended.result()
            raise TimeoutError(f"{target} must be ready within {READY_TIMEOUT_S:g} s, was {channel.get_state()}")
        yield channel
