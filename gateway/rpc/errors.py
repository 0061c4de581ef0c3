"""What a client is told when something is refused: the only place that maps categories to gRPC status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from gateway.refusals import as_told
from kernel.errors import Category, DomainError

DOMAIN = "overround"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
MESSAGE_CHARACTERS_MAX = 500

STATUS_BY_CATEGORY: Final[Mapping[Category, grpc.StatusCode]] = {
    Category.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
    Category.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Category.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Category.UNKNOWN: grpc.StatusCode.NOT_FOUND,
    Category.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    Category.RULE: grpc.StatusCode.FAILED_PRECONDITION,
    Category.BUSY: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Category.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Category.BROKEN: grpc.StatusCode.INTERNAL,
}
# gRPC has a status of its own for time that ran out, and for what is not there.
_STATUS_BY_REASON: Final[Mapping[str, grpc.StatusCode]] = {
    "DEADLINE_EXCEEDED": grpc.StatusCode.DEADLINE_EXCEEDED,
    "METHOD_CLOSED": grpc.StatusCode.UNIMPLEMENTED,
    "STREAM_IDLE": grpc.StatusCode.DEADLINE_EXCEEDED,
}


def describe(error: DomainError) -> Status:
    """Return the status of a refusal: code, message and ErrorInfo."""
    code = _STATUS_BY_REASON.get(error.reason, STATUS_BY_CATEGORY[error.category])
    info = ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.figures)
    return Status(code=code.value[0], message=error.message[:MESSAGE_CHARACTERS_MAX], details=[_pack(info)])


async def abort(error: Exception, context: grpc.aio.ServicerContext[Any, Any], method: str) -> NoReturn:
    """End a call with what its error says; what nobody foresaw or published is logged under an id, and no more told.

    Raises:
        AbortError: Always; an abort by the service itself is left alone.
    """
    if isinstance(error, grpc.aio.AbortError):
        raise error
    status = describe(as_told(error, door=method))
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    await context.abort(code, status.message, ((STATUS_DETAILS_KEY, status.SerializeToString()),))
    raise error


def _pack(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
