"""Payment providers: deposits, and the doors that providers' notifications come in by."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from gateway.http.raw import Signature
from gateway.payment_service import PaymentService
from infra.house import read_payments
from infra.local.payment_keys import private_key_of, public_key_of
from infra.local.secrets import LocalSecrets
from infra.payments import bank_provider, card_provider
from infra.payments.bank_provider import BankProvider
from infra.payments.callbacks import AnswerOf, callback_route, taken
from infra.payments.card_provider import CardProvider
from infra.payments.signed_rpc import SignedRpc
from infra.payments.timed_hmac import TimedHmac
from infra.payments.worker import PaymentWorker
from infra.processes.parts.part import Part
from infra.processes.parts.shared import Shared
from infra.settings import Settings
from infra.stores.postgres_payments import PostgresDeposits, PostgresInbox
from payments.depositing import Deposits
from payments.health import Health
from payments.provider import PaymentProvider
from payments.routing import Router


@dataclass(frozen=True, slots=True)
class _Connected:
    """A provider that can be reached, how it signs, and what it is told when it told something."""

    provider: PaymentProvider
    signature: Signature
    answer: AnswerOf


async def make_payments(shared: Shared) -> Part:
    """Return deposits by every provider that can be reached; what providers send is worked on beside.

    The doors take in what they send; the gateway works on it too, so that neither waits for the other.
    """
    settings, clock = shared.settings, shared.clock
    connected = await _connect(shared)
    router = Router(
        read_payments(settings.house_dir),
        jurisdiction=settings.jurisdiction,
        connected=tuple(connected),
        rates=shared.house.rates,
        health=Health(),
        clock=clock,
    )
    store, inbox = PostgresDeposits(shared.postgres), PostgresInbox(shared.postgres)
    providers = {name: each.provider for name, each in connected.items()}
    deposits = Deposits(providers=providers, permits=shared.permits, router=router, store=store, clock=clock)
    worker = PaymentWorker(deposits, store=store, inbox=inbox)
    return Part(
        services=(PaymentService(deposits=deposits, router=router),),
        routes=tuple(
            callback_route(name, signature=each.signature, answer=each.answer, inbox=inbox, wake=worker.wake)
            for name, each in connected.items()
        ),
        works=(worker.read_inbox, worker.ask_again),
    )


async def _connect(shared: Shared) -> dict[str, _Connected]:
    settings, connected = shared.settings, dict[str, _Connected]()
    session = await shared.stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.payments.connections_max),
            timeout=aiohttp.ClientTimeout(total=settings.payments.answer_timeout_ms / 1_000),
        )
    )
    if url := settings.card_provider_url:
        secrets = LocalSecrets.load(settings)
        cards = CardProvider(session, url=url, api_key=secrets.card_provider_api_key)
        signature = TimedHmac([secrets.card_provider_webhook_key], clock=shared.clock)
        connected[card_provider.NAME] = _Connected(cards, signature, taken)
    if url := settings.bank_provider_url:
        rpc = _bank_keys(settings)
        bank = BankProvider(session, url=url, username=settings.payments.bank_username, rpc=rpc)
        connected[bank_provider.NAME] = _Connected(bank, rpc, bank.answer_notification)
    return connected


def _bank_keys(settings: Settings) -> SignedRpc:
    payments = settings.payments
    own = payments.bank_own_key_path or private_key_of(settings, "house")
    return SignedRpc.load(own, payments.bank_their_key_path or public_key_of(settings, bank_provider.NAME))
