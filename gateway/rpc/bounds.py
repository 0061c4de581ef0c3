"""How much a request, an answer and a message of a stream may hold: small beside what the transport lets through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from gateway.rpc.errors import replace_behaviour
from kernel.errors import Category, DomainError

REQUEST_BYTES_MAX: Final = 128 * 1_024
ANSWER_BYTES_MAX: Final = 4 * 1_024 * 1_024
"""What clients of gRPC take in one message unless they are told otherwise."""


class RequestOversized(DomainError):
    """A request is larger than anything that can be asked for."""

    reason = "REQUEST_OVERSIZED"
    category = Category.MALFORMED


class AnswerOversized(DomainError):
    """What was asked for would not fit into one answer; nothing is changed by asking."""

    reason = "ANSWER_OVERSIZED"
    category = Category.RULE


class BoundsInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic when it runs
    """Refuses requests that are too large; streams of a client have bounds of their own for each message."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's handler behind its bounds."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        bound = _bound_stream if handler.response_streaming else _bound_call
        return replace_behaviour(handler, bound)


def expect_answer_bounded(size_bytes: int, *, instead: str) -> None:
    """Check how large an answer is.

    Args:
        size_bytes: Of the answer.
        instead: What would work, as a sentence's end: "name fewer fixtures".

    Raises:
        AnswerOversized: If it is too large.
    """
    if size_bytes > ANSWER_BYTES_MAX:
        raise AnswerOversized(
            f"An answer must have at most {ANSWER_BYTES_MAX} bytes, would have {size_bytes}: {instead}",
            figures={"answer_bytes_max": str(ANSWER_BYTES_MAX)},
        )


def count_that_fit(sizes_bytes: Iterable[int]) -> int:
    """Return how many parts, in order, one message of a stream takes: one at least, so that it goes on."""
    count = total_bytes = 0
    for size_bytes in sizes_bytes:
        total_bytes += size_bytes
        if count and total_bytes > ANSWER_BYTES_MAX:
            break
        count += 1
    return count


def _expect_request_bounded(request: Message) -> None:
    if request.ByteSize() > REQUEST_BYTES_MAX:
        raise RequestOversized(
            f"A request must have at most {REQUEST_BYTES_MAX} bytes, had {request.ByteSize()}",
            figures={"request_bytes_max": str(REQUEST_BYTES_MAX)},
        )


def _bound_call(behaviour: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        _expect_request_bounded(request)
        return await behaviour(request, context)

    return answer


def _bound_stream(behaviour: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        _expect_request_bounded(request)
        async with aclosing(behaviour(request, context)) as responses:
            async for response in responses:
                yield response

    return answer
