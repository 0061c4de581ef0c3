"""Deposits on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kernel.money import Money
from overround.payments.v1 import payment_pb2, payment_service_pb2
from payments.deposit import AttemptState, Deposit
from payments.provider import Method
from payments.routing import Bounds
from wire.money import build_money
from wire.requests import RequestMalformed

METHODS: Final[Mapping[Method, payment_pb2.PaymentMethod.ValueType]] = {
    method: payment_pb2.PaymentMethod.Value(f"PAYMENT_METHOD_{method.name}") for method in Method
}
ATTEMPT_STATES: Final[Mapping[AttemptState, payment_pb2.AttemptState.ValueType]] = {
    state: payment_pb2.AttemptState.Value(f"ATTEMPT_STATE_{state.name}") for state in AttemptState
}

_METHOD_BY_NUMBER: Final = {number: method for method, number in METHODS.items()}


def parse_method(number: payment_pb2.PaymentMethod.ValueType) -> Method:
    """Return the method.

    Raises:
        RequestMalformed: If it is none.
    """
    if (method := _METHOD_BY_NUMBER.get(number)) is None:
        raise RequestMalformed(f"Method must be one of {', '.join(Method)}, was number {number}")
    return method


def build_deposit(deposit: Deposit) -> payment_pb2.Deposit:
    """Return the message for a deposit, as its player sees it."""
    state = "PENDING" if deposit.state.is_open else deposit.state.name
    return payment_pb2.Deposit(
        deposit_id=str(deposit.deposit_id),
        amount=build_money(deposit.amount),
        method=METHODS[deposit.method],
        state=payment_pb2.DepositState.Value(f"DEPOSIT_STATE_{state}"),
        failure_code=deposit.attempts[-1].code if deposit.state.is_failed else "",
        asked_time_us=deposit.asked_time_us,
    )


def build_terms(method: Method, bounds: Bounds, currency: str) -> payment_service_pb2.PaymentMethodTerms:
    """Return the message for how much may be paid by a method."""
    return payment_service_pb2.PaymentMethodTerms(
        method=METHODS[method],
        deposit_min=build_money(Money(bounds.minor_min, currency)),
        deposit_max=build_money(Money(bounds.minor_max, currency)),
    )
