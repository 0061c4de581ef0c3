"""The simulated register of exclusions as a process."""

from __future__ import annotations

import asyncio

from aiohttp import web

from infra.local.secrets import LocalSecrets
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.site import serving
from infra.settings import Settings
from simulation.parties.exclusion_register import RegisterPlan, SimulatedRegister


def run(settings: Settings) -> None:
    """Answer until stopped."""
    run_until_stopped(lambda stopping: _answer(settings, stopping))


async def _answer(settings: Settings, stopping: asyncio.Event) -> None:
    plan = RegisterPlan(settings.simulation.seed)
    register = SimulatedRegister(plan, api_key=LocalSecrets.load(settings).exclusion_register_key)

    async def check() -> str | None:
        return None

    app = web.Application()
    app.add_routes(register.routes())
    async with (
        HealthServer(settings.host, settings.ports.exclusion_register_http, check),
        serving(app, host=settings.host, port=settings.ports.exclusion_register),
    ):
        await stopping.wait()
