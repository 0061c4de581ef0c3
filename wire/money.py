"""Amounts of money on the wire."""

from __future__ import annotations

from kernel.money import Money
from overround.common.v1 import money_pb2


def parse_money(message: money_pb2.Money) -> Money:
    """Return the amount."""
    return Money(message.amount_minor, message.currency)


def build_money(money: Money) -> money_pb2.Money:
    """Return the message for an amount."""
    return money_pb2.Money(amount_minor=money.amount_minor, currency=money.currency)
