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
from gateway.feeds.refusals import FeedRefused
from gateway.rpc.errors import STATUS_BY_CATEGORY, describe
from gateway.rpc.methods import METHOD_BY_PATH, ODDS
from infra.checks import PACKAGES
from infra.settings import ROOT
from kernel.errors import Category, DomainError, Part, Unavailable
from overround.odds.v1.odds_service_pb2 import GetBooksRequest
from tests.fakes.fake_gateway import Door, FakeContext, Refused
from wire.reasons import CATEGORY_BY_REASON

FUNCTIONS_DIR = ROOT / "infra" / "postgres" / "functions"

MET_BY_NO_CALL = {
    *("FIT_NOT_CONVERGED", "GOAL_MODEL_MALFORMED", "LAYOUT_MALFORMED"),
    *("MODEL_INPUT_INVALID", "RESULTS_MALFORMED", "RESULT_MALFORMED", "RESULT_CONTRADICTS"),
    *("RESULT_REFERRED", "RESULT_WAITS", "BOOK_CURRENCY_MISMATCH", "LIABILITY_BELOW_ZERO", "EXPOSURE_LOCK_LOST"),
    *("ANCHORS_UNAVAILABLE", "BOOKS_UNAVAILABLE", "HISTORY_UNAVAILABLE"),
    *(
        "LIABILITY_UNAVAILABLE",
        "RULES_MALFORMED",
        "RULES_UNKNOWN",
        "CURRENCY_UNKNOWN",
        "GAME_MALFORMED",
        "RATE_MALFORMED",
    ),
}
REASON_IS_DATA = (Unavailable,)
# Told by the interceptor where nobody foresaw it, and by the proxy.
GIVEN_ELSEWHERE = {"INTERNAL", "TOO_MANY_REQUESTS"}
# A deposit of test money is reversed by nobody yet.
REFUSED_TO_NOBODY = {"REVERSED_BEFORE"}


class StakeTooHigh(DomainError):
    reason = "STAKE_LIMIT_EXCEEDED"
    category = Category.RULE


class NotForClients(DomainError):
    reason = "LIABILITY_BELOW_ZERO"


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


async def call(serve: Any, context: Any) -> list[Any]:
    path = f"/{ODDS}/WatchBooks" if inspect.isasyncgenfunction(serve) else f"/{ODDS}/GetBooks"
    answered = Door().before().before(METHOD_BY_PATH[path], serve)(GetBooksRequest(), context)
    if inspect.isasyncgenfunction(serve):
        return [response async for response in answered]
    return [await answered]


def classes_of_ours() -> list[type[DomainError]]:
    import_all_of_ours()
    return [cls for cls in subclasses_of(DomainError) if cls.__module__.partition(".")[0] in PACKAGES]


def reasons_in_sql() -> set[str]:
    given = {
        reason
        for function in FUNCTIONS_DIR.rglob("*.sql")
        for reason in re.findall(r"""['"]reason['"][,:]\s*['"]([A-Z_]+)['"]""", function.read_text())
    }
    return given | set(re.findall(r"THEN '([A-Z_]+)'", (FUNCTIONS_DIR / "pam" / "refusal_of.sql").read_text()))


def test_every_category_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_CATEGORY) == set(Category)
    assert len(set(STATUS_BY_CATEGORY.values())) == len(Category)


def test_every_kind_of_refusal_says_its_reason_and_its_category() -> None:
    public = [
        cls for cls in classes_of_ours() if not cls.__name__.startswith("_") and not issubclass(cls, REASON_IS_DATA)
    ]
    assert [cls for cls in public if cls.reason == DomainError.reason] == []
    with_reason = [cls for cls in public if "reason" in vars(cls)]
    assert [cls for cls in with_reason if "category" not in vars(cls) and FeedRefused not in cls.__mro__] == []
    assert len(with_reason) > 40


def test_a_reason_is_published_with_its_category_or_met_by_no_call() -> None:
    given = {cls.reason: cls.category for cls in classes_of_ours() if cls.reason != DomainError.reason}
    given |= {error.reason: error.category for error in (Unavailable(part, "away") for part in Part)}
    unpublished = given.keys() - CATEGORY_BY_REASON.keys()
    assert unpublished == MET_BY_NO_CALL
    wrong = {reason: category for reason, category in given.items() if CATEGORY_BY_REASON.get(reason) != category}
    assert wrong.keys() == MET_BY_NO_CALL


def test_what_is_published_is_given_by_somebody() -> None:
    by_classes = {cls.reason for cls in classes_of_ours()} | {Unavailable(part, "away").reason for part in Part}
    by_rules = {str(reason) for reason in BetReason}
    assert by_rules | reasons_in_sql() - REFUSED_TO_NOBODY <= CATEGORY_BY_REASON.keys()
    assert CATEGORY_BY_REASON.keys() <= by_classes | by_rules | reasons_in_sql() | GIVEN_ELSEWHERE


def test_the_ledger_refuses_by_itself() -> None:
    expected = {
        "INSUFFICIENT_FUNDS",
        "PLAYER_STAKE_LIMIT_EXCEEDED",
        "MARKET_CLOSED",
        "PLAYER_BLOCKED",
        "USERNAME_TAKEN",
    }
    assert expected | {"BETTOR_REQUIRED", "CURRENCY_MISMATCH"} <= reasons_in_sql()


def test_a_refusal_carries_its_reason_and_what_would_be_accepted() -> None:
    status = describe(StakeTooHigh("Stake must be at most 42.10, was 50.00", figures={"stake_max_minor": "4210"}))
    info = detail(status, ErrorInfo())
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert status.message == "Stake must be at most 42.10, was 50.00"
    assert (info.reason, info.domain) == ("STAKE_LIMIT_EXCEEDED", "overround")
    assert dict(info.metadata) == {"stake_max_minor": "4210"}


async def test_a_refused_unary_call_ends_with_the_mapped_status() -> None:
    async def refuse(request: bytes, context: Any) -> bytes:
        raise StakeTooHigh("too high")

    with pytest.raises(Refused) as refused:
        await call(refuse, FakeContext())
    assert refused.value.status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]


async def test_a_stream_refused_halfway_keeps_what_was_sent() -> None:
    async def refuse_later(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        raise StakeTooHigh("too high")

    with pytest.raises(Refused) as refused:
        await call(refuse_later, FakeContext())
    assert refused.value.status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]


async def test_an_unforeseen_failure_tells_an_id_and_nothing_else() -> None:
    async def fail(request: bytes, context: Any) -> bytes:
        raise ValueError("secret inner thing")

    with pytest.raises(Refused) as refused:
        await call(fail, FakeContext())
    assert refused.value.status.code == grpc.StatusCode.INTERNAL.value[0]
    assert "secret" not in str(refused.value.status)
    assert refused.value.figures["error_id"] in refused.value.status.message


async def test_a_reason_that_is_not_published_is_told_as_a_failure_of_ours() -> None:
    async def refuse(request: bytes, context: Any) -> bytes:
        raise NotForClients("Liability must not fall below zero, was -7")

    with pytest.raises(Refused) as refused:
        await call(refuse, FakeContext())
    assert refused.value.status.code == grpc.StatusCode.INTERNAL.value[0]
    assert refused.value.reason == "INTERNAL"
    assert "-7" not in str(refused.value.status)


async def test_an_abort_by_the_service_itself_is_left_alone() -> None:
    async def abort(request: bytes, context: Any) -> bytes:
        raise grpc.aio.AbortError

    with pytest.raises(grpc.aio.AbortError) as aborted:
        await call(abort, FakeContext())
    assert not isinstance(aborted.value, Refused)


async def test_what_is_not_refused_passes_through() -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        return b"yes"

    assert await call(answer, FakeContext()) == [b"yes"]
