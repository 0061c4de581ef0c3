"""The table of methods, and what is made of it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import grpc
import pytest

from gateway.betting_service import BettingService
from gateway.feed_service import FeedService
from gateway.odds_service import OddsService
from gateway.player_service import PlayerService
from gateway.rpc.methods import ANYBODY, METHODS, WALLET, Method, Service, add_service
from gateway.rpc.server import DeadlineExceeded, DeadlineInterceptor
from gateway.trading_service import TradingService
from gateway.wallet_service import WalletService
from kernel.errors import InvariantBroken
from overround.wallet.v1.wallet_service_pb2 import GetBalanceRequest

SERVICES: tuple[type[Service], ...] = (
    *(BettingService, FeedService, OddsService, PlayerService, TradingService, WalletService),
)


class FakeServer:
    """Keeps the handlers it is given, by path."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        (handler,) = handlers
        self.handlers |= handler._method_handlers


class Half:
    SERVICE: ClassVar = WALLET

    async def get_balance(self, _request: Any, _context: Any) -> None:
        raise AssertionError("is only registered")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.path)
def test_every_method_has_a_service_and_a_function(method: Method) -> None:
    (service,) = (service for service in SERVICES if method.service == service.SERVICE)
    assert callable(getattr(service, method.function))


def test_a_service_without_a_function_is_not_registered() -> None:
    with pytest.raises(InvariantBroken, match="deposit_test_money"):
        add_service(FakeServer(), Half())  # type: ignore[arg-type]


def test_a_method_takes_and_answers_what_its_contract_says() -> None:
    async def serve(request: Any, _context: Any) -> Any:
        return request

    plain = Method(WALLET, "GetBalance", ANYBODY).handler(serve)
    assert plain.unary_unary is serve
    assert plain.request_deserializer is not None
    assert plain.request_deserializer(b"") == GetBalanceRequest()
    raw = Method(WALLET, "GetBalance", ANYBODY, takes_bytes=True, gives_bytes=True).handler(serve)
    assert (raw.request_deserializer, raw.response_serializer) == (None, None)


def test_calls_that_are_no_streams_are_bounded_and_names_become_functions() -> None:
    assert {method.function for method in METHODS} >= {"place_bet", "suspend_all_in_play", "get_me", "push"}
    assert all(0 < method.timeout_s <= 15 for method in METHODS)


async def test_a_call_ends_at_the_time_of_its_method_whatever_its_client_would_wait() -> None:
    async def wait(_request: Any, _context: Any) -> None:
        await asyncio.Event().wait()

    bounded = DeadlineInterceptor()._bound(wait, Method(WALLET, "GetBalance", ANYBODY, timeout_s=0.01))
    with pytest.raises(DeadlineExceeded, match=r"within 0\.01 s"):
        await bounded(b"", None)


async def test_a_stream_is_not_bounded_by_time() -> None:
    async def stream(_request: Any, _context: Any) -> Any:
        yield b""

    handler = grpc.unary_stream_rpc_method_handler(stream)

    async def continuation(_: Any) -> Any:
        return handler

    class Details:
        method = METHODS[3].path

    assert await DeadlineInterceptor().intercept_service(continuation, Details()) is handler  # type: ignore[arg-type]
