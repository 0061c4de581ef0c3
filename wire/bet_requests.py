"""What a bettor asks for, from the wire."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from bets.bet import Line
from bets.request import BetRequest, LegRequest, PricePolicy, SlipRequest
from kernel.ids import NAME_RULE, is_name, parse_uuid
from overround.bets.v1 import bet_pb2, betting_service_pb2
from wire.requests import RequestMalformed, parse_asked_money

BETS_MAX: Final = 16
LEGS_MAX: Final = 32
LINES_MAX: Final = 512

_PRICE_POLICIES = [int(policy) for policy in PricePolicy]


def parse_slip_request(message: betting_service_pb2.PlaceSlipRequest) -> SlipRequest:
    """Return the slip that is asked for; each line of each bet is a combination of legs that the bet has.

    Raises:
        IdMalformed: If the request id is no UUID.
        RequestMalformed: If the price policy, a currency or an id is none, there are too many bets, legs or lines or
            none, a line is no combination of legs or there twice, or a leg is in no line.
    """
    request_id = parse_uuid(message.request_id, field="request_id")
    if int(message.price_policy) not in _PRICE_POLICIES:
        raise RequestMalformed(f"Price policy must be one of {_PRICE_POLICIES}, was {message.price_policy}")
    _expect_count("Slip", "bets", len(message.bets), BETS_MAX)
    return SlipRequest(
        request_id=request_id,
        bets=tuple(_parse_bet(bet) for bet in message.bets),
        price_policy=PricePolicy(message.price_policy),
    )


def _parse_bet(message: betting_service_pb2.BetRequest) -> BetRequest:
    _expect_count("Bet", "legs", len(message.legs), LEGS_MAX)
    _expect_count("Bet", "lines", len(message.lines), LINES_MAX)
    lines = tuple(_parse_line(line, leg_count=len(message.legs)) for line in message.lines)
    if len(set(lines)) < len(lines) or len(set().union(*lines)) < len(message.legs):
        raise RequestMalformed("Lines must be each another and hold every leg, were not")
    return BetRequest(
        legs=tuple(_parse_leg(leg) for leg in message.legs),
        lines=lines,
        line_stake=parse_asked_money(message.line_stake),
    )


def _parse_line(message: bet_pb2.Line, *, leg_count: int) -> Line:
    line = tuple(message.legs)
    if not line or line[-1] >= leg_count or any(place >= after for place, after in pairwise(line)):
        raise RequestMalformed(f"Legs of a line must be of {leg_count}, ascending, were {line[:LEGS_MAX]}")
    return line


def _expect_count(whole: str, parts: str, count: int, count_max: int) -> None:
    if not 0 < count <= count_max:
        raise RequestMalformed(f"{whole} must have 1 to {count_max} {parts}, had {count}")


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
