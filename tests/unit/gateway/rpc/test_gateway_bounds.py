"""No request, answer or message of a stream is without a bound, whatever the method."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.rpc.bounds import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    AnswerOversized,
    count_that_fit,
    expect_answer_bounded,
)
from gateway.rpc.methods import METHOD_BY_PATH
from gateway.rpc.methods import TRADER as TRADERS_ONLY
from overround.bets.v1 import betting_service_pb2
from overround.casino.v1 import casino_service_pb2
from overround.feed.v1 import feed_service_pb2
from overround.odds.v1 import odds_service_pb2
from overround.pam.v1 import player_service_pb2, protection_service_pb2
from overround.payments.v1 import payment_service_pb2
from overround.trading.v1 import trading_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from pam.player import PlayerRole
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_gateway import TOKEN, Door, Refused, context

TRADER = replace(PLAYER, player_id=UUID(int=7), username="trader", role=PlayerRole.TRADER)
FILES = (
    *(betting_service_pb2, casino_service_pb2, feed_service_pb2, odds_service_pb2),
    payment_service_pb2,
    *(player_service_pb2, protection_service_pb2, trading_service_pb2, wallet_service_pb2),
)
METHODS = [
    method for file in FILES for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods
]
COUNTED = {
    "overround.bets.v1.PlaceSlipRequest.bets": "wire.bet_requests.BETS_MAX",
    "overround.bets.v1.BetRequest.legs": "wire.bet_requests.LEGS_MAX",
    "overround.bets.v1.BetRequest.lines": "wire.bet_requests.LINES_MAX",
    "overround.bets.v1.Line.legs": "wire.bet_requests, by the legs of the bet",
    "overround.bets.v1.CalculateReturnRequest.legs": "bets.systems.LEGS_MAX by wire.bet_calculations",
    "overround.bets.v1.CalculateReturnRequest.fold_sizes": "bets.systems.LEGS_MAX by bets.systems.System",
    "overround.bets.v1.RaceFinish.withdrawn_odds_milli": "wire.bet_calculations.WITHDRAWN_MAX",
    "overround.odds.v1.GetBooksRequest.fixture_ids": "gateway.odds_service.FIXTURES_MAX",
    "overround.odds.v1.PriceBetBuilderRequest.legs": "odds.models.builder_legs.LEGS_MAX by gateway.bet_builders",
    "overround.odds.v1.WatchBooksRequest.fixture_ids": "gateway.odds_service.FIXTURES_MAX",
    "overround.odds.v1.WatchBooksRequest.known_versions": "gateway.odds_service.KNOWN_VERSIONS_MAX",
    "overround.bets.v1.WatchBetsRequest.known_event_counts": "gateway.betting_service.KNOWN_BETS_MAX",
    "overround.pam.v1.Consents.given": "wire.persons.CONSENTS_MAX",
}
"""Repeated fields of requests, and what bounds each: a new one needs a bound, and its place here."""


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def repeated_fields(message: Descriptor) -> set[str]:
    found = set()
    for field in message.fields:
        if field.is_repeated:
            found.add(field.full_name)
        if field.message_type is not None:
            found |= repeated_fields(field.message_type)
    return found


def oversized(method: MethodDescriptor) -> Message:
    """Return a request of the method's type that is one field too large, or unknown ones where it has none."""
    request: Message = GetMessageClass(method.input_type)()
    request.MergeFromString(b"\xfa\x7f" + _varint(REQUEST_BYTES_MAX) + bytes(REQUEST_BYTES_MAX))
    return request


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


async def answer(_request: Message, _call: Any) -> str:
    return "answered"


async def stream(_request: Message, _call: Any) -> AsyncIterator[str]:
    yield "answered"


async def answer_of(method: MethodDescriptor, request: Message) -> str:
    row = METHOD_BY_PATH[path_of(method)]
    door = Door()
    token = await door.log_in(TRADER) if row.access is TRADERS_ONLY else TOKEN
    behaviour = door.before().before(row, stream if method.server_streaming else answer)
    answered = behaviour(request, context(token))
    found: str = await anext(answered) if method.server_streaming else await answered
    return found


def test_the_methods_looked_at_are_all_there_are() -> None:
    assert {path_of(method) for method in METHODS} == set(METHOD_BY_PATH)


@pytest.mark.parametrize("method", [method for method in METHODS if not method.client_streaming], ids=path_of)
async def test_a_request_that_is_too_large_is_refused_whatever_the_method(method: MethodDescriptor) -> None:
    with pytest.raises(Refused, match=str(REQUEST_BYTES_MAX)) as refused:
        await answer_of(method, oversized(method))
    assert refused.value.reason == "REQUEST_OVERSIZED"
    assert await answer_of(method, GetMessageClass(method.input_type)()) == "answered"


def test_every_list_in_a_request_is_counted() -> None:
    asked = [method.input_type for method in METHODS if not method.client_streaming]
    assert set().union(*map(repeated_fields, asked)) == set(COUNTED)


def test_an_answer_that_is_too_large_is_refused_with_what_would_work() -> None:
    expect_answer_bounded(ANSWER_BYTES_MAX, instead="ask for less")
    with pytest.raises(AnswerOversized, match="ask for less"):
        expect_answer_bounded(ANSWER_BYTES_MAX + 1, instead="ask for less")


def test_a_message_of_a_stream_takes_what_fits_and_one_part_at_least() -> None:
    assert count_that_fit([]) == 0
    assert count_that_fit([ANSWER_BYTES_MAX + 1, 1]) == 1
    assert count_that_fit([ANSWER_BYTES_MAX - 1, 1, 1]) == 2
