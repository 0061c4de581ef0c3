"""No request, answer or message of a stream is without a bound, whatever the method."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.rpc.bounds import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    AnswerOversized,
    BoundsInterceptor,
    RequestOversized,
    count_that_fit,
    expect_answer_bounded,
)
from gateway.rpc.methods import METHOD_BY_PATH
from overround.bets.v1 import betting_service_pb2
from overround.feed.v1 import feed_service_pb2
from overround.odds.v1 import odds_service_pb2
from overround.pam.v1 import player_service_pb2
from overround.trading.v1 import trading_service_pb2
from overround.wallet.v1 import wallet_service_pb2

FILES = (
    *(betting_service_pb2, feed_service_pb2, odds_service_pb2),
    *(player_service_pb2, trading_service_pb2, wallet_service_pb2),
)
METHODS = [
    method for file in FILES for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods
]
COUNTED = {
    "overround.bets.v1.PlaceBetRequest.legs": "bets.LEGS_MAX by wire.bet_requests",
    "overround.odds.v1.GetBooksRequest.fixture_ids": "gateway.odds_service.FIXTURES_MAX",
    "overround.odds.v1.WatchBooksRequest.fixture_ids": "gateway.odds_service.FIXTURES_MAX",
}
"""Repeated fields of requests, and what bounds each: a new one needs a bound, and its place here."""


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def repeated_fields(message: Descriptor) -> set[str]:
    found = set()
    for field in message.fields:
        if field.is_repeated:
            found.add(field.full_name)
        elif field.message_type is not None:
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


async def behaviour_behind_bounds(method: MethodDescriptor) -> Any:
    async def answer(request: Message, context: Any) -> str:
        return "answered"

    async def stream(request: Message, context: Any) -> Any:
        yield "answered"

    if method.server_streaming:
        handler = grpc.unary_stream_rpc_method_handler(stream)
    else:
        handler = grpc.unary_unary_rpc_method_handler(answer)

    async def continuation(details: grpc.HandlerCallDetails) -> Any:
        return handler

    bounded = await BoundsInterceptor().intercept_service(continuation, None)  # type: ignore[arg-type]
    return bounded.unary_stream if method.server_streaming else bounded.unary_unary


def test_the_methods_looked_at_are_all_there_are() -> None:
    assert {path_of(method) for method in METHODS} == set(METHOD_BY_PATH)


@pytest.mark.parametrize("method", [method for method in METHODS if not method.client_streaming], ids=path_of)
async def test_a_request_that_is_too_large_is_refused_whatever_the_method(method: MethodDescriptor) -> None:
    behaviour = await behaviour_behind_bounds(method)
    empty = GetMessageClass(method.input_type)()
    with pytest.raises(RequestOversized, match=str(REQUEST_BYTES_MAX)):
        await taken(behaviour(oversized(method), None), is_stream=method.server_streaming)
    assert await taken(behaviour(empty, None), is_stream=method.server_streaming) == "answered"


async def taken(answer: Any, *, is_stream: bool) -> str:
    found: str = await anext(answer) if is_stream else await answer
    return found


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
