"""The pricing agent as a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from infra.faust_app import build_app, is_consuming, run_app
from infra.faust_consumer import AT_ONCE, FetchSpacing
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
from odds.margin.methods import MarginMethod
from odds.margin_rules import MarginRule, Phase
from odds.policy import PricingPolicy
from odds.provider_rights import ProviderRights, RightsTable
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
        policy=build_policy(settings.pricing, settings.own_offers),
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


def build_policy(pricing: Pricing, own_offers: Mapping[str, tuple[str, ...]]) -> PricingPolicy:
    """Return how prices are made according to the settings."""
    return PricingPolicy(
        overround=pricing.overround,
        overround_wide=pricing.overround_wide,
        margin_rules=tuple(
            MarginRule(rule.overround, rule.sport, rule.tier, rule.market_type, Phase(rule.phase))
            for rule in pricing.margin_rules
        ),
        tier_by_competition=pricing.tier_by_competition,
        removal=MarginMethod(pricing.margin_removal),
        application=MarginMethod(pricing.margin_application),
        margin_odds_ratio_max=pricing.margin_odds_ratio_max,
        providers_min=pricing.providers_min,
        mandatory_providers=pricing.mandatory_providers,
        sharpness_by_provider=pricing.sharpness_by_provider,
        age_half_life_us=pricing.age_half_life_ms * 1_000,
        age_in_play_us_max=pricing.age_in_play_ms_max * 1_000,
        age_pre_match_us_max=pricing.age_pre_match_ms_max * 1_000,
        outlier_logit_distance_max=pricing.outlier_logit_distance_max,
        model_error_max=pricing.model_error_max,
        model_logit_distance_max=pricing.model_logit_distance_max,
        own_offers=own_offers,
        kept_overround_tolerance=pricing.kept_overround_tolerance,
        kept_return_max=pricing.kept_return_max,
        bet_stop_margin_us=pricing.bet_stop_margin_ms * 1_000,
        start_guard=pricing.start_guard,
        clock_stale_us=pricing.clock_stale_ms * 1_000,
        provider_timeout_us=pricing.provider_timeout_ms * 1_000,
        rights=RightsTable(
            tuple(ProviderRights(**right.model_dump()) for right in pricing.provider_rights), pricing.end_quorum
        ),
        ladder=pricing.ladder,
    )


def build_pace(pricing: Pricing) -> PricingPace:
    """Return how much is done at once according to the settings."""
    return PricingPace(
        spacing_s_max=pricing.fetch_spacing_ms_max / 1_000,
        batch_fixtures_max=pricing.batch_fixtures_max,
        retention_us=pricing.retention_s * 1_000_000,
    )
