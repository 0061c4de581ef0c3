"""The liability agent as a process."""

from __future__ import annotations

import asyncio

from infra.faust_app import build_app, complaint_of, run_app
from infra.kafka import KafkaOutlet
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from infra.stores.book_store import RedisBookStore
from infra.stores.exposure import RedisExposure
from infra.stores.liability import KafkaLiabilityLog, RedisLiability
from infra.stores.open_fixtures import PostgresOpenFixtures
from infra.stores.postgres import PostgresPool
from infra.stores.redis_client import open_redis
from kernel.clock import SystemClock
from streams.liability import EXPOSURE_CALLS_AT_ONCE_MAX, LiabilityAgent

NAME = "risk"
POSTGRES_CONNECTIONS_MAX = 1  # for a look a minute


def run(settings: Settings) -> None:
    """Keep liability up to date until stopped."""
    run_until_stopped(lambda stopping: keep_liability(settings, stopping))


async def keep_liability(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the liability agent from the stores of these settings and run it until `stopping`."""
    clock = SystemClock()
    timeout_ms = settings.agents.redis_timeout_ms
    redis = open_redis(settings.redis_url, connections_max=EXPOSURE_CALLS_AT_ONCE_MAX + 4, timeout_ms=timeout_ms)
    outlet = KafkaOutlet(settings.kafka_client, client_id=NAME, delivery_timeout_ms=settings.kafka.delivery_timeout_ms)
    partitions = settings.kafka.partitions
    postgres = PostgresPool(
        settings.postgres_dsn,
        connections_max=POSTGRES_CONNECTIONS_MAX,
        statement_timeout_ms=settings.ledger.statement_timeout_ms,
        application_name=f"overround-{NAME}",
    )
    await postgres.open()
    agent = LiabilityAgent(
        outlet=outlet,
        copy=RedisLiability(redis, partitions=partitions, timeout_ms=timeout_ms),
        published=KafkaLiabilityLog(settings.kafka_client, client_id=f"{NAME}-restore"),
        exposure=RedisExposure(redis, clock=clock, timeout_ms=timeout_ms),
        priced=RedisBookStore(redis, partitions=partitions, timeout_ms=timeout_ms),
        ledger=PostgresOpenFixtures(postgres),
        clock=clock,
        currency=settings.betting.currency,
        interval_s=settings.agents.liability_interval_ms / 1_000,
    )
    app = build_app(settings, NAME)
    agent.attach(app)

    async def check() -> str | None:
        if not agent.is_ready:
            return "reading liability back"
        await redis.ping()
        return await complaint_of(settings, app)

    try:
        async with HealthServer(settings.host, settings.ports.risk_http, check):
            await run_app(app, stopping)
    finally:
        outlet.close()
        await postgres.close()
        await redis.aclose()
