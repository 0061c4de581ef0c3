"""The settlement agent as a process.

How far results were read is kept with the log, and counts for one epoch of the ledger: a ledger that was restored does
not have what was settled since, so in a new epoch all results are read again, of which those it has change nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog

from infra.processes.agent import AgentProcess
from infra.processes.health import rest, run_until_stopped
from infra.processes.own_log import OwnLog
from infra.processes.servers import Servers
from infra.settings import Settings
from infra.stores.log_place import read_place
from infra.stores.postgres import PostgresPool, expect_own_positions
from infra.stores.postgres_parked import PostgresParkedResults
from infra.stores.postgres_settlement import PostgresSettlementLedger
from kernel.clock import SystemClock
from kernel.errors import Unavailable
from streams.parked_results import Parking
from streams.settlement import SettlementAgent
from streams.settlement_pages import Pages

NAME = "settlement"
SPARE_CONNECTIONS = 2  # for what is parked and for the health check
EPOCH_LOOK_S: Final = 2.0

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Settle until stopped."""
    run_until_stopped(lambda stopping: settle(settings, stopping))


async def settle(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the settlement agent from the stores of these settings and run it until `stopping`."""
    workers = settings.agents.settlement_workers
    async with AsyncExitStack() as stack:
        pool = await Servers(settings, NAME, stack).postgres(
            connections_max=workers + SPARE_CONNECTIONS, timeout_ms=settings.ledger.settlement_timeout_ms
        )
        pages = Pages(
            PostgresSettlementLedger(pool), SystemClock(), page_size_max=settings.agents.settlement_page_bets_max
        )
        parking = Parking(PostgresParkedResults(pool), pages)
        own_log = OwnLog(pool, partial(read_place, settings.kafka_client, client_id=f"{NAME}-place"))
        process = AgentProcess(
            settings,
            NAME,
            SettlementAgent(pages=pages, parking=parking, workers=workers),
            ping=pool.ping,
            obstacle=lambda: own_log.complaint,
            complaint=lambda: pages.complaint or parking.complaint,
        )
        async with process.answering(settings.ports.settlement_http):
            await _run(process, pool, own_log, stopping)


async def _run(process: AgentProcess, pool: PostgresPool, own_log: OwnLog, stopping: asyncio.Event) -> None:
    """Settle until stopped, or until ledger or log are others: who supervises starts it again then."""
    epoch = await _find_epoch(pool, stopping)
    losing = asyncio.create_task(own_log.watch())
    if epoch is None or not await _is_log_own(own_log, stopping):
        losing.cancel()
        return
    group = f"{NAME}-{epoch}" if epoch else NAME
    if await process.run_unless(stopping, group=group, others=(_wait_for_another(epoch, pool, stopping), losing)):
        log.warning("settlement.ledger_or_log_is_another", read_for=epoch, log=own_log.complaint)


async def _find_epoch(pool: PostgresPool, stopping: asyncio.Event) -> int | None:
    while not stopping.is_set():
        try:
            async with pool.connection() as connection:
                return await expect_own_positions(connection)
        except Unavailable as error:
            log.warning("settlement.waits_for_ledger", error=str(error))
            await rest(stopping, EPOCH_LOOK_S)
    return None


async def _is_log_own(own_log: OwnLog, stopping: asyncio.Event) -> bool:
    waiting, asked = asyncio.create_task(own_log.wait()), asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, asked}, return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, asked):
        task.cancel()
    return own_log.complaint is None


async def _wait_for_another(epoch: int, pool: PostgresPool, stopping: asyncio.Event) -> None:
    while not stopping.is_set() and await _find_epoch(pool, stopping) == epoch:
        await rest(stopping, EPOCH_LOOK_S)
