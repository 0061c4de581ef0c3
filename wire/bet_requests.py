"""What a bettor asks for, from the wire."""

from __future__ import annotations

import re
from typing import Final

from bets.request import BetRequest, LegRequest, PricePolicy
from kernel.errors import Category, DomainError
from kernel.ids import parse_uuid
from overround.bets.v1 import betting_service_pb2
from wire.money import parse_money

LEGS_MAX: Final = 64
ID_LENGTH_MAX: Final = 256

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_PRICE_POLICIES = [int(policy) for policy in PricePolicy]


class RequestMalformed(DomainError):
    """A request lacks something, or something in it is out of all bounds."""

    reason = "REQUEST_MALFORMED"
    category = Category.MALFORMED


def parse_bet_request(message: betting_service_pb2.PlaceBetRequest) -> BetRequest:
    """Return the bet that is asked for.

    Raises:
        IdMalformed: If the request id is no UUID.
        RequestMalformed: If the price policy or the currency is none, an id is too long, or there are too many legs.
    """
    request_id = parse_uuid(message.request_id, field="request_id")
    if int(message.price_policy) not in _PRICE_POLICIES:
        raise RequestMalformed(f"Price policy must be one of {_PRICE_POLICIES}, was {message.price_policy}")
    if len(message.legs) > LEGS_MAX:
        raise RequestMalformed(f"Bet must have at most {LEGS_MAX} legs, had {len(message.legs)}")
    if not _CURRENCY.fullmatch(message.stake.currency):
        raise RequestMalformed(f"Currency must be three letters A-Z, was {message.stake.currency[:16]!r}")
    return BetRequest(
        request_id=request_id,
        legs=tuple(_parse_leg(leg) for leg in message.legs),
        stake=parse_money(message.stake),
        price_policy=PricePolicy(message.price_policy),
    )


def _parse_leg(message: betting_service_pb2.LegRequest) -> LegRequest:
    longest = max(len(message.fixture_id), len(message.market_id), len(message.outcome_id))
    if longest > ID_LENGTH_MAX:
        raise RequestMalformed(f"Ids must have at most {ID_LENGTH_MAX} characters, one had {longest}")
    return LegRequest(
        fixture_id=message.fixture_id,
        market_id=message.market_id,
        outcome_id=message.outcome_id,
        decimal_odds_milli=message.decimal_odds_milli,
        book_version=message.book_version,
    )
