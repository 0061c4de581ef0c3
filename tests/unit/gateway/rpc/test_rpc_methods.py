"""The table of methods, and what is made of it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from gateway.betting_service import BettingService
from gateway.casino_service import CasinoService
from gateway.feed_service import FeedService
from gateway.odds_service import OddsService
from gateway.payment_service import PaymentService
from gateway.player_service import PlayerService
from gateway.protection_service import ProtectionService
from gateway.rpc.methods import ANYBODY, METHODS, ODDS, WALLET, Method, Service, functions_of
from gateway.trading_service import TradingService
from gateway.wallet_service import WalletService
from kernel.errors import InvariantBroken
from overround.odds.v1.odds_service_pb2 import WatchBooksRequest
from overround.wallet.v1.wallet_service_pb2 import GetBalanceRequest
from tests.fakes.fake_gateway import Door, Refused, context

SERVICES: tuple[type[Service], ...] = (
    *(
        BettingService,
        CasinoService,
        FeedService,
        OddsService,
        PlayerService,
        ProtectionService,
        TradingService,
        WalletService,
    ),
    PaymentService,
)


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
        functions_of(Half())


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
    assert {method.function for method in METHODS} >= {"place_slip", "suspend_all_in_play", "get_me", "push"}
    assert all(0 < method.timeout_s <= 15 for method in METHODS)


async def test_a_call_ends_at_the_time_of_its_method_whatever_its_client_would_wait() -> None:
    async def wait(_request: Any, _call: Any) -> None:
        await asyncio.Event().wait()

    bounded = Door().before().before(Method(WALLET, "GetBalance", ANYBODY, timeout_s=0.01), wait)
    with pytest.raises(Refused, match=r"within 0\.01 s") as refused:
        await bounded(GetBalanceRequest(), context())
    assert refused.value.reason == "DEADLINE_EXCEEDED"


async def test_a_stream_is_not_bounded_by_time() -> None:
    async def stream(_request: Any, _call: Any) -> Any:
        await asyncio.sleep(0.02)
        yield b""

    bounded = Door().before().before(Method(ODDS, "WatchBooks", ANYBODY, timeout_s=0.01), stream)
    assert await anext(bounded(WatchBooksRequest(), context())) == b""


@pytest.mark.parametrize("method", [method for method in METHODS if not method.takes_bytes], ids=lambda it: it.path)
async def test_what_is_no_message_is_refused_with_a_reason(method: Method) -> None:
    async def serve(_request: Any, _call: Any) -> Any:
        raise AssertionError("is not reached")

    handler: Any = method.handler(Door().before().before(method, serve))
    request = handler.request_deserializer(b"\xff garbage")
    is_stream = method.contract.server_streaming
    answer = anext(handler.unary_stream(request, context())) if is_stream else handler.unary_unary(request, context())
    with pytest.raises(Refused, match=method.contract.input_type.name) as refused:
        await answer
    assert refused.value.reason == "REQUEST_MALFORMED"
