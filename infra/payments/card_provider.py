"""The client of a card provider: a key to its API, answers at once, later ones by notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import aiohttp
import orjson

from kernel.money import Money
from payments.provider import NotificationMalformed, Outcome, PayIn, Told

NAME: Final = "sim-cards"

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "pending": Outcome.PENDING,
    "authorised": Outcome.AUTHORISED,
    "captured": Outcome.CAPTURED,
    "declined": Outcome.DECLINED,
    "cancelled": Outcome.CANCELLED,
    "expired": Outcome.EXPIRED,
}
_ANSWER_BYTES_MAX: Final = 64 * 1024
_REFUSED: Final = range(400, 500)


class CardProvider:
    """Implements `payments.provider.PaymentProvider`.

    Args:
        session: Whose time-out is how long an answer is waited for.
        url: Of its API.
        api_key: What we prove ourselves with.
    """

    def __init__(self, session: aiohttp.ClientSession, *, url: str, api_key: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"authorization": f"Bearer {api_key}"}

    async def pay_in(self, order: PayIn) -> Told:
        """Ask for a payment."""
        asked = {
            "reference": str(order.reference),
            "amount": {"value": order.amount.amount_minor, "currency": order.amount.currency},
            "instrument": order.instrument,
        }
        try:
            status, body = await self._call("POST", "/v1/payments", orjson.dumps(asked))
        except aiohttp.ClientConnectorError:
            # Nothing was sent, so nothing was taken: this one is no riddle.
            return Told(order.reference, Outcome.DECLINED, code="unreachable")
        except (aiohttp.ClientError, TimeoutError):
            return Told(order.reference, Outcome.NO_ANSWER)
        if status in _REFUSED:
            return Told(order.reference, Outcome.DECLINED, code=f"http_{status}")
        return _read_answer(order.reference, status, body)

    async def find_pay_in(self, reference: UUID) -> Told:
        """Ask what became of a payment."""
        try:
            status, body = await self._call("GET", f"/v1/payments/{reference}", None)
        except (aiohttp.ClientError, TimeoutError):
            return Told(reference, Outcome.NO_ANSWER)
        if status == 404:
            return Told(reference, Outcome.NOT_FOUND)
        return _read_answer(reference, status, body)

    def read_notification(self, body: bytes) -> Told:
        """Return what a notification tells."""
        return read_payment(body)

    async def _call(self, verb: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        async with self._session.request(verb, self._url + path, data=body, headers=self._headers) as answer:
            read = bytearray()
            async for chunk in answer.content.iter_chunked(_ANSWER_BYTES_MAX):
                read += chunk
                if len(read) > _ANSWER_BYTES_MAX:
                    raise aiohttp.ClientPayloadError("An answer must be short, was not")
            return answer.status, bytes(read)


def _read_answer(reference: UUID, status: int, body: bytes) -> Told:
    if status != 200:
        return Told(reference, Outcome.NO_ANSWER)
    try:
        told = read_payment(body)
    except NotificationMalformed:
        return Told(reference, Outcome.NO_ANSWER)
    return told if told.reference == reference else Told(reference, Outcome.NO_ANSWER)


def read_payment(body: bytes) -> Told:
    """Return what a payment's message tells, an answer or a notification.

    Raises:
        NotificationMalformed: If it has not the form of one.
    """
    try:
        told: Any = orjson.loads(body)
        amount = told["amount"]
        outcome = _OUTCOMES[told["type"].removeprefix("payment.") if "type" in told else told["status"]]
        if type(amount["value"]) is not int:
            raise NotificationMalformed("An amount must be whole minor units, was not")
        return Told(
            reference=UUID(told["reference"]),
            outcome=outcome,
            provider_reference=_text(told["payment_id"]),
            amount=Money(amount["value"], _text(amount["currency"])),
            code=_text(told.get("code", "")) if outcome is Outcome.DECLINED else "",
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotificationMalformed(f"A payment must be told in its form, was not: {type(error).__name__}") from error


def _text(told: Any) -> str:
    if not isinstance(told, str) or len(told) > 200:
        raise NotificationMalformed("A name must be a text of at most 200 characters, was not")
    return told
