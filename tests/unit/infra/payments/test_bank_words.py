"""Amounts and words of the bank provider, as they are read and written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.payments.bank_provider import BankProvider, read_amount, write_amount
from kernel.money import Money
from payments.provider import NotificationMalformed, Outcome, Told

REFERENCE = UUID(int=1)
DATA = {"messageid": str(REFERENCE), "orderid": "7", "amount": "7.00", "currency": "EUR", "code": None}


def read(method: str, data: dict[str, Any]) -> Told:
    body = orjson.dumps({"method": method, "params": {"uuid": "u", "data": data, "signature": ""}})
    return BankProvider.read_notification(None, body)  # type: ignore[arg-type] # nothing of it is needed


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(700, "EUR"), "7.00"),
        (Money(5, "EUR"), "0.05"),
        (Money(7_001, "JPY"), "7001"),
        (Money(1, "BHD"), "0.001"),
    ],
)
def test_an_amount_has_as_many_digits_as_its_currency(money: Money, text: str) -> None:
    assert write_amount(money) == text
    assert read_amount(text, money.currency) == money


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "BHD"]))
def test_an_amount_comes_back_as_it_was_written(minor: int, currency: str) -> None:
    assert read_amount(write_amount(Money(minor, currency)), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("7.001", "EUR"),
        ("7.0", "JPY"),
        ("-7.00", "EUR"),
        ("7,00", "EUR"),
        ("", "EUR"),
        (7, "EUR"),
        ("7", "XXX"),
        ("7", 7),
    ],
)
def test_what_is_finer_than_its_currency_or_no_amount_is_refused(text: Any, currency: Any) -> None:
    with pytest.raises(NotificationMalformed):
        read_amount(text, currency)


def test_a_credit_is_money_and_a_shorter_amount_is_the_same() -> None:
    expected = Told(REFERENCE, Outcome.CAPTURED, "7", Money(700, "EUR"))
    assert read("credit", DATA) == read("credit", DATA | {"amount": "7"}) == expected


def test_a_code_is_kept_of_what_failed_alone() -> None:
    assert read("denied", DATA | {"code": "no_funds"}).code == "no_funds"
    assert read("credit", DATA | {"code": "no_funds"}).code == ""


@pytest.mark.parametrize(
    "wrong",
    [{"messageid": "7"}, {"messageid": None}, {"orderid": 7}, {"orderid": ""}, {"amount": None}, {"currency": ""}],
)
def test_what_has_not_the_form_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotificationMalformed):
        read("credit", DATA | wrong)
    with pytest.raises(NotificationMalformed):
        read("exploded", DATA)
