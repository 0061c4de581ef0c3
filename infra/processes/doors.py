"""The HTTP doors: the public REST API, and what providers call back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog

from gateway.http.app import make_app
from infra.processes.asgi_site import serving_asgi
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.parts.access import make_access, open_door
from infra.processes.parts.betting import make_betting
from infra.processes.parts.books import make_books, open_books
from infra.processes.parts.part import Part, add_up
from infra.processes.parts.payments import make_payments
from infra.processes.parts.players import make_players
from infra.processes.parts.rest import make_rest
from infra.processes.parts.running import find_trouble, follow_all, run_until
from infra.processes.parts.shared import make_ground, open_shared
from infra.settings import Settings

NAME: Final = "doors"

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Serve until stopped."""
    run_until_stopped(lambda stopping: serve(settings, stopping))


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Compose the doors from the servers of these settings and run them until `stopping`."""
    async with AsyncExitStack() as stack:
        shared = await open_shared(stack, settings, name=NAME)
        auth, door = await open_door(shared)
        books = open_books(shared)
        areas = add_up(
            (
                make_ground(shared),
                make_access(auth),
                make_books(shared, books),
                make_betting(shared, books.bettable),
                make_players(shared, auth),
                await make_payments(shared),
            )
        )
        whole = add_up((areas, make_rest(areas.services, door)))
        await _open_doors(stack, settings, whole)
        works = [work() for work in whole.works] + follow_all(shared.servers, whole.followers)
        await run_until(stopping, works, endings=whole.endings)


async def _open_doors(stack: AsyncExitStack, settings: Settings, whole: Part) -> None:
    ask = partial(find_trouble, whole.troubles)
    await stack.enter_async_context(HealthServer(settings.host, settings.ports.doors_health, ask))
    app = make_app(whole.routes)
    site = serving_asgi(app, host=settings.host, port=settings.ports.doors_http, settings=settings.doors)
    await stack.enter_async_context(site)
    log.info("doors.serving", http=settings.ports.doors_http)
