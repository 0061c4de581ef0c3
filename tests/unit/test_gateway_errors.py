"""What clients are told when something is refused."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from bets.acceptance import BetReason
from gateway.errors import STATUS_BY_REASON, DetailedRefusal, ErrorInterceptor, describe
from infra.settings import ROOT
from kernel.errors import DomainError
from overround.bets.v1.betting_service_pb2 import PlaceBetRefusal

PACKAGES = ("kernel", "odds", "risk", "wallet", "pam", "bets", "wire", "streams", "gateway", "simulation", "infra")
FUNCTIONS_DIR = ROOT / "infra" / "postgres" / "functions"


class StakeTooHigh(DomainError):
    reason = "STAKE_LIMIT_EXCEEDED"


class FakeContext:
    """Notes how a call was aborted."""

    def __init__(self) -> None:
        self.code: grpc.StatusCode | None = None
        self.status = Status()

    async def abort(self, code: grpc.StatusCode, message: str, trailing_metadata: Any) -> None:
        assert self.code is None
        self.code = code
        ((key, value),) = trailing_metadata
        assert key == "grpc-status-details-bin"
        self.status = Status.FromString(value)
        assert self.status.message == message
        raise grpc.aio.AbortError


def subclasses_of(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from subclasses_of(subclass)


def import_all_of_ours() -> None:
    for package in PACKAGES:
        try:
            root = importlib.import_module(package)
        except ModuleNotFoundError:
            continue
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            importlib.import_module(module.name)


def detail(status: Status, message: Message) -> Any:
    for packed in status.details:
        if packed.Unpack(message):
            return message
    raise AssertionError(f"no {message.DESCRIPTOR.name} in {status}")


async def call(behaviour: Any, context: FakeContext) -> list[Any]:
    make = (
        grpc.unary_stream_rpc_method_handler
        if inspect.isasyncgenfunction(behaviour)
        else grpc.unary_unary_rpc_method_handler
    )
    handler = make(behaviour)

    async def continuation(details: Any) -> Any:
        return handler

    class Details:
        method = "/overround.Test/Call"

    wrapped = await ErrorInterceptor().intercept_service(continuation, Details())  # type: ignore[arg-type]
    if wrapped.unary_stream is not None:
        return [response async for response in wrapped.unary_stream(b"", context)]
    return [await wrapped.unary_unary(b"", context)]


def test_every_reason_of_a_refused_bet_is_mapped() -> None:
    assert {str(reason) for reason in BetReason} <= set(STATUS_BY_REASON)


def test_every_reason_in_the_code_is_mapped() -> None:
    import_all_of_ours()
    ours = [cls for cls in subclasses_of(DomainError) if cls.__module__.partition(".")[0] in PACKAGES]
    unmapped = sorted(
        f"{cls.__module__}.{cls.__name__}: {cls.reason}" for cls in ours if cls.reason not in STATUS_BY_REASON
    )
    assert not unmapped
    public = [cls for cls in ours if not cls.__name__.startswith("_") and cls is not DetailedRefusal]
    without_reason = [cls for cls in public if cls.reason == DomainError.reason]
    assert not without_reason
    assert len(ours) >= 4


def test_a_refusal_carries_its_reason_and_what_would_be_accepted() -> None:
    status = describe(StakeTooHigh("Stake must be at most 42.10, was 50.00", figures={"stake_max_minor": "4210"}))
    info = detail(status, ErrorInfo())
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert status.message == "Stake must be at most 42.10, was 50.00"
    assert (info.reason, info.domain) == ("STAKE_LIMIT_EXCEEDED", "overround")
    assert dict(info.metadata) == {"stake_max_minor": "4210"}


def test_a_detailed_refusal_carries_its_own_reason_and_message() -> None:
    refusal = PlaceBetRefusal(reason="PRICE_CHANGED", decimal_odds_milli=1850)
    status = describe(DetailedRefusal("PRICE_CHANGED", "Price is now 1.85", figures={}, detail=refusal))
    assert detail(status, ErrorInfo()).reason == "PRICE_CHANGED"
    assert detail(status, PlaceBetRefusal()).decimal_odds_milli == 1850


async def test_a_refused_unary_call_ends_with_the_mapped_status() -> None:
    async def refuse(request: bytes, context: Any) -> bytes:
        raise StakeTooHigh("too high")

    context = FakeContext()
    with pytest.raises(grpc.aio.AbortError):
        await call(refuse, context)
    assert context.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_stream_refused_halfway_keeps_what_was_sent() -> None:
    async def refuse_later(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        raise StakeTooHigh("too high")

    context = FakeContext()
    with pytest.raises(grpc.aio.AbortError):
        await call(refuse_later, context)
    assert context.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_an_unforeseen_failure_tells_an_id_and_nothing_else() -> None:
    async def fail(request: bytes, context: Any) -> bytes:
        raise ValueError("secret inner thing")

    context = FakeContext()
    with pytest.raises(grpc.aio.AbortError):
        await call(fail, context)
    assert context.code is grpc.StatusCode.INTERNAL
    assert "secret" not in str(context.status)
    assert detail(context.status, ErrorInfo()).metadata["error_id"] in context.status.message


async def test_an_abort_by_the_service_itself_is_left_alone() -> None:
    async def abort(request: bytes, context: Any) -> bytes:
        raise grpc.aio.AbortError

    context = FakeContext()
    with pytest.raises(grpc.aio.AbortError):
        await call(abort, context)
    assert context.code is None


async def test_what_is_not_refused_passes_through() -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        return b"yes"

    assert await call(answer, FakeContext()) == [b"yes"]


def test_every_reason_that_the_ledger_gives_itself_is_mapped() -> None:
    given = {
        reason
        for function in FUNCTIONS_DIR.rglob("*.sql")
        for reason in re.findall(r"bets\.refuse\(\s*'([A-Z_]+)'", function.read_text())
    }
    of_players = set(re.findall(r"THEN '([A-Z_]+)'", (FUNCTIONS_DIR / "pam" / "refusal_of.sql").read_text()))
    assert {"INSUFFICIENT_FUNDS", "PLAYER_STAKE_LIMIT_EXCEEDED", "MARKET_CLOSED"} <= given
    assert {"PLAYER_BLOCKED", "BETTOR_REQUIRED"} <= of_players
    assert given | of_players <= set(STATUS_BY_REASON)
