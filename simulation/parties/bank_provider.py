"""A simulated bank provider: JSON-RPC at one address, signed by RSA both ways; amounts are decimal texts.

Deposit      {"messageid", "accountid", "amount", "currency", "username"}; the answer tells that the order was taken in,
             never that money came; the same messageid is the same order
OrderStatus  {"messageid"}: what became of it
Notifications tell of money; one counts as taken when it is answered by a status OK that the house signed.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from kernel.clock import Clock
from simulation.parties.payment_book import Payment, PaymentBook
from simulation.parties.payment_faults import course_of

BODY_BYTES_MAX: Final = 16 * 1024
SENT_AT_ONCE_MAX: Final = 20
LOOK_S: Final = 0.05
SEND_TIMEOUT_S: Final = 3.0
DECLINE_CODE: Final = "insufficient_funds"
WORDS: Final = {"pending": "pending", "captured": "credit", "declined": "denied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankProviderPlan:
    """How it is set up: whose keys are whose, where it tells of money, the file of its book, what it draws by."""

    own_key: RSAPrivateKey
    house_key: RSAPublicKey
    callback_url: str
    book_path: Path
    seed: int


class _Bank:
    def __init__(self, plan: BankProviderPlan, clock: Clock) -> None:
        self.plan = plan
        self.clock = clock
        self.book = PaymentBook(plan.book_path)

    def now_s(self) -> float:
        return self.clock.now_us() / 1_000_000

    def sign(self, method: str, uuid: str, data: Any) -> str:
        text = (method + uuid + _plain(data)).encode()
        return base64.b64encode(self.plan.own_key.sign(text, padding.PKCS1v15(), SHA256())).decode()

    def is_of_house(self, method: str, uuid: str, data: Any, signature: str) -> bool:
        try:
            text = (method + uuid + _plain(data)).encode()
            self.plan.house_key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    async def answer(self, request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        method, params = told["method"], told["params"]
        if not self.is_of_house(method, params["uuid"], params["data"], params["signature"]):
            return web.json_response({"error": "ERROR_INVALID_SIGNATURE"}, status=401)
        data = params["data"]
        if method == "Deposit":
            found = await self._deposit(data)
        else:
            payment = self.book.find(data["messageid"], now_s=self.now_s())
            found = {"error": "ERROR_ORDER_UNKNOWN"} if payment is None else _told_of(payment)
        if found is None:
            return web.json_response({"error": "internal"}, status=500)
        signature = self.sign(method, params["uuid"], found)
        result = {"method": method, "uuid": params["uuid"], "data": found, "signature": signature}
        return web.json_response({"result": result, "version": "1.1"})

    async def _deposit(self, data: dict[str, Any]) -> dict[str, Any] | None:
        reference, content = data["messageid"], json.dumps(data, sort_keys=True)
        course = course_of(data["accountid"], seed=self.plan.seed, reference=reference)
        if course.is_refused:
            return {"error": "ERROR_PROVIDER_UNAVAILABLE"}
        before = self.book.asked(reference)
        if before is not None and before != content:
            return {"error": "ERROR_DUPLICATE_MESSAGE_ID"}
        if before is None and course.is_recorded:
            code = DECLINE_CODE if course.ends == "declined" else ""
            # A bank never has the money at once: what is told at first is that the order was taken in.
            self.book.record(
                Payment(reference, uuid4().hex[:10], data["amount"], data["currency"], "pending", code),
                asked=content,
                ends=course.ends,
                ends_time_s=self.now_s() + course.ends_after_s,
                told=course.told,
            )
        await asyncio.sleep(course.answer_after_s)
        payment = self.book.find(reference, now_s=0.0)
        return None if payment is None or course.status != 200 else _told_of(payment)

    async def send_due(self, client: ClientSession) -> None:
        while True:
            due = self.book.due(now_s=self.now_s(), limit=SENT_AT_ONCE_MAX)
            for notification in due:
                if await self._is_taken(client, notification.event_id, notification.payment):
                    self.book.take(notification.event_id)
            await asyncio.sleep(0 if due else LOOK_S)

    async def _is_taken(self, client: ClientSession, event_id: str, payment: Payment) -> bool:
        method, uuid = WORDS[payment.status], str(uuid4())
        data = {"notificationid": event_id, **_told_of(payment)}
        params = {"uuid": uuid, "data": data, "signature": self.sign(method, uuid, data)}
        body = json.dumps({"method": method, "params": params, "version": "1.1"}).encode()
        try:
            async with client.post(self.plan.callback_url, data=body) as answer:
                told = json.loads(await answer.read())["result"]
                is_signed = self.is_of_house(told["method"], told["uuid"], told["data"], told["signature"])
                return is_signed and told["uuid"] == uuid and told["data"]["status"] == "OK"
        except (ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return False


@asynccontextmanager
async def playing_bank_provider(plan: BankProviderPlan, clock: Clock) -> AsyncIterator[web.Application]:
    """Yield its API, for whoever serves it; notifications go out while this is entered."""
    bank = _Bank(plan, clock)

    async def show_book(_request: web.Request) -> web.Response:
        return web.json_response({"payments": [_told_of(payment) for payment in bank.book.all(now_s=bank.now_s())]})

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.add_routes([web.post("/api/1", bank.answer), web.get("/book", show_book)])
    async with ClientSession(timeout=ClientTimeout(total=SEND_TIMEOUT_S)) as client:
        sending = asyncio.create_task(bank.send_due(client))
        try:
            yield app
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            bank.book.close()


def _told_of(payment: Payment) -> dict[str, Any]:
    return {
        "messageid": payment.reference,
        "orderid": payment.payment_id,
        "state": WORDS[payment.status],
        "amount": payment.amount,
        "currency": payment.currency,
        "code": payment.code or None,
    }


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(key + _plain(value[key]) for key in sorted(value, key=str.encode) if value[key] is not None)
    return "" if value is None else str(value)
