"""A simulated card provider: an HTTP API with a key, and notifications signed by HMAC-SHA256 with a time stamp.

POST /v1/payments              {"reference", "amount": {"value", "currency"}, "instrument"}; the same reference with the
                               same content is the same payment, with another content a 409
GET  /v1/payments/<reference>  the payment, or 404
GET  /v1/book                  every payment: for who compares it with a book of their own
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from kernel.clock import Clock
from simulation.parties.payment_book import Notification, Payment, PaymentBook
from simulation.parties.payment_faults import course_of

BODY_BYTES_MAX: Final = 16 * 1024
SENT_AT_ONCE_MAX: Final = 20
LOOK_S: Final = 0.05
SEND_TIMEOUT_S: Final = 3.0
DECLINE_CODE: Final = "insufficient_funds"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProviderPlan:
    """How it is set up.

    Attributes:
        api_key: What the house proves itself with.
        webhook_key: What it signs notifications with.
        callback_url: Where it sends them.
        book_path: The file of its book.
        seed: What cards that say nothing by their token come to.
    """

    api_key: str = field(repr=False)
    webhook_key: str = field(repr=False)
    callback_url: str
    book_path: Path
    seed: int


@asynccontextmanager
async def playing_card_provider(plan: CardProviderPlan, clock: Clock) -> AsyncIterator[web.Application]:
    """Yield its API, for whoever serves it; notifications go out while this is entered."""
    book = PaymentBook(plan.book_path)
    async with ClientSession(timeout=ClientTimeout(total=SEND_TIMEOUT_S)) as client:
        sending = asyncio.create_task(_send_due(plan, book, client, clock))
        try:
            yield _make_app(plan, book, clock)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            book.close()


def _make_app(plan: CardProviderPlan, book: PaymentBook, clock: Clock) -> web.Application:
    @web.middleware
    async def admit(request: web.Request, handler: Any) -> web.StreamResponse:
        told = request.headers.get("authorization", "")
        if not hmac.compare_digest(told.encode(), f"Bearer {plan.api_key}".encode()):
            return web.json_response({"error": "unauthenticated"}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def pay(request: web.Request) -> web.Response:
        return await _pay(json.loads(await request.read()), plan, book, clock)

    async def find(request: web.Request) -> web.Response:
        payment = book.find(request.match_info["reference"], now_s=_now_s(clock))
        if payment is None:
            return web.json_response({"error": "unknown"}, status=404)
        return web.json_response(_told_of(payment))

    async def show_book(_request: web.Request) -> web.Response:
        return web.json_response({"payments": [_told_of(payment) for payment in book.all(now_s=_now_s(clock))]})

    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[admit])
    app.add_routes(
        [
            web.post("/v1/payments", pay),
            web.get("/v1/payments/{reference}", find),
            web.get("/v1/book", show_book),
        ]
    )
    return app


async def _pay(asked: dict[str, Any], plan: CardProviderPlan, book: PaymentBook, clock: Clock) -> web.Response:
    reference, content = str(asked["reference"]), json.dumps(asked, sort_keys=True)
    course = course_of(str(asked["instrument"]), seed=plan.seed, reference=reference)
    if course.is_refused:
        return web.json_response({"error": "too_many_requests"}, status=429)
    before = book.asked(reference)
    if before is not None and before != content:
        return web.json_response({"error": "reference_reused"}, status=409)
    if before is None and course.is_recorded:
        code = DECLINE_CODE if "declined" in (course.answered, course.ends) else ""
        value, currency = str(int(asked["amount"]["value"])), str(asked["amount"]["currency"])
        book.record(
            Payment(reference, f"pay_{uuid4().hex}", value, currency, course.answered, code),
            asked=content,
            ends=course.ends,
            ends_time_s=_now_s(clock) + course.ends_after_s,
            told=course.told,
        )
    await asyncio.sleep(course.answer_after_s)
    payment = book.find(reference, now_s=_now_s(clock))
    if payment is None or course.status != 200:
        return web.json_response({"error": "internal"}, status=course.status)
    return web.json_response(_told_of(payment))


async def _send_due(plan: CardProviderPlan, book: PaymentBook, client: ClientSession, clock: Clock) -> None:
    while True:
        due = book.due(now_s=_now_s(clock), limit=SENT_AT_ONCE_MAX)
        for notification in due:
            if await _is_taken(plan, client, _body_of(notification), time_s=int(_now_s(clock))):
                book.take(notification.event_id)
        await asyncio.sleep(0 if due else LOOK_S)


async def _is_taken(plan: CardProviderPlan, client: ClientSession, body: bytes, *, time_s: int) -> bool:
    signature = hmac.new(plan.webhook_key.encode(), f"{time_s}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"signature": f"t={time_s},v1={signature}", "content-type": "application/json"}
    try:
        async with client.post(plan.callback_url, data=body, headers=headers) as answer:
            return answer.status == 200
    except (ClientError, TimeoutError):
        return False


def _body_of(notification: Notification) -> bytes:
    payment = notification.payment
    told = {
        "event_id": f"evt_{notification.event_id}",
        "type": f"payment.{payment.status}",
        "occurred_at": notification.time_s,
        **_told_of(payment),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _told_of(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "reference": payment.reference,
        "amount": {"value": int(payment.amount), "currency": payment.currency},
        "status": payment.status,
        "code": payment.code,
    }


def _now_s(clock: Clock) -> float:
    return clock.now_us() / 1_000_000
