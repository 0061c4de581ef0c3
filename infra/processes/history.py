"""The history agent as a process.

How far the log was copied is kept with the log, and counts for one copy: one that was begun anew reads all of it again.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import structlog

from infra.faust_consumer import IN_BLOCKS
from infra.processes.agent import AgentProcess
from infra.processes.health import rest, run_until_stopped
from infra.processes.servers import Servers
from infra.settings import Settings
from infra.stores.clickhouse import ClickHouseHistory
from kernel.clock import SystemClock
from kernel.errors import Unavailable
from streams.history import HistoryAgent

NAME = "history"
RETRY_S: Final = 1.0
LOOK_S: Final = 5.0

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Keep history until stopped."""
    run_until_stopped(lambda stopping: keep_history(settings, stopping))


async def keep_history(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the history agent from the stores of these settings and run it until `stopping`."""
    async with AsyncExitStack() as stack:
        history = ClickHouseHistory(settings.clickhouse_dsn)
        stack.push_async_callback(history.close)
        agent = HistoryAgent(
            history=history,
            outlet=Servers(settings, NAME, stack).outlet(),
            clock=SystemClock(),
            block_rows_max=settings.agents.history_block_rows_max,
            block_interval_s=settings.agents.history_block_interval_ms / 1_000,
        )
        process = AgentProcess(settings, NAME, agent, ping=history.ping, fetching=IN_BLOCKS)
        async with process.answering(settings.ports.history_http):
            identity = await _find_identity(history, stopping)
            if not identity:
                return
            other = _wait_for_another(identity, history, stopping)
            if await process.run_unless(stopping, group=f"{NAME}-{identity}", others=(other,)):
                log.warning("history.copy_is_another", read_for=identity)


async def _find_identity(history: ClickHouseHistory, stopping: asyncio.Event) -> str:
    """Return the copy's identity once the server tells it; empty where stopped before."""
    while not stopping.is_set():
        try:
            return await history.find_identity()
        except Unavailable as error:
            log.warning("agent.waits", step="find the copy's identity", error=str(error))
            await rest(stopping, RETRY_S)
    return ""


async def _wait_for_another(identity: str, history: ClickHouseHistory, stopping: asyncio.Event) -> None:
    """Wait until another copy stands in the place of this one; what it lacks is read from the beginning of the log."""
    while not stopping.is_set() and await _find_identity(history, stopping) == identity:
        await rest(stopping, LOOK_S)
