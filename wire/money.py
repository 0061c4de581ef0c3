"""Amounts of money on the wire."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from kernel.money import Money
from kernel.rates import ReferenceRate
from overround.common.v1 import money_pb2

RATES_REMEMBERED_MAX: Final = 1_024


def parse_money(message: money_pb2.Money) -> Money:
    """Return the amount."""
    return Money(message.amount_minor, message.currency)


def build_money(money: Money) -> money_pb2.Money:
    """Return the message for an amount."""
    return money_pb2.Money(amount_minor=money.amount_minor, currency=money.currency)


def build_rate(rate: ReferenceRate) -> money_pb2.ReferenceRate:
    """Return the message for a rate; whose amounts it converts is said beside it."""
    day = "" if rate.day is None else rate.day.isoformat()
    return money_pb2.ReferenceRate(reference_currency=rate.reference_currency, rate_micro=rate.rate_micro, day=day)


def parse_rate(message: money_pb2.ReferenceRate, currency: str) -> ReferenceRate:
    """Return the rate for amounts in a currency.

    Raises:
        ValueError: If its day is none.
        CurrencyUnknown: If there is no such currency.
        RateMalformed: If it cannot be a rate.
    """
    return _rate(currency, message.reference_currency, message.rate_micro, message.day)


@lru_cache(maxsize=RATES_REMEMBERED_MAX)
def _rate(currency: str, reference_currency: str, rate_micro: int, day: str) -> ReferenceRate:
    return ReferenceRate(currency, reference_currency, rate_micro, date.fromisoformat(day) if day else None)
