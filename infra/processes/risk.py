"""The liability agent as a process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from infra.processes.agent import AgentProcess
from infra.processes.health import run_until_stopped
from infra.processes.servers import Servers
from infra.rates import read_rates
from infra.settings import Settings
from infra.stores.book_copy import RedisBookStore
from infra.stores.exposure import RedisExposure
from infra.stores.liability import KafkaLiabilityLog, RedisLiability
from infra.stores.open_fixtures import PostgresOpenFixtures
from kernel.clock import SystemClock
from streams.liability import EXPOSURE_CALLS_AT_ONCE_MAX, LiabilityAgent

NAME: Final = "risk"
SPARE_CONNECTIONS: Final = 4
POSTGRES_CONNECTIONS_MAX: Final = 1  # for a look a minute


def run(settings: Settings) -> None:
    """Keep liability up to date until stopped."""
    run_until_stopped(lambda stopping: keep_liability(settings, stopping))


async def keep_liability(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the liability agent from the stores of these settings and run it until `stopping`."""
    clock, partitions, timeout_ms = SystemClock(), settings.kafka.partitions, settings.agents.redis_timeout_ms
    async with AsyncExitStack() as stack:
        servers = Servers(settings, NAME, stack)
        redis = servers.redis(connections_max=EXPOSURE_CALLS_AT_ONCE_MAX + SPARE_CONNECTIONS, timeout_ms=timeout_ms)
        postgres = await servers.postgres(
            connections_max=POSTGRES_CONNECTIONS_MAX, timeout_ms=settings.ledger.statement_timeout_ms
        )
        agent = LiabilityAgent(
            outlet=servers.outlet(),
            copy=RedisLiability(redis, partitions=partitions, timeout_ms=timeout_ms),
            published=KafkaLiabilityLog(settings.kafka_client, client_id=f"{NAME}-restore"),
            exposure=RedisExposure(redis, clock=clock, timeout_ms=timeout_ms),
            priced=RedisBookStore(redis, partitions=partitions, timeout_ms=timeout_ms),
            ledger=PostgresOpenFixtures(postgres),
            clock=clock,
            currency=read_rates(settings.house_dir).reference_currency,
            interval_s=settings.agents.liability_interval_ms / 1_000,
        )
        process = AgentProcess(settings, NAME, agent, ping=redis.ping)
        async with process.answering(settings.ports.risk_http):
            await process.run(stopping)
