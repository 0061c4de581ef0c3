"""The simulated match day as a process."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from infra.local.secrets import LocalSecrets
from infra.processes.health import HealthServer, run_until_stopped
from infra.settings import Settings
from kernel.clock import SystemClock
from simulation.play import Playing, SimulationPlan, play_days


def run(settings: Settings) -> None:
    """Play day after day until stopped."""
    run_until_stopped(lambda stopping: _play(settings, stopping))


def plan_of(settings: Settings, *, days_max: int | None) -> SimulationPlan:
    """Return what to play against the system of these settings."""
    secrets = LocalSecrets.load(settings)
    return SimulationPlan(
        target=f"{settings.host}:{settings.ports.web}",
        provider_api_keys=secrets.provider_api_keys,
        player_password=secrets.simulated_player_password,
        state_path=settings.profile_dir / "simulation.json",
        seed=settings.simulation.seed,
        speed=settings.simulation.speed,
        match_count=settings.simulation.match_count,
        population=settings.simulation.population,
        days_max=days_max,
    )


async def _play(settings: Settings, stopping: asyncio.Event) -> None:
    playing = Playing()

    async def check() -> str | None:
        return None if playing.has_begun.is_set() else "waiting to be let in at the feed door"

    async with HealthServer(settings.host, settings.ports.simulation_http, check):
        days = asyncio.create_task(play_days(plan_of(settings, days_max=None), SystemClock(), playing))
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait((days, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        days.cancel()
        with suppress(asyncio.CancelledError):
            await days
