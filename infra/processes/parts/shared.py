"""What more than one part of a process stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from compliance.permit import Permits
from gateway.figures import DeskFigures
from infra.house import House, read_house, read_permits
from infra.processes.own_log import OwnLog
from infra.processes.parts.part import Part
from infra.processes.servers import Servers
from infra.settings import Settings
from infra.stores.log_place import read_place
from infra.stores.postgres import PostgresPool
from kernel.clock import Clock, SystemClock
from kernel.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several parts stand on; what they open is closed with the stack.

    Attributes:
        name: Of the process; what it is called at the servers.
        postgres: For bets and money.
        log_in_postgres: For what anybody may ask without a session: log-ins, registrations, API keys.
    """

    name: str
    stack: AsyncExitStack
    settings: Settings
    house: House
    clock: Clock
    servers: Servers
    postgres: PostgresPool
    log_in_postgres: PostgresPool
    redis: Redis
    own_log: OwnLog
    permits: Permits
    figures: DeskFigures


async def open_shared(stack: AsyncExitStack, settings: Settings, *, name: str) -> Shared:
    """Return it for the servers of these settings; they connect when first needed, and none is needed to start."""
    servers, clock, timeout_ms = Servers(settings, name, stack), SystemClock(), settings.ledger.statement_timeout_ms
    postgres = await servers.postgres(connections_max=settings.ledger.connections_max, timeout_ms=timeout_ms)
    return Shared(
        name=name,
        stack=stack,
        settings=settings,
        house=read_house(settings.house_dir),
        clock=clock,
        servers=servers,
        postgres=postgres,
        log_in_postgres=await servers.postgres(
            part="log-ins", connections_max=settings.sessions.log_in_connections_max, timeout_ms=timeout_ms
        ),
        redis=servers.redis(
            connections_max=settings.gateway.redis_connections_max, timeout_ms=settings.gateway.redis_timeout_ms
        ),
        own_log=OwnLog(postgres, partial(read_place, settings.kafka_client, client_id=f"{name}-place")),
        permits=read_permits(settings.house_dir, home=settings.jurisdiction, clock=clock),
        figures=DeskFigures(clock),
    )


def make_ground(shared: Shared) -> Part:
    """Return what watches over the servers that nothing goes without, and whether the log is the ledger's."""

    async def ping(name: str, asked: Awaitable[object]) -> str | None:
        try:
            async with asyncio.timeout(shared.settings.gateway.health_timeout_ms / 1_000):
                await asked
        except (DomainError, RedisError, OSError, TimeoutError) as error:
            return f"{name}: {error!r}"
        return None

    async def find_trouble_of_log() -> str | None:
        complaint = shared.own_log.complaint
        return None if complaint is None else f"log: {complaint}"

    return Part(
        works=(shared.own_log.watch,),
        troubles=(
            lambda: ping("postgres", shared.postgres.ping()),
            lambda: ping("redis", shared.redis.echo(shared.name)),
            find_trouble_of_log,
        ),
    )
