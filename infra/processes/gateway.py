"""The gateway: every service behind one gRPC port, the front end behind one HTTP port."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog

from gateway.rpc.door import Door
from gateway.rpc.server import GRACE_S, make_server
from gateway.source import address_reader
from gateway.web import make_web_app
from infra.local.secrets import LocalSecrets
from infra.log_reader import LogReader
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.parts.access import make_authenticator, make_door
from infra.processes.parts.betting import make_betting
from infra.processes.parts.books import make_books, open_books
from infra.processes.parts.casino import make_casino
from infra.processes.parts.desk import make_desk
from infra.processes.parts.feeds import make_feeds
from infra.processes.parts.pages import make_pages
from infra.processes.parts.part import Apply, Ending, Follower, Part, Trouble, add_up
from infra.processes.parts.payments import make_payments
from infra.processes.parts.players import make_players
from infra.processes.parts.shared import make_ground, open_shared
from infra.processes.servers import Reading, Servers
from infra.processes.site import serving
from infra.settings import Settings

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Serve until stopped."""
    run_until_stopped(lambda stopping: serve(settings, stopping))


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the gateway from the servers of these settings and run it until `stopping`."""
    async with AsyncExitStack() as stack:
        shared = await open_shared(stack, settings)
        # Whose a session is has connections of its own: neither bets nor log-ins keep who is logged in waiting.
        sessions = settings.sessions
        session_postgres = await shared.servers.postgres(
            part="sessions", connections_max=sessions.connections_max, timeout_ms=sessions.timeout_ms
        )
        auth = make_authenticator(settings, redis=shared.redis, postgres=session_postgres, clock=shared.clock)
        books = open_books(shared)
        whole = add_up(
            (
                make_ground(shared),
                make_books(shared, books),
                make_betting(shared, books.bettable),
                make_players(shared, auth),
                make_casino(shared),
                await make_payments(shared),
                make_desk(shared, books),
                make_feeds(shared),
                make_pages(),
            )
        )
        address_of = address_reader(LocalSecrets.load(settings).edge_key)
        door = make_door(settings, auth, address_of=address_of, clock=shared.clock)
        await _open_doors(stack, settings, whole, door)
        works = [work() for work in whole.works] + follow_all(shared.servers, whole.followers)
        await run_until(stopping, works, endings=whole.endings)


async def _open_doors(stack: AsyncExitStack, settings: Settings, whole: Part, door: Door) -> None:
    ask = partial(find_trouble, whole.troubles)
    await stack.enter_async_context(HealthServer(settings.host, settings.ports.gateway_health, ask))
    pages = make_web_app(whole.routes, find_trouble=ask)
    await stack.enter_async_context(serving(pages, host=settings.host, port=settings.ports.gateway_http))
    server = make_server(whole.services, address=f"{settings.host}:{settings.ports.gateway_grpc}", door=door)
    await server.start()
    stack.push_async_callback(server.stop, GRACE_S)
    log.info("gateway.serving", grpc=settings.ports.gateway_grpc, http=settings.ports.gateway_http)


async def find_trouble(troubles: Sequence[Trouble]) -> str | None:
    """Return what keeps the gateway from working, a line for each trouble; None for nothing."""
    answers = await asyncio.gather(*(ask() for ask in troubles))
    return "\n".join(answer for answer in answers if answer) or None


def follow_all(servers: Servers, followers: Sequence[Follower]) -> list[Coroutine[None, None, None]]:
    """Return the work of every reader that is needed."""
    appliers: dict[Reading, list[Apply]] = {}
    for follower in followers:
        appliers.setdefault(follower.reading, []).append(follower.apply)
    return [_follow(servers.reader(reading), told) for reading, told in appliers.items()]


async def _follow(reader: LogReader, appliers: Sequence[Apply]) -> None:
    async for records in reader.batches():
        for apply in appliers:
            apply(records)


async def run_until(
    stopping: asyncio.Event, works: Sequence[Coroutine[None, None, None]], *, endings: Sequence[Ending]
) -> None:
    """Run the works until asked to stop, and while what is under way ends.

    What one of them raises ends the process, for none of them may fail.
    """
    tasks = [asyncio.create_task(work) for work in works]
    asked = asyncio.create_task(stopping.wait())
    async with AsyncExitStack() as last:
        last.push_async_callback(_cancel, (asked, *tasks))
        for ending in reversed(endings):
            last.push_async_callback(ending)
        await asyncio.wait((asked, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for ended in (task for task in tasks if task.done()):
            ended.result()


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
