"""What is read alike in every request from outside, whatever it asks for."""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import Category, DomainError
from kernel.money import Money
from overround.common.v1 import money_pb2
from wire.money import parse_money

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class RequestMalformed(DomainError):
    """A request lacks something, or something in it is out of all bounds."""

    reason = "REQUEST_MALFORMED"
    category = Category.MALFORMED


def parse_asked_money(message: money_pb2.Money) -> Money:
    """Return an amount that somebody outside names.

    Raises:
        RequestMalformed: If its currency has not the form of one.
    """
    if not _CURRENCY.fullmatch(message.currency):
        raise RequestMalformed(f"Currency must be three letters A-Z, was {message.currency[:16]!r}")
    return parse_money(message)
