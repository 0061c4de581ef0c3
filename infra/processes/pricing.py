"""The pricing agent as a process."""

from __future__ import annotations

import asyncio

from infra.faust_app import build_app, is_consuming, run_app
from infra.faust_consumer import AT_ONCE, FetchSpacing
from infra.house import read_house
from infra.kafka import KafkaOutlet
from infra.log_reader import LogReader
from infra.machine_load import MachineLoad
from infra.migrations.kafka_migration import read_declarations
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Pricing, Settings
from infra.stores.book_store import RedisBookStore
from infra.stores.liability import RedisLiability
from infra.stores.published_books import KafkaPublishedBooks
from infra.stores.redis_client import open_redis
from kernel.clock import SystemClock
from streams.pricing import PricingAgent
from streams.pricing_pace import PricingPace
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

NAME = "pricing"
HOUR_US = 3_600_000_000
LAG_SHARE_MAX = 0.05  # of the time for which the log keeps updates
REDIS_CONNECTIONS_MAX = 4
FLUSH_LINGER_MS = 0.5  # a flush sends many messages: together they cost the broker one request instead of a dozen


def run(settings: Settings) -> None:
    """Make prices until stopped."""
    run_until_stopped(lambda stopping: make_prices(settings, stopping))


async def make_prices(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the pricing agent from the stores of these settings and run it until `stopping`."""
    kafka, timeout_ms = settings.kafka_client, settings.pricing.redis_timeout_ms
    redis = open_redis(settings.redis_url, connections_max=REDIS_CONNECTIONS_MAX, timeout_ms=timeout_ms)
    outlet = KafkaOutlet(
        kafka,
        client_id=NAME,
        delivery_timeout_ms=settings.kafka.delivery_timeout_ms,
        linger_ms=FLUSH_LINGER_MS,
    )
    provider_log = LogReader(kafka, [FEED_PROVIDERS.name], start="beginning", client_id=f"{NAME}-providers")
    clock, spacing = SystemClock(), FetchSpacing()
    agent = PricingAgent(
        outlet=outlet,
        store=RedisBookStore(redis, partitions=settings.kafka.partitions, timeout_ms=timeout_ms),
        published=KafkaPublishedBooks(kafka, client_id=f"{NAME}-restore"),
        open_bets=RedisLiability(redis, partitions=settings.kafka.partitions, timeout_ms=timeout_ms),
        provider_log=provider_log,
        clock=clock,
        policy=read_house(settings.house_dir).pricing,
        pace=build_pace(settings.pricing),
        spacing=spacing,
        busy_share=MachineLoad(clock).busy_share,
    )
    app = build_app(settings, NAME, fetching=AT_ONCE, spacing=spacing)
    agent.attach(app)

    kept_us = int(read_declarations(settings)[FEED_UPDATES.name].config["retention.ms"]) * 1_000
    has_worked = False

    async def check() -> str | None:
        nonlocal has_worked
        if not (is_consuming(app) and agent.is_ready):
            return "waiting for its share of the feed and its state"
        # Who starts the system waits for the first answer, and a lag must not keep the system down.
        is_first, has_worked = not has_worked, True
        return None if is_first else complaint_of_lag(agent.lag_us, kept_us=kept_us)

    try:
        async with HealthServer(settings.host, settings.ports.pricing_http, check):
            await run_app(app, stopping)
    finally:
        await provider_log.close()
        outlet.close()
        await redis.aclose()


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
