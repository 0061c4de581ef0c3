"""How the application of the HTTP doors is served: by uvicorn, in the loop and under the signals of the process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from infra.settings import Doors
from kernel.errors import InvariantBroken

GRACE_S: Final = 2
BACKLOG: Final = 1_024
MESSAGE_BYTES_MAX: Final = 160 * 1_024
"""Of what a WebSocket's client says."""
PING_S: Final = 20.0


class _Server(uvicorn.Server):
    """Leaves signals to the process, and says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving_asgi(app: FastAPI, *, host: str, port: int, settings: Doors) -> AsyncIterator[None]:
    """Serve an application while this is entered; who is being answered at the end has GRACE_S.

    Raises:
        OSError: If the port is taken.
    """
    server = _Server(
        uvicorn.Config(
            app,
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES_MAX,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=settings.connections_max,
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    listener = socket.create_server((host, port), backlog=BACKLOG)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        is_up = asyncio.create_task(server.is_up.wait())
        await asyncio.wait((is_up, running), return_when=asyncio.FIRST_COMPLETED)
        if not is_up.done():
            is_up.cancel()
            running.result()
            raise InvariantBroken("The server of the doors must start, ended instead")
        yield
    finally:
        server.should_exit = True
        await running
        listener.close()
