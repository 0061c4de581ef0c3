"""What a bettor asks for, from the wire."""

from __future__ import annotations

from typing import Final

from bets.request import BetRequest, LegRequest, PricePolicy
from kernel.ids import NAME_RULE, is_name, parse_uuid
from overround.bets.v1 import betting_service_pb2
from wire.requests import RequestMalformed, parse_asked_money

LEGS_MAX: Final = 64

_PRICE_POLICIES = [int(policy) for policy in PricePolicy]


def parse_bet_request(message: betting_service_pb2.PlaceBetRequest) -> BetRequest:
    """Return the bet that is asked for.

    Raises:
        IdMalformed: If the request id is no UUID.
        RequestMalformed: If the price policy, the currency or an id is none, or there are too many legs.
    """
    request_id = parse_uuid(message.request_id, field="request_id")
    if int(message.price_policy) not in _PRICE_POLICIES:
        raise RequestMalformed(f"Price policy must be one of {_PRICE_POLICIES}, was {message.price_policy}")
    if len(message.legs) > LEGS_MAX:
        raise RequestMalformed(f"Bet must have at most {LEGS_MAX} legs, had {len(message.legs)}")
    return BetRequest(
        request_id=request_id,
        legs=tuple(_parse_leg(leg) for leg in message.legs),
        stake=parse_asked_money(message.stake),
        price_policy=PricePolicy(message.price_policy),
    )


def _parse_leg(message: betting_service_pb2.LegRequest) -> LegRequest:
    for name in (message.fixture_id, message.market_id, message.outcome_id):
        if not is_name(name):
            raise RequestMalformed(f"Ids must be {NAME_RULE} each, one was {name[:64]!r}")
    return LegRequest(
        fixture_id=message.fixture_id,
        market_id=message.market_id,
        outcome_id=message.outcome_id,
        decimal_odds_milli=message.decimal_odds_milli,
        book_version=message.book_version,
    )
