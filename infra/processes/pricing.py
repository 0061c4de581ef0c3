"""The pricing agent as a process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from infra.faust_consumer import AT_ONCE, FetchSpacing
from infra.house import read_house
from infra.machine_load import MachineLoad
from infra.migrations.kafka_migration import declare
from infra.processes.agent import AgentProcess
from infra.processes.health import run_until_stopped
from infra.processes.servers import Reading, Servers
from infra.settings import Pricing, Settings
from infra.stores.book_copy import RedisBookStore
from infra.stores.liability import RedisLiability
from infra.stores.published_books import KafkaPublishedBooks
from kernel.clock import SystemClock
from streams.pricing import PricingAgent
from streams.pricing_pace import PricingPace
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

NAME = "pricing"
HOUR_US = 3_600_000_000
LAG_SHARE_MAX = 0.05  # of the time for which the log keeps updates
REDIS_CONNECTIONS_MAX = 4
PROVIDER_LOG = Reading(name="providers", topics=(FEED_PROVIDERS,), start="beginning")
FLUSH_LINGER_MS = 0.5  # a flush sends many messages: together they cost the broker one request instead of a dozen


def run(settings: Settings) -> None:
    """Make prices until stopped."""
    run_until_stopped(lambda stopping: make_prices(settings, stopping))


async def make_prices(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the pricing agent from the stores of these settings and run it until `stopping`."""
    kafka, partitions, timeout_ms = settings.kafka_client, settings.kafka.partitions, settings.pricing.redis_timeout_ms
    kept_us = int(declare(FEED_UPDATES, settings).config["retention.ms"]) * 1_000
    clock, spacing = SystemClock(), FetchSpacing()
    async with AsyncExitStack() as stack:
        servers = Servers(settings, NAME, stack)
        redis = servers.redis(connections_max=REDIS_CONNECTIONS_MAX, timeout_ms=timeout_ms)
        agent = PricingAgent(
            outlet=servers.outlet(linger_ms=FLUSH_LINGER_MS),
            store=RedisBookStore(redis, partitions=partitions, timeout_ms=timeout_ms),
            published=KafkaPublishedBooks(kafka, client_id=f"{NAME}-restore"),
            open_bets=RedisLiability(redis, partitions=partitions, timeout_ms=timeout_ms),
            provider_log=servers.reader(PROVIDER_LOG),
            clock=clock,
            policy=read_house(settings.house_dir).pricing,
            pace=build_pace(settings.pricing),
            spacing=spacing,
            busy_share=MachineLoad(clock).busy_share,
        )
        process = AgentProcess(
            settings,
            NAME,
            agent,
            complaint=lambda: complaint_of_lag(agent.lag_us, kept_us=kept_us),
            fetching=AT_ONCE,
            spacing=spacing,
        )
        async with process.answering(settings.ports.pricing_http):
            await process.run(stopping)


def complaint_of_lag(lag_us: int, *, kept_us: int) -> str | None:
    """Return what is wrong where news waits so long that the log may lose it, and results with it; None otherwise."""
    if lag_us <= kept_us * LAG_SHARE_MAX:
        return None
    return f"prices news of {lag_us / HOUR_US:.1f} h ago: the log keeps it, and results, for {kept_us / HOUR_US:.0f} h"


def build_pace(pricing: Pricing) -> PricingPace:
    """Return how much is done at once according to the settings."""
    return PricingPace(
        spacing_s_max=pricing.fetch_spacing_ms_max / 1_000,
        batch_fixtures_max=pricing.batch_fixtures_max,
        retention_us=pricing.retention_s * 1_000_000,
    )
