"""How an HTTP application is served, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

GRACE_S: Final = 0.5


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve an application while this is entered; who is being answered at the end has GRACE_S.

    Raises:
        OSError: If the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=GRACE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
