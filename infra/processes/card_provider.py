"""The simulated card provider as a process."""

from __future__ import annotations

import asyncio

from infra.local.secrets import LocalSecrets
from infra.payments.callbacks import PATH
from infra.payments.card_provider import NAME
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.site import serving
from infra.settings import Settings
from kernel.clock import SystemClock
from simulation.parties.card_provider import CardProviderPlan, playing_card_provider


def run(settings: Settings) -> None:
    """Answer until stopped."""
    run_until_stopped(lambda stopping: _play(settings, stopping))


def plan_of(settings: Settings) -> CardProviderPlan:
    """Return how it is set up beside the system of these settings."""
    secrets = LocalSecrets.load(settings)
    return CardProviderPlan(
        api_key=secrets.card_provider_api_key,
        webhook_key=secrets.card_provider_webhook_key,
        callback_url=f"http://{settings.host}:{settings.ports.doors_http}{PATH.format(provider=NAME)}",
        book_path=settings.profile_dir / "parties" / f"{NAME}.sqlite",
        seed=settings.simulation.seed,
    )


async def _play(settings: Settings, stopping: asyncio.Event) -> None:
    async def check() -> str | None:
        return None

    async with (
        HealthServer(settings.host, settings.ports.card_provider_http, check),
        playing_card_provider(plan_of(settings), SystemClock()) as app,
        serving(app, host=settings.host, port=settings.ports.card_provider),
    ):
        await stopping.wait()
