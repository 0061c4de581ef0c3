"""Payment providers for tests: each is simulated, served over HTTP, and met through the house's client of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from gateway.http.raw import Signature
from infra.payments import bank_provider, card_provider
from infra.payments.bank_provider import BankProvider
from infra.payments.callbacks import AnswerOf, taken
from infra.payments.card_provider import CardProvider
from infra.payments.signed_rpc import SignedRpc
from infra.payments.timed_hmac import TimedHmac
from infra.processes.site import serving
from kernel.clock import SystemClock
from kernel.money import Money
from payments.provider import Method, PaymentProvider
from simulation.parties.bank_provider import BankProviderPlan, playing_bank_provider
from simulation.parties.card_provider import CardProviderPlan, playing_card_provider
from tests.free_ports import free_port

HOST = "127.0.0.1"
API_KEY, WEBHOOK_KEY = "the key of the house", "the key of the provider"
ANSWER_TIMEOUT_S = 1.0
SEED = 7


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """Return somebody's key, the same for as long as the tests run."""
    return generate_private_key(65_537, 2_048)


@dataclass(frozen=True)
class Party:
    """One provider.

    Attributes:
        provider: The house's client of it.
        unreachable: Another one, of an address where nobody is.
        book: What it says that it took, by its names of payments; and how it stands.
        tell: Sends a body to the house's door, signed by the provider or by another; returns the status.
    """

    name: str
    method: Method
    provider: PaymentProvider
    unreachable: PaymentProvider
    signature: Signature
    answer: AnswerOf
    book: Callable[[], Awaitable[dict[str, tuple[Money, str]]]]
    tell: Callable[..., Awaitable[int]]


@asynccontextmanager
async def open_cards(book: Path, callback_url: str) -> AsyncIterator[Party]:
    """Open the card provider."""
    port, clock = free_port(), SystemClock()
    plan = CardProviderPlan(
        api_key=API_KEY, webhook_key=WEBHOOK_KEY, callback_url=callback_url, book_path=book, seed=SEED
    )
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_session())
        app = await stack.enter_async_context(playing_card_provider(plan, clock))
        await stack.enter_async_context(serving(app, host=HOST, port=port))
        url = f"http://{HOST}:{port}"

        async def read_book() -> dict[str, tuple[Money, str]]:
            headers = {"authorization": f"Bearer {API_KEY}"}
            async with session.get(f"{url}/v1/book", headers=headers) as answer:
                told = (await answer.json())["payments"]
            return {
                item["payment_id"]: (Money(item["amount"]["value"], item["amount"]["currency"]), item["status"])
                for item in told
            }

        async def tell(body: bytes, *, is_forged: bool = False) -> int:
            now_s, key = int(time.time()), "another key" if is_forged else WEBHOOK_KEY
            digest = hmac.new(key.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
            async with session.post(callback_url, data=body, headers={"signature": f"t={now_s},v1={digest}"}) as answer:
                return answer.status

        yield Party(
            name=card_provider.NAME,
            method=Method.CARD,
            provider=CardProvider(session, url=url, api_key=API_KEY),
            unreachable=CardProvider(session, url=f"http://{HOST}:{free_port()}", api_key=API_KEY),
            signature=TimedHmac([WEBHOOK_KEY], clock=clock),
            answer=taken,
            book=read_book,
            tell=tell,
        )


@asynccontextmanager
async def open_bank(book: Path, callback_url: str) -> AsyncIterator[Party]:
    """Open the bank provider."""
    port, house, bank = free_port(), rsa_key("house"), rsa_key("bank")
    plan = BankProviderPlan(
        own_key=bank, house_key=house.public_key(), callback_url=callback_url, book_path=book, seed=SEED
    )
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_session())
        app = await stack.enter_async_context(playing_bank_provider(plan, SystemClock()))
        await stack.enter_async_context(serving(app, host=HOST, port=port))
        rpc = SignedRpc(house, bank.public_key())

        def client(client_port: int) -> BankProvider:
            return BankProvider(session, url=f"http://{HOST}:{client_port}/api/1", username="house", rpc=rpc)

        async def read_book() -> dict[str, tuple[Money, str]]:
            async with session.get(f"http://{HOST}:{port}/book") as answer:
                told = (await answer.json())["payments"]
            words = {"credit": "captured", "denied": "declined"}
            return {
                item["orderid"]: (
                    bank_provider.read_amount(item["amount"], item["currency"]),
                    words.get(item["state"], item["state"]),
                )
                for item in told
            }

        async def tell(body: bytes, *, is_forged: bool = False) -> int:
            key = SignedRpc(rsa_key("forger") if is_forged else bank, house.public_key())
            data, uuid = {"said": base64.b64encode(body).decode()}, str(uuid4())
            params = {"uuid": uuid, "data": data, "signature": key.sign("credit", uuid, data)}
            message = orjson.dumps({"method": "credit", "params": params, "version": "1.1"})
            async with session.post(callback_url, data=message) as answer:
                return answer.status

        yield Party(
            name=bank_provider.NAME,
            method=Method.BANK,
            provider=client(port),
            unreachable=client(free_port()),
            signature=rpc,
            answer=client(port).answer_notification,
            book=read_book,
            tell=tell,
        )


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S))
