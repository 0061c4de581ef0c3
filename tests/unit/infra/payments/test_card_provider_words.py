"""What the card provider's messages are read as; what has not their form is refused whole."""

from __future__ import annotations

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.payments.card_provider import read_payment
from kernel.money import Money
from payments.provider import NotificationMalformed, Outcome, Told

REFERENCE = UUID(int=1)
TOLD = {
    "event_id": "evt_1",
    "type": "payment.captured",
    "payment_id": "pay_1",
    "reference": str(REFERENCE),
    "amount": {"value": 700, "currency": "EUR"},
    "code": "",
}


def test_a_notification_is_read() -> None:
    assert read_payment(orjson.dumps(TOLD)) == Told(REFERENCE, Outcome.CAPTURED, "pay_1", Money(700, "EUR"))


def test_a_code_is_kept_of_what_failed_alone() -> None:
    assert read_payment(orjson.dumps(TOLD | {"type": "payment.declined", "code": "lost_card"})).code == "lost_card"
    assert read_payment(orjson.dumps(TOLD | {"code": "lost_card"})).code == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "payment.exploded"},
        {"reference": "7"},
        {"reference": None},
        {"amount": {"value": 7.5, "currency": "EUR"}},
        {"amount": {"value": True, "currency": "EUR"}},
        {"amount": 700},
        {"payment_id": 7},
        {"payment_id": "p" * 201},
    ],
)
def test_what_has_not_the_form_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NotificationMalformed):
        read_payment(orjson.dumps(TOLD | wrong))


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str).map(str.encode))
def test_nothing_else_is_raised_whatever_is_sent(body: bytes) -> None:
    with pytest.raises(NotificationMalformed):
        read_payment(body)
