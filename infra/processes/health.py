"""What every process does the same: logs, signals, and one small HTTP server for its health and figures."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Final, Self, TextIO, cast

import structlog
import uvloop
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.processes.site import serving
from infra.processes.unfailing_lines import UnfailingLines

COLLECTOR_THRESHOLDS: Final = (20_000, 20, 20)  # what is short-lived dies before a round sees it
STOP_LIMIT_S: Final = 5.0
CHECK_TIMEOUT_S: Final = 1.5
EXIT_FAILED: Final = 1

LIVES_PATH: Final = "/healthz"
"""Answered while the loop turns, whatever else is away: starting the process again would help nobody."""
WORKS_PATH: Final = "/readyz"
FIGURES_PATH: Final = "/metrics"

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]


class HealthServer:
    """Serves the paths that every process has, while it is entered: that it lives, whether it works, its figures.

    Args:
        host: Where to listen.
        port: Where to listen.
        check: Returns None where the process really works, otherwise what is wrong in a few words.
    """

    def __init__(self, host: str, port: int, check: Check) -> None:
        self._host = host
        self._port = port
        self._check = check
        self._serving: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get(LIVES_PATH, _answer_alive),
                web.get(WORKS_PATH, self._answer_ready),
                web.get(FIGURES_PATH, _answer_metrics),
            ]
        )
        self._serving = serving(app, host=self._host, port=self._port)
        await self._serving.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._serving is not None:
            await self._serving.__aexit__(kind, error, trace)

    async def _answer_ready(self, _: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                complaint = await self._check()
        except TimeoutError:
            complaint = f"the check took longer than {CHECK_TIMEOUT_S} s"
        except Exception as error:  # whatever a store's client raises: the process does not work
            complaint = f"{type(error).__name__}: {error}"
        return web.Response(text=complaint or "ok", status=503 if complaint else 200)


async def _answer_alive(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _answer_metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def run_until_stopped(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` on uvloop; SIGTERM and SIGINT set its event, and it has five seconds to return.

    The process ends with status 1 where `main` raised, or returned without being asked to.
    """
    configure_logging()
    _calm_the_collector()
    uvloop.install()  # the consumer of a Faust app makes a loop of its own, in its thread
    with asyncio.Runner() as runner:
        is_in_order = runner.run(_supervise(main))
    if not is_in_order:
        sys.exit(EXIT_FAILED)


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until the process is to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


def _calm_the_collector() -> None:
    """Keep what was imported out of the collector's rounds: one over all of it stops a process for 80 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def configure_logging(level: int = logging.INFO, *, file: TextIO = sys.stderr) -> None:
    """Write our events of this level or above, and what libraries warn of, a JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    lines = cast("TextIO", UnfailingLines(file))
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


async def _supervise(main: Callable[[asyncio.Event], Awaitable[None]]) -> bool:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            loop.call_later(STOP_LIMIT_S, _give_up)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await main(stopping)
    except Exception:
        log.exception("process.failed")
        return False
    if not stopping.is_set():
        log.error("process.ended_unasked")
    return stopping.is_set()


def _give_up() -> None:
    log.error("process.stop_took_too_long", limit_s=STOP_LIMIT_S)
    os._exit(EXIT_FAILED)
