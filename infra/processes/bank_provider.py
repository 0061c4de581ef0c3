"""The simulated bank provider as a process."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from infra.local.payment_keys import private_key_of, public_key_of
from infra.payments.bank_provider import NAME
from infra.payments.callbacks import PATH
from infra.processes.health import HealthServer, run_until_stopped
from infra.processes.site import serving
from infra.settings import Settings
from kernel.clock import SystemClock
from kernel.errors import InvariantBroken
from simulation.parties.bank_provider import BankProviderPlan, playing_bank_provider


def run(settings: Settings) -> None:
    """Answer until stopped."""
    run_until_stopped(lambda stopping: _play(settings, stopping))


def plan_of(settings: Settings) -> BankProviderPlan:
    """Return how it is set up beside the system of these settings."""
    own = load_pem_private_key(private_key_of(settings, NAME).read_bytes(), None)
    house = load_pem_public_key(public_key_of(settings, "house").read_bytes())
    if not isinstance(own, RSAPrivateKey) or not isinstance(house, RSAPublicKey):
        raise InvariantBroken("Keys of the bank provider must be RSA's, are others")
    return BankProviderPlan(
        own_key=own,
        house_key=house,
        callback_url=f"http://{settings.host}:{settings.ports.doors_http}{PATH.format(provider=NAME)}",
        book_path=settings.profile_dir / "parties" / f"{NAME}.sqlite",
        seed=settings.simulation.seed,
    )


async def _play(settings: Settings, stopping: asyncio.Event) -> None:
    async def check() -> str | None:
        return None

    async with (
        HealthServer(settings.host, settings.ports.bank_provider_http, check),
        playing_bank_provider(plan_of(settings), SystemClock()) as app,
        serving(app, host=settings.host, port=settings.ports.bank_provider),
    ):
        await stopping.wait()
