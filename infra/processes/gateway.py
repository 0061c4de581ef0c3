"""The gateway: every service behind one gRPC port, the front end behind one HTTP port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.bettable_books import BettableBooks
from gateway.book_follower import BookFollower
from gateway.books import BookCache
from gateway.desk_feed import RECENT_BETS_MAX, DeskFeed
from gateway.desk_losses import DeskLosses
from gateway.desk_stream import DeskSources
from gateway.feed_service import FeedService, PushLimits
from gateway.feeds.intake import Intake
from gateway.figures import DeskFigures
from gateway.odds_service import OddsService
from gateway.price_explainer import PriceExplainer
from gateway.rpc.door import Door
from gateway.rpc.methods import Service
from gateway.rpc.server import GRACE_S, make_server
from gateway.source import address_reader
from gateway.trading_service import TradingService
from gateway.web import make_web_app
from infra.house import read_house
from infra.kafka import KafkaOutlet, partition_of
from infra.local.secrets import LocalSecrets
from infra.log_reader import LogReader
from infra.processes.gateway_betting import make_authenticator, make_betting, make_door
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.own_cursors import CursorsOfOwnLog
from infra.processes.own_log import OwnLog
from infra.processes.site import serving
from infra.settings import ROOT, Settings
from infra.stores.book_snapshots import RedisBookSnapshots
from infra.stores.explanation_log import KEPT_MS, KafkaExplanationLog
from infra.stores.feed_keys import PostgresCursors, PostgresFeedKeys
from infra.stores.feed_log import KafkaFeedLog
from infra.stores.log_place import read_place
from infra.stores.player_names import PostgresPlayerNames
from infra.stores.postgres import PostgresPool
from infra.stores.redis_client import open_redis
from kernel.clock import Clock, SystemClock
from kernel.errors import DomainError
from kernel.log import Record
from wire.topics import (
    BET_EVENTS,
    BOOKS,
    FEED_PROVIDERS,
    HEARTBEATS,
    LIABILITIES,
    PRICING_DEAD_LETTERS,
    RESULTS,
)

log = structlog.get_logger(__name__)

NAME: Final = "gateway"
GATHER_MS: Final = 50  # nobody sees whether the desk or "my bets" is so much later
FEEDS_GRACE_S: Final = 1.0
BETS_GRACE_S: Final = 2.3  # longer than the in-play delay, and all ends within the limit of a process
DIST_DIR: Final = ROOT / "web" / "dist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What the gateway talks to; each connects when it is first needed, and none is needed to start.

    Attributes:
        postgres: For bets and money.
        session_postgres: For whose a session is, so that neither bets nor log-ins keep who is logged in waiting.
        log_in_postgres: For what anybody may ask without a session: log-ins, registrations, API keys.
    """

    clock: Clock
    postgres: PostgresPool
    session_postgres: PostgresPool
    log_in_postgres: PostgresPool
    redis: Redis
    outlet: KafkaOutlet
    feed_outlet: KafkaOutlet
    explanation_log: KafkaExplanationLog
    books_log: LogReader
    desk_log: LogReader
    bets_log: LogReader
    rights_log: LogReader


def run(settings: Settings) -> None:
    """Serve until stopped."""
    run_until_stopped(lambda stopping: serve(settings, stopping))


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the gateway from the servers of these settings and run it until `stopping`."""
    async with AsyncExitStack() as stack:
        house = read_house(settings.house_dir)
        servers = await _open_servers(stack, settings)
        clock = servers.clock
        address_of = address_reader(LocalSecrets.load(settings).edge_key)
        figures = DeskFigures(clock)
        books = _make_books(settings, clock)
        snapshots = RedisBookSnapshots(servers.redis)
        follower = BookFollower(
            cache=books, books_log=servers.books_log, snapshots=snapshots, figures=figures, clock=clock
        )
        auth = make_authenticator(settings, redis=servers.redis, postgres=servers.session_postgres, clock=clock)
        bettable = BettableBooks(
            books=books,
            clock=clock,
            start_guard=house.pricing.start_guard,
            provider_timeout_us=house.pricing.provider_timeout_us,
        )
        desk = DeskFeed(names=PostgresPlayerNames(servers.postgres), watchers_max=settings.gateway.desks_max)
        losses = DeskLosses(books=books, feed=desk, clock=clock)
        betting = make_betting(
            stack,
            settings,
            house=house,
            postgres=servers.postgres,
            log_in_postgres=servers.log_in_postgres,
            redis=servers.redis,
            books=bettable,
            figures=figures,
            auth=auth,
            clock=clock,
        )
        sources = DeskSources(
            books=books,
            feed=desk,
            explanations=snapshots,
            figures=figures,
            clock=clock,
            environment=settings.profile,
        )
        explainer = PriceExplainer(
            explanations=snapshots, log=servers.explanation_log, books=books, clock=clock, kept_ms=KEPT_MS
        )
        own_log = OwnLog(servers.postgres, partial(read_place, settings.kafka_client, client_id=f"{NAME}-place"))
        feeds = _make_feed_service(settings, servers, own_log)
        services: list[Service] = [
            OddsService(books=books, clock=clock, in_play_delay_ms=house.in_play_delay_ms),
            TradingService(sources=sources, explainer=explainer, outlet=servers.outlet),
            feeds,
            *betting.services,
        ]
        door = make_door(settings, auth, address_of=address_of, clock=clock)
        find_trouble = partial(_find_trouble, settings, servers, follower, own_log)
        await _open_doors(stack, settings, services, door, find_trouble)
        stack.push_async_callback(_end_feeds, feeds)
        works = (
            _follow_books(own_log, follower),
            own_log.watch(),
            _follow(
                servers.desk_log,
                (bettable.apply_providers, desk.apply_liabilities, desk.apply_providers),
            ),
            _follow(servers.bets_log, (betting.feed.apply, desk.apply_bets)),
            _follow(servers.rights_log, (feeds.tell_refused,)),
            desk.show_bets(),
            losses.run(),
            betting.keeper.run(),
        )
        await _run_until(stopping, works, ending=partial(betting.placement.close, timeout_s=BETS_GRACE_S))


async def _open_servers(stack: AsyncExitStack, settings: Settings) -> Servers:
    kafka, gateway = settings.kafka_client, settings.gateway
    # Apart, so that commands of the desk never queue behind feeds.
    outlet, feed_outlet = (
        KafkaOutlet(kafka, client_id=client_id, delivery_timeout_ms=settings.kafka.delivery_timeout_ms)
        for client_id in (NAME, f"{NAME}-feeds")
    )
    stack.callback(outlet.close)
    stack.callback(feed_outlet.close)
    redis = open_redis(
        settings.redis_url, connections_max=gateway.redis_connections_max, timeout_ms=gateway.redis_timeout_ms
    )
    stack.push_async_callback(redis.aclose)
    ledger, sessions = settings.ledger, settings.sessions
    postgres = await _open_postgres(stack, settings, NAME, ledger.connections_max, ledger.statement_timeout_ms)
    session_postgres = await _open_postgres(
        stack, settings, f"{NAME}-sessions", sessions.connections_max, sessions.timeout_ms
    )
    log_in_postgres = await _open_postgres(
        stack, settings, f"{NAME}-log-ins", sessions.log_in_connections_max, ledger.statement_timeout_ms
    )
    explanation_log = KafkaExplanationLog(
        kafka,
        partitions=settings.kafka.partitions,
        client_id=f"{NAME}-explanations",
        timeout_ms=gateway.explanation_timeout_ms,
    )
    stack.push_async_callback(explanation_log.close)
    logs = (
        LogReader(kafka, [BOOKS.name, HEARTBEATS.name], start="end", client_id=f"{NAME}-books"),
        LogReader(
            kafka,
            [LIABILITIES.name, FEED_PROVIDERS.name],
            start="beginning",
            client_id=f"{NAME}-desk",
            gather_ms=GATHER_MS,
        ),
        LogReader(
            kafka,
            [BET_EVENTS.name],
            start="end",
            client_id=f"{NAME}-bets",
            backlog_records=RECENT_BETS_MAX,
            gather_ms=GATHER_MS,
        ),
        LogReader(
            kafka,
            [PRICING_DEAD_LETTERS.name, RESULTS.name],
            start="end",
            client_id=f"{NAME}-rights",
            gather_ms=GATHER_MS,
        ),
    )
    for reader in logs:
        stack.push_async_callback(reader.close)
    books_log, desk_log, bets_log, rights_log = logs
    return Servers(
        clock=SystemClock(),
        postgres=postgres,
        session_postgres=session_postgres,
        log_in_postgres=log_in_postgres,
        redis=redis,
        outlet=outlet,
        feed_outlet=feed_outlet,
        explanation_log=explanation_log,
        books_log=books_log,
        desk_log=desk_log,
        bets_log=bets_log,
        rights_log=rights_log,
    )


async def _open_postgres(
    stack: AsyncExitStack, settings: Settings, name: str, connections_max: int, timeout_ms: int
) -> PostgresPool:
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=connections_max,
        statement_timeout_ms=timeout_ms,
        application_name=name,
    )
    await pool.open()
    stack.push_async_callback(pool.close)
    return pool


def _make_books(settings: Settings, clock: Clock) -> BookCache:
    partitions = settings.kafka.partitions
    return BookCache(
        clock=clock,
        partition_of=lambda fixture_id: partition_of(fixture_id, partitions),
        partitions=partitions,
        heartbeat_age_ms_max=settings.gateway.heartbeat_age_ms_max,
        watchers_max=settings.gateway.watchers_max,
    )


def _make_feed_service(settings: Settings, servers: Servers, own_log: OwnLog) -> FeedService:
    limits = PushLimits(
        in_flight_updates_max=settings.feeds.in_flight_updates_max,
        idle_timeout_ms=settings.feeds.idle_timeout_ms,
        acknowledge_interval_ms=settings.feeds.acknowledge_interval_ms,
    )
    return FeedService(
        keys=PostgresFeedKeys(servers.log_in_postgres),
        cursors=CursorsOfOwnLog(PostgresCursors(servers.postgres), own_log),
        log=KafkaFeedLog(settings.kafka_client, client_id=f"{NAME}-feed-log"),
        intake=Intake(outlet=servers.feed_outlet, clock=servers.clock),
        clock=servers.clock,
        limits=limits,
    )


async def _end_feeds(feeds: FeedService) -> None:
    """Let providers' streams settle; what does not in time is read back from the log at their next stream."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FEEDS_GRACE_S):
            await feeds.close()


async def _open_doors(
    stack: AsyncExitStack,
    settings: Settings,
    services: Sequence[Service],
    door: Door,
    find_trouble: Callable[[], Awaitable[str | None]],
) -> None:
    await stack.enter_async_context(HealthServer(settings.host, settings.ports.gateway_health, find_trouble))
    pages = make_web_app(dist_dir=DIST_DIR, find_trouble=find_trouble)
    await stack.enter_async_context(serving(pages, host=settings.host, port=settings.ports.gateway_http))
    server = make_server(services, address=f"{settings.host}:{settings.ports.gateway_grpc}", door=door)
    await server.start()
    stack.push_async_callback(server.stop, GRACE_S)
    log.info("gateway.serving", grpc=settings.ports.gateway_grpc, http=settings.ports.gateway_http)


async def _find_trouble(settings: Settings, servers: Servers, follower: BookFollower, own_log: OwnLog) -> str | None:
    async def ping(name: str, asked: Awaitable[object]) -> str:
        try:
            async with asyncio.timeout(settings.gateway.health_timeout_ms / 1_000):
                await asked
        except (DomainError, RedisError, OSError, TimeoutError) as error:
            return f"{name}: {error!r}"
        return ""

    answers = await asyncio.gather(
        ping("postgres", servers.postgres.ping()), ping("redis", servers.redis.echo("gateway"))
    )
    troubles = [answer for answer in answers if answer]
    if own_log.complaint is not None:
        troubles.append(f"log: {own_log.complaint}")
    if not follower.is_loaded:
        troubles.append("books: not loaded yet")
    return "\n".join(troubles) or None


async def _follow_books(own_log: OwnLog, follower: BookFollower) -> None:
    """Take no book for one before the log is known to be the ledger's."""
    await own_log.wait()
    await follower.run()


async def _follow(reader: LogReader, appliers: Sequence[Callable[[list[Record]], None]]) -> None:
    async for records in reader.batches():
        for apply in appliers:
            apply(records)


async def _run_until(
    stopping: asyncio.Event, works: Sequence[Coroutine[None, None, None]], *, ending: Callable[[], Awaitable[None]]
) -> None:
    """Run the works until asked to stop, and while what is under way ends.

    What one of them raises ends the process, for none of them may fail.
    """
    tasks = [asyncio.create_task(work) for work in works]
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((asked, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for ended in (task for task in tasks if task.done()):
            ended.result()
    finally:
        await ending()
        for task in (asked, *tasks):
            task.cancel()
        await asyncio.gather(asked, *tasks, return_exceptions=True)
