"""How much a request, an answer and a message of a stream may hold: small beside what the transport lets through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message

from gateway.refusals import RequestOversized
from kernel.errors import Category, DomainError

REQUEST_BYTES_MAX: Final = 128 * 1_024
ANSWER_BYTES_MAX: Final = 4 * 1_024 * 1_024
"""What clients of gRPC take in one message unless they are told otherwise."""


class AnswerOversized(DomainError):
    """What was asked for would not fit into one answer; nothing is changed by asking."""

    reason = "ANSWER_OVERSIZED"
    category = Category.RULE


def expect_request_bounded(request: Message) -> None:
    """Check how large a request is; streams of a client have bounds of their own for each message.

    Raises:
        RequestOversized: If it is too large.
    """
    size_bytes = request.ByteSize()
    if size_bytes > REQUEST_BYTES_MAX:
        raise RequestOversized(
            f"A request must have at most {REQUEST_BYTES_MAX} bytes, had {size_bytes}",
            figures={"request_bytes_max": str(REQUEST_BYTES_MAX)},
        )


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


def count_that_fit(sizes_bytes: Iterable[int], *, beside_bytes: int = 0) -> int:
    """Return how many parts, in order, a message of a stream takes beside others: one at least, so that it goes on."""
    count, total_bytes = 0, beside_bytes
    for size_bytes in sizes_bytes:
        total_bytes += size_bytes
        if count and total_bytes > ANSWER_BYTES_MAX:
            break
        count += 1
    return count
