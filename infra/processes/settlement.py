"""The settlement agent as a process.

How far results were read is kept with the log, and counts for one epoch of the ledger: a ledger that was restored does
not have what was settled since, so in a new epoch all results are read again, of which those it has change nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import faust
import structlog

from infra.faust_app import build_app, complaint_of, run_app
from infra.processes.health import HealthServer, rest, run_until_stopped
from infra.processes.own_log import OwnLog
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
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=settings.agents.settlement_workers + SPARE_CONNECTIONS,
        statement_timeout_ms=settings.ledger.settlement_timeout_ms,
        application_name=f"overround-{NAME}",
    )
    await pool.open()
    work = _Work(settings, pool)
    try:
        async with HealthServer(settings.host, settings.ports.settlement_http, work.check):
            await work.run(stopping)
    finally:
        await pool.close()


class _Work:
    def __init__(self, settings: Settings, pool: PostgresPool) -> None:
        self._settings = settings
        self._pool = pool
        self._pages = Pages(
            PostgresSettlementLedger(pool), SystemClock(), page_size_max=settings.agents.settlement_page_bets_max
        )
        self._parking = Parking(PostgresParkedResults(pool), self._pages)
        self._agent = SettlementAgent(
            pages=self._pages, parking=self._parking, workers=settings.agents.settlement_workers
        )
        self._own_log = OwnLog(pool, partial(read_place, settings.kafka_client, client_id=f"{NAME}-place"))
        self._app: faust.App | None = None
        self._has_worked = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Settle until stopped, or until ledger or log are others: who supervises starts it again then."""
        epoch = await self._find_epoch(stopping)
        losing = asyncio.create_task(self._own_log.watch())
        if epoch is None or not await self._is_log_own(stopping):
            losing.cancel()
            return
        self._app = build_app(self._settings, NAME, group=f"{NAME}-{epoch}" if epoch else NAME)
        self._agent.attach(self._app)
        running = asyncio.create_task(run_app(self._app, stopping))
        watching = [asyncio.create_task(self._wait_for_another(epoch, stopping)), losing]
        await asyncio.wait({running, *watching}, return_when=asyncio.FIRST_COMPLETED)
        for watch in watching:
            watch.cancel()
        if not running.done() and not stopping.is_set():
            log.warning("settlement.ledger_or_log_is_another", read_for=epoch, log=self._own_log.complaint)
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def check(self) -> str | None:
        """Return what keeps results from becoming money, or None."""
        await self._pool.ping()
        if self._own_log.complaint is not None:
            return self._own_log.complaint
        if self._app is None or not self._agent.is_ready:
            return "waiting for its share of the log"
        complaint = await complaint_of(self._settings, self._app)
        if complaint is None and not self._has_worked:
            # Who starts the system waits for this answer, and what waits for a person must not keep the system down.
            self._has_worked = True
            return None
        return complaint or self._pages.complaint or self._parking.complaint

    async def _find_epoch(self, stopping: asyncio.Event) -> int | None:
        while not stopping.is_set():
            try:
                async with self._pool.connection() as connection:
                    return await expect_own_positions(connection)
            except Unavailable as error:
                log.warning("settlement.waits_for_ledger", error=str(error))
                await rest(stopping, EPOCH_LOOK_S)
        return None

    async def _is_log_own(self, stopping: asyncio.Event) -> bool:
        waiting, asked = asyncio.create_task(self._own_log.wait()), asyncio.create_task(stopping.wait())
        await asyncio.wait({waiting, asked}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, asked):
            task.cancel()
        return self._own_log.complaint is None

    async def _wait_for_another(self, epoch: int, stopping: asyncio.Event) -> None:
        while not stopping.is_set() and await self._find_epoch(stopping) == epoch:
            await rest(stopping, EPOCH_LOOK_S)
