"""The history agent as a process.

How far the log was copied is kept with the log, and counts for one copy: one that was begun anew reads all of it again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import faust
import structlog

from infra.faust_app import build_app, complaint_of, run_app
from infra.faust_consumer import IN_BLOCKS
from infra.kafka import KafkaOutlet
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from infra.stores.clickhouse import ClickHouseHistory
from kernel.clock import SystemClock
from kernel.errors import Unavailable
from streams.history import HistoryAgent

NAME = "history"
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Keep history until stopped."""
    run_until_stopped(lambda stopping: keep_history(settings, stopping))


async def keep_history(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the history agent from the stores of these settings and run it until `stopping`."""
    history = ClickHouseHistory(settings.clickhouse_dsn)
    outlet = KafkaOutlet(settings.kafka_client, client_id=NAME, delivery_timeout_ms=settings.kafka.delivery_timeout_ms)
    agent = HistoryAgent(
        history=history,
        outlet=outlet,
        clock=SystemClock(),
        block_rows_max=settings.agents.history_block_rows_max,
        block_interval_s=settings.agents.history_block_interval_ms / 1_000,
    )
    app: faust.App | None = None

    async def check() -> str | None:
        await history.ping()
        if app is None or not agent.is_ready:
            return "waiting for its share of the log"
        return await complaint_of(settings, app)

    try:
        async with HealthServer(settings.host, settings.ports.history_http, check):
            identity = await _find_identity(history, stopping)
            if identity:
                app = build_app(settings, NAME, group=f"{NAME}-{identity}", fetching=IN_BLOCKS)
                agent.attach(app)
                await run_app(app, stopping)
    finally:
        outlet.close()
        await history.close()


async def _find_identity(history: ClickHouseHistory, stopping: asyncio.Event) -> str:
    """Return the copy's identity once the server tells it; empty where stopped before."""
    while not stopping.is_set():
        try:
            return await history.find_identity()
        except Unavailable as error:
            log.warning("agent.waits", step="find the copy's identity", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await stopping.wait()
    return ""
