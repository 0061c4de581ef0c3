"""The settlement agent as a process."""

from __future__ import annotations

import asyncio

from infra.faust_app import build_app, complaint_of, run_app
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_parked import PostgresParkedResults
from infra.stores.postgres_settlement import PostgresSettlementLedger
from kernel.clock import SystemClock
from streams.parked_results import Parking
from streams.settlement import SettlementAgent
from streams.settlement_pages import Pages

NAME = "settlement"
SPARE_CONNECTIONS = 2  # for what is parked and for the health check


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
    pages = Pages(PostgresSettlementLedger(pool), SystemClock(), page_size_max=settings.agents.settlement_page_bets_max)
    parking = Parking(PostgresParkedResults(pool), pages)
    agent = SettlementAgent(pages=pages, parking=parking, workers=settings.agents.settlement_workers)
    app = build_app(settings, NAME)
    agent.attach(app)
    has_worked = False

    async def check() -> str | None:
        nonlocal has_worked
        if not agent.is_ready:
            return "waiting for its share of the log"
        await pool.ping()
        complaint = await complaint_of(settings, app)
        if complaint is None and not has_worked:
            # Who starts the system waits for this answer, and what waits for a person must not keep the system down.
            has_worked = True
            return None
        return complaint or pages.complaint or parking.complaint

    try:
        async with HealthServer(settings.host, settings.ports.settlement_http, check):
            await run_app(app, stopping)
    finally:
        await pool.close()
