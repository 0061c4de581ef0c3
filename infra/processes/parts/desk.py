"""What traders see, and their commands."""

from __future__ import annotations

from gateway.desk_feed import DeskFeed
from gateway.desk_losses import DeskLosses
from gateway.desk_stream import DeskSources
from gateway.price_explainer import PriceExplainer
from gateway.trading_service import TradingService
from infra.processes.parts.books import Books
from infra.processes.parts.logs import BET_LOG, DESK_LOG
from infra.processes.parts.part import Follower, Part
from infra.processes.parts.shared import Shared
from infra.stores.explanation_log import KEPT_MS, KafkaExplanationLog
from infra.stores.player_names import PostgresPlayerNames


def make_desk(shared: Shared, books: Books) -> Part:
    """Return the desk."""
    settings, clock = shared.settings, shared.clock
    feed = DeskFeed(names=PostgresPlayerNames(shared.postgres), watchers_max=settings.gateway.desks_max)
    losses = DeskLosses(books=books.cache, feed=feed, clock=clock)
    sources = DeskSources(
        books=books.cache,
        feed=feed,
        explanations=books.snapshots,
        figures=shared.figures,
        clock=clock,
        environment=settings.profile,
    )
    explanation_log = KafkaExplanationLog(
        settings.kafka_client,
        partitions=settings.kafka.partitions,
        client_id=f"{shared.name}-explanations",
        timeout_ms=settings.gateway.explanation_timeout_ms,
    )
    shared.stack.push_async_callback(explanation_log.close)
    explainer = PriceExplainer(
        explanations=books.snapshots, log=explanation_log, books=books.cache, clock=clock, kept_ms=KEPT_MS
    )
    return Part(
        services=(TradingService(sources=sources, explainer=explainer, outlet=shared.servers.outlet()),),
        followers=(
            Follower(DESK_LOG, feed.apply_liabilities),
            Follower(DESK_LOG, feed.apply_providers),
            Follower(BET_LOG, feed.apply_bets),
        ),
        works=(feed.show_bets, losses.run),
    )
