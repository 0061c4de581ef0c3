"""The gateway: every service behind one gRPC port, the front end behind one HTTP port."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog

from gateway.rpc.door import Door
from gateway.rpc.server import GRACE_S, make_server
from gateway.web import make_web_app
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.parts.access import make_access, open_door
from infra.processes.parts.betting import make_betting
from infra.processes.parts.books import make_books, open_books
from infra.processes.parts.casino import make_casino
from infra.processes.parts.desk import make_desk
from infra.processes.parts.feeds import make_feeds
from infra.processes.parts.part import Part, add_up
from infra.processes.parts.payments import make_payments
from infra.processes.parts.players import make_players
from infra.processes.parts.running import find_trouble, follow_all, run_until
from infra.processes.parts.shared import make_ground, open_shared
from infra.processes.site import serving
from infra.settings import ROOT, Settings

NAME: Final = "gateway"
DIST_DIR: Final = ROOT / "web" / "dist"

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Serve until stopped."""
    run_until_stopped(lambda stopping: serve(settings, stopping))


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the gateway from the servers of these settings and run it until `stopping`."""
    async with AsyncExitStack() as stack:
        shared = await open_shared(stack, settings, name=NAME)
        auth, door = await open_door(shared)
        books = open_books(shared)
        whole = add_up(
            (
                make_ground(shared),
                make_access(auth),
                make_books(shared, books),
                make_betting(shared, books.bettable),
                make_players(shared, auth),
                make_casino(shared),
                await make_payments(shared),
                make_desk(shared, books),
                make_feeds(shared),
            )
        )
        await _open_doors(stack, settings, whole, door)
        works = [work() for work in whole.works] + follow_all(shared.servers, whole.followers)
        await run_until(stopping, works, endings=whole.endings)


async def _open_doors(stack: AsyncExitStack, settings: Settings, whole: Part, door: Door) -> None:
    ask = partial(find_trouble, whole.troubles)
    await stack.enter_async_context(HealthServer(settings.host, settings.ports.gateway_health, ask))
    pages = make_web_app(DIST_DIR, find_trouble=ask)
    await stack.enter_async_context(serving(pages, host=settings.host, port=settings.ports.gateway_http))
    server = make_server(whole.services, address=f"{settings.host}:{settings.ports.gateway_grpc}", door=door)
    await server.start()
    stack.push_async_callback(server.stop, GRACE_S)
    log.info("gateway.serving", grpc=settings.ports.gateway_grpc, http=settings.ports.gateway_http)
