"""Payment providers: deposits, and the door that providers' notifications come in by."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from gateway.payment_service import PaymentService
from infra.house import read_payments
from infra.local.secrets import LocalSecrets
from infra.payments.callbacks import callback_route
from infra.payments.card_provider import NAME, CardProvider
from infra.payments.timed_hmac import TimedHmac
from infra.payments.worker import PaymentWorker
from infra.processes.parts.part import Part
from infra.processes.parts.shared import Shared
from infra.stores.postgres_payments import PostgresDeposits, PostgresInbox
from payments.depositing import Deposits
from payments.provider import PaymentProvider
from payments.routing import Router


async def make_payments(shared: Shared) -> Part:
    """Return deposits by every provider that can be reached; what providers send is worked on beside.

    The doors take in what they send; the gateway works on it too, so that neither waits for the other.
    """
    settings = shared.settings
    secrets = LocalSecrets.load(settings)
    providers = await _connect(shared, secrets)
    router = Router(
        read_payments(settings.house_dir),
        jurisdiction=settings.jurisdiction,
        connected=tuple(providers),
        rates=shared.house.rates,
    )
    store, inbox = PostgresDeposits(shared.postgres), PostgresInbox(shared.postgres)
    deposits = Deposits(providers=providers, permits=shared.permits, router=router, store=store, clock=shared.clock)
    worker = PaymentWorker(deposits, store=store, inbox=inbox)
    signature = TimedHmac([secrets.card_provider_webhook_key], clock=shared.clock)
    return Part(
        services=(PaymentService(deposits=deposits, router=router),),
        routes=tuple(callback_route(name, signature=signature, inbox=inbox, wake=worker.wake) for name in providers),
        works=(worker.read_inbox, worker.ask_again),
    )


async def _connect(shared: Shared, secrets: LocalSecrets) -> Mapping[str, PaymentProvider]:
    payments, url = shared.settings.payments, shared.settings.card_provider_url
    if not url:
        return {}
    session = await shared.stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=payments.connections_max),
            timeout=aiohttp.ClientTimeout(total=payments.answer_timeout_ms / 1_000),
        )
    )
    return {NAME: CardProvider(session, url=url, api_key=secrets.card_provider_api_key)}
