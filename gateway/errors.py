"""What a client is told when something is refused: the only place that maps reasons to gRPC status."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, NoReturn

import grpc
import structlog
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from kernel.errors import DomainError

log = structlog.get_logger(__name__)

DOMAIN = "overround"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
MESSAGE_CHARACTERS_MAX = 500

_REASONS_BY_STATUS: Mapping[grpc.StatusCode, tuple[str, ...]] = {
    grpc.StatusCode.INVALID_ARGUMENT: (
        "AMOUNT_OUT_OF_RANGE",
        "BET_TYPE_UNSUPPORTED",
        "CURRENCY_MISMATCH",
        "DOMAIN_ERROR",
        "FIT_NOT_CONVERGED",
        "GOAL_MODEL_MALFORMED",
        "ID_MALFORMED",
        "LAYOUT_MALFORMED",
        "LEGS_CONTRADICTORY",
        "LEGS_OUT_OF_RANGE",
        "LEG_NOT_COMBINABLE",
        "MALFORMED",
        "MODEL_INPUT_INVALID",
        "OVERSIZED",
        "PASSWORD_MALFORMED",
        "REQUEST_MALFORMED",
        "RESULTS_MALFORMED",
        "RESULT_MALFORMED",
        "STAKE_BELOW_MINIMUM",
        "TOO_MANY_FIXTURES",
        "UNKNOWN_MESSAGE",
        "USERNAME_MALFORMED",
    ),
    grpc.StatusCode.UNAUTHENTICATED: ("FEED_KEY_UNKNOWN", "LOG_IN_REFUSED", "SESSION_REQUIRED"),
    grpc.StatusCode.PERMISSION_DENIED: (
        "BETTOR_REQUIRED",
        "METHOD_CLOSED",
        "PLAYER_BLOCKED",
        "TEST_MONEY_REFUSED",
        "TRADER_REQUIRED",
    ),
    grpc.StatusCode.NOT_FOUND: (
        "BET_UNKNOWN",
        "EXPLANATION_EXPIRED",
        "EXPLANATION_UNKNOWN",
        "FIXTURE_UNKNOWN",
        "MARKET_UNKNOWN",
        "OUTCOME_UNKNOWN",
        "PLAYER_UNKNOWN",
    ),
    grpc.StatusCode.ALREADY_EXISTS: ("DUPLICATE", "REQUEST_ID_REUSED", "USERNAME_TAKEN"),
    grpc.StatusCode.FAILED_PRECONDITION: (
        "BOOK_VERSION_UNKNOWN",
        "INSUFFICIENT_FUNDS",
        "LIABILITY_LIMIT_EXCEEDED",
        "MARKET_CLOSED",
        "MARKET_SUSPENDED",
        "OUTCOME_NOT_OFFERED",
        "OUT_OF_ORDER",
        "PLAYER_STAKE_LIMIT_EXCEEDED",
        "PRICE_CHANGED",
        "RESULT_CONTRADICTS",
        "RESULT_REFERRED",
        "RESULT_WAITS",
        "STAKE_LIMIT_EXCEEDED",
    ),
    grpc.StatusCode.ABORTED: ("EXPOSURE_LOCK_LOST", "STREAM_SUPERSEDED"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "LOGIN_RATE_LIMITED",
        "OUTLET_FULL",
        "OVERLOADED",
        "TOO_MANY_BETS_UNDER_WAY",
        "TOO_MANY_CALLS",
        "TOO_MANY_REFUSALS",
        "TOO_MANY_REQUESTS",  # told by the proxy
        "TOO_MANY_WATCHERS",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: ("DEADLINE_EXCEEDED", "STREAM_IDLE"),
    grpc.StatusCode.UNAVAILABLE: (
        "ANCHORS_UNAVAILABLE",
        "BOOK_SNAPSHOT_INCOMPLETE",
        "DELIVERY_FAILED",
        "EXPLANATION_UNAVAILABLE",
        "LEDGER_UNAVAILABLE",
        "PRICING_UNAVAILABLE",
        "RISK_UNAVAILABLE",
        "SESSIONS_UNAVAILABLE",
        "TRADING_UNAVAILABLE",
    ),
    # Of agents, that no call meets.
    grpc.StatusCode.INTERNAL: ("BOOK_CURRENCY_MISMATCH", "LIABILITY_BELOW_ZERO"),
}
STATUS_BY_REASON: Mapping[str, grpc.StatusCode] = {
    reason: status for status, reasons in _REASONS_BY_STATUS.items() for reason in reasons
}


class DetailedRefusal(DomainError):
    """A refusal whose reason is data, as the ledger stores it, and which tells more in a message of its own.

    Attributes:
        given_reason: One of the reasons mapped here.
        detail: Goes into the details of the gRPC status beside ErrorInfo.
    """

    reason: ClassVar[str] = "DOMAIN_ERROR"

    def __init__(self, reason: str, message: str, *, figures: Mapping[str, str], detail: Message) -> None:
        super().__init__(message, figures=figures)
        self.given_reason = reason
        self.detail = detail


def describe(error: DomainError) -> Status:
    """Return the status of a refusal: code, message, ErrorInfo and, where it has one, its own detail."""
    reason = error.given_reason if isinstance(error, DetailedRefusal) else error.reason
    code = STATUS_BY_REASON.get(reason, grpc.StatusCode.UNKNOWN)
    status = _status(code, reason=reason, message=error.message, figures=error.figures)
    if isinstance(error, DetailedRefusal):
        status.details.append(_pack(error.detail))
    return status


def describe_failure(error_id: str) -> Status:
    """Return the status of a failure that is ours and that nobody foresaw; `error_id` finds it in the log."""
    message = f"Something failed on our side; the error's id is {error_id}"
    return _status(grpc.StatusCode.INTERNAL, reason="INTERNAL", message=message, figures={"error_id": error_id})


class ErrorInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic when it runs
    """Turns what services raise into status and details; anything unforeseen is logged under an id."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's handler with its errors mapped."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return replace_behaviour(handler, lambda behaviour: _mapping_errors(behaviour, handler_call_details.method))


def replace_behaviour(handler: Any, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """Return the method handler with its behaviour wrapped; serializers stay."""
    if handler.request_streaming:
        name = "stream_stream" if handler.response_streaming else "stream_unary"
    else:
        name = "unary_stream" if handler.response_streaming else "unary_unary"
    make = getattr(grpc, f"{name}_rpc_method_handler")
    return make(wrap(getattr(handler, name)), handler.request_deserializer, handler.response_serializer)


def _mapping_errors(behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
    async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await _abort(error, context, method)

    async def stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        try:
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await _abort(error, context, method)

    return stream if inspect.isasyncgenfunction(behaviour) else answer


async def _abort(error: Exception, context: grpc.aio.ServicerContext[Any, Any], method: str) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, DomainError):
        status = describe(error)
    else:
        error_id = uuid.uuid4().hex[:12]
        log.error("gateway.call_failed", method=method, error_id=error_id, exc_info=error)
        status = describe_failure(error_id)
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    await context.abort(code, status.message, ((STATUS_DETAILS_KEY, status.SerializeToString()),))
    raise error


def _status(code: grpc.StatusCode, *, reason: str, message: str, figures: Mapping[str, str]) -> Status:
    info = ErrorInfo(reason=reason, domain=DOMAIN, metadata=figures)
    return Status(code=code.value[0], message=message[:MESSAGE_CHARACTERS_MAX], details=[_pack(info)])


def _pack(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
