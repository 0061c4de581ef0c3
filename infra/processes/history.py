"""The history agent as a process."""

from __future__ import annotations

import asyncio

from infra.faust_app import build_app, complaint_of, run_app
from infra.faust_consumer import IN_BLOCKS
from infra.kafka import KafkaOutlet
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from infra.stores.clickhouse import ClickHouseHistory
from kernel.clock import SystemClock
from streams.history import HistoryAgent

NAME = "history"


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
    app = build_app(settings, NAME, fetching=IN_BLOCKS)
    agent.attach(app)

    async def check() -> str | None:
        if not agent.is_ready:
            return "waiting for its share of the log"
        await history.ping()
        return await complaint_of(settings, app)

    try:
        async with HealthServer(settings.host, settings.ports.history_http, check):
            await run_app(app, stopping)
    finally:
        outlet.close()
        await history.close()
