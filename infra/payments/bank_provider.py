"""The client of a bank provider: signed JSON-RPC, amounts as decimal texts, money told of by notifications alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import orjson

from infra.payments.signed_rpc import VERSION, RpcMalformed, RpcMessage, SignedRpc, read_answer, read_notification
from kernel.money import MINOR_DIGITS, Money
from payments.provider import NotificationMalformed, Outcome, PayIn, Told

NAME: Final = "sim-bank"

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "pending": Outcome.PENDING,
    "credit": Outcome.CAPTURED,
    "cancel": Outcome.CANCELLED,
    "denied": Outcome.DECLINED,
}
_UNKNOWN_ORDER: Final = "ERROR_ORDER_UNKNOWN"
_ANSWER_BYTES_MAX: Final = 64 * 1024
_AMOUNT: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?", re.ASCII)


class BankProvider:
    """Implements `payments.provider.PaymentProvider`.

    Args:
        session: Whose time-out is how long an answer is waited for.
        url: Of its API.
        username: Whom it knows us as.
        rpc: Keys of both sides.
    """

    def __init__(self, session: aiohttp.ClientSession, *, url: str, username: str, rpc: SignedRpc) -> None:
        self._session = session
        self._url = url
        self._username = username
        self._rpc = rpc

    async def pay_in(self, order: PayIn) -> Told:
        """Ask for a deposit; that it was taken in is all that the answer tells."""
        data = {
            "messageid": str(order.reference),
            "accountid": order.instrument,
            "amount": write_amount(order.amount),
            "currency": order.amount.currency,
        }
        return await self._ask("Deposit", order.reference, data, is_debit=True)

    async def find_pay_in(self, reference: UUID) -> Told:
        """Ask what became of a deposit."""
        return await self._ask("OrderStatus", reference, {"messageid": str(reference)}, is_debit=False)

    def read_notification(self, body: bytes) -> Told:
        """Return what a notification tells."""
        try:
            told = read_notification(body)
        except RpcMalformed as error:
            raise NotificationMalformed(str(error)) from error
        return _read(told.method, told.data)

    def answer_notification(self, body: bytes) -> bytes:
        """Return what tells the provider that a notification was taken, signed by us."""
        told = read_notification(body)
        data = {"status": "OK"}
        return orjson.dumps(
            {
                "result": {
                    "method": told.method,
                    "uuid": told.uuid,
                    "data": data,
                    "signature": self._rpc.sign(told.method, told.uuid, data),
                },
                "version": VERSION,
            }
        )

    async def _ask(self, method: str, reference: UUID, data: dict[str, Any], *, is_debit: bool) -> Told:
        uuid, full = str(uuid4()), data | {"username": self._username}
        params = {"uuid": uuid, "data": full, "signature": self._rpc.sign(method, uuid, full)}
        body = orjson.dumps({"method": method, "params": params, "version": VERSION})
        try:
            answer = await self._post(body)
        except aiohttp.ClientConnectorError:
            if is_debit:  # nothing was sent, so nothing was taken: this one is no riddle
                return Told(reference, Outcome.DECLINED, code="unreachable")
            return Told(reference, Outcome.NO_ANSWER)
        except (aiohttp.ClientError, TimeoutError, RpcMalformed):
            return Told(reference, Outcome.NO_ANSWER)
        if (answer.method, answer.uuid) != (method, uuid) or not self._rpc.is_signed(answer):
            return Told(reference, Outcome.NO_ANSWER)
        return _read_answer(reference, answer.data)

    async def _post(self, body: bytes) -> RpcMessage:
        async with self._session.post(self._url, data=body, headers={"content-type": "application/json"}) as answer:
            read = bytearray()
            async for chunk in answer.content.iter_chunked(_ANSWER_BYTES_MAX):
                read += chunk
                if len(read) > _ANSWER_BYTES_MAX:
                    raise aiohttp.ClientPayloadError("An answer must be short, was not")
            return read_answer(bytes(read))


def write_amount(amount: Money) -> str:
    """Return an amount as a decimal text: "7.00"."""
    digits = MINOR_DIGITS[amount.currency]
    figures = f"{amount.amount_minor:0{digits + 1}}"
    return f"{figures[:-digits]}.{figures[-digits:]}" if digits else figures


def read_amount(text: Any, currency: Any) -> Money:
    """Return the amount of a decimal text.

    Raises:
        NotificationMalformed: If it is none, or finer than its currency is.
    """
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    digits = MINOR_DIGITS.get(currency) if isinstance(currency, str) else None
    if found is None or digits is None or len(found[2] or "") > digits:
        raise NotificationMalformed("An amount must be a decimal text in a currency, was not")
    return Money(int(found[1] + (found[2] or "").ljust(digits, "0")), currency)


def _read_answer(reference: UUID, data: Mapping[str, Any]) -> Told:
    if data.get("error") == _UNKNOWN_ORDER:
        return Told(reference, Outcome.NOT_FOUND)
    if "error" in data:
        return Told(reference, Outcome.DECLINED, code=str(data["error"])[:100].lower().removeprefix("error_"))
    try:
        told = _read(str(data.get("state")), data)
    except NotificationMalformed:
        return Told(reference, Outcome.NO_ANSWER)
    return told if told.reference == reference else Told(reference, Outcome.NO_ANSWER)


def _read(word: str, data: Mapping[str, Any]) -> Told:
    try:
        outcome, reference, order_id = _OUTCOMES[word], UUID(data["messageid"]), data["orderid"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotificationMalformed(f"An order must be told in its form, was not: {type(error).__name__}") from error
    if not isinstance(order_id, str) or not 0 < len(order_id) <= 100:
        raise NotificationMalformed("The name of an order must be a text of at most 100 characters, was not")
    code = str(data.get("code") or "")[:100] if outcome in (Outcome.DECLINED, Outcome.CANCELLED) else ""
    return Told(reference, outcome, order_id, read_amount(data.get("amount"), data.get("currency")), code)
