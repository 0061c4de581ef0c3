"""The settlement agent as a process."""

from __future__ import annotations

import asyncio

from infra.faust_app import build_app, complaint_of, run_app
from infra.kafka import KafkaOutlet
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_settlement import PostgresSettlementLedger
from kernel.clock import SystemClock
from streams.settlement import SettlementAgent

NAME = "settlement"
SPARE_CONNECTIONS = 1  # for the health check


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
    outlet = KafkaOutlet(
        settings.kafka_bootstrap, client_id=NAME, delivery_timeout_ms=settings.kafka.delivery_timeout_ms
    )
    agent = SettlementAgent(
        ledger=PostgresSettlementLedger(pool),
        outlet=outlet,
        clock=SystemClock(),
        page_size=settings.agents.settlement_page_bets_max,
        workers=settings.agents.settlement_workers,
    )
    app = build_app(settings, NAME)
    agent.attach(app)

    async def check() -> str | None:
        if not agent.is_ready:
            return "waiting for its share of the log"
        await pool.ping()
        return await complaint_of(settings, app)

    try:
        async with HealthServer(settings.host, settings.ports.settlement_http, check):
            await run_app(app, stopping)
    finally:
        outlet.close()
        await pool.close()
