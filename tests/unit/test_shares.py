"""Where a call comes from, and what one source may have under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from gateway.rpc.guards import make_guards
from gateway.rpc.shares import Share, ShareInterceptor, TooManyCalls
from gateway.source import EDGE_KEY_HEADER, SOURCE_HEADER, address_reader, network_of
from tests.unit.fake_gateway import Door, context

KINDS = ("calls", "streams of books", "streams of bets", "desks", "streams of a feed", "log-ins", "registrations")
WATCH_BOOKS = "/overround.odds.v1.OddsService/WatchBooks"
WATCH_BETS = "/overround.bets.v1.BettingService/WatchBets"


class Caller:
    def __init__(self, peer: str, **metadata: str) -> None:
        self._peer = peer
        self._metadata = tuple((name.replace("_", "-"), value) for name, value in metadata.items())

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        return self._peer


def address_of(peer: str, headers: dict[str, str]) -> str:
    caller: Any = Caller(peer, **headers)
    return address_reader("the edge's")(caller)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::2", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("", "unknown"),
        ("10.0.0.1, 10.0.0.2", "unknown"),
    ],
)
def test_who_has_an_address_of_version_6_has_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("peer", ["ipv4:10.0.0.9:5000", "ipv6:%5B::ffff:10.0.0.9%5D:5000", "ipv6:[::ffff:10.0.0.9]:1"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SOURCE_HEADER: "10.0.0.1"},
        {SOURCE_HEADER: "10.0.0.1", EDGE_KEY_HEADER: "a guess"},
        {SOURCE_HEADER: "10.0.0.1", EDGE_KEY_HEADER: ""},
        {"x-forwarded-for": "10.0.0.1", "x-envoy-external-address": "10.0.0.1"},
    ],
)
def test_who_does_not_come_through_the_proxy_is_the_peer_whatever_they_say(peer: str, headers: dict[str, str]) -> None:
    assert address_of(peer, headers) == "10.0.0.9"


def test_the_proxy_is_believed() -> None:
    headers = {SOURCE_HEADER: "10.0.0.1", EDGE_KEY_HEADER: "the edge's", "x-forwarded-for": "10.0.0.2"}
    assert address_of("ipv4:127.0.0.1:5000", headers) == "10.0.0.1"
    assert address_of("unix:", {}) == "unknown"


async def forever(_request: Any, _context: Any) -> AsyncIterator[int]:
    number = 0
    while True:
        yield number
        number += 1


async def guarded(interceptor: Any, method: str, behaviour: Any = forever) -> Any:
    async def continuation(_: Any) -> Any:
        if behaviour is forever:
            return grpc.unary_stream_rpc_method_handler(behaviour)
        return grpc.unary_unary_rpc_method_handler(behaviour)

    class Details:
        pass

    Details.method = method  # type: ignore[attr-defined]
    handler = await interceptor.intercept_service(continuation, Details())
    return handler.unary_stream or handler.unary_unary


def shares_of(calls_max: int) -> ShareInterceptor:
    async def identify(caller: Any) -> str:
        return str(caller)

    return ShareInterceptor(
        "address", identify, share_by_method={"/a": Share("streams", calls_max), "/b": Share("calls", calls_max)}
    )


async def test_a_source_at_its_share_is_refused_and_nobody_else_is() -> None:
    watch = await guarded(shares_of(2), "/a")
    streams = [watch(b"", "greedy") for _ in range(3)]
    assert [await anext(stream) for stream in streams[:2]] == [0, 0]
    with pytest.raises(TooManyCalls) as refused:
        await anext(streams[2])
    assert refused.value.figures == {"calls_max": "2", "retry_s": "1"}
    assert await anext(watch(b"", "modest")) == 0
    assert await anext(streams[0]) == 1


async def test_a_place_that_is_left_is_free_again_however_it_was_left() -> None:
    watch = await guarded(shares_of(1), "/a")
    held = watch(b"", "ann")
    await anext(held)
    await held.aclose()

    async def fail(_request: Any, _context: Any) -> None:
        raise ValueError

    async def wait(_request: Any, _context: Any) -> None:
        await asyncio.Event().wait()

    interceptor = shares_of(1)
    for behaviour in (fail, wait):
        call = await guarded(interceptor, "/b", behaviour)
        for _ in range(3):
            with pytest.raises((ValueError, TimeoutError)):
                async with asyncio.timeout(0.01):
                    await call(b"", "ann")
    assert interceptor._counts == {}
    assert await anext(watch(b"", "ann")) == 0


async def test_kinds_of_calls_do_not_count_for_each_other() -> None:
    interceptor = shares_of(1)
    held, other = (await guarded(interceptor, "/a"))(b"", "ann"), (await guarded(interceptor, "/b"))(b"", "ann")
    assert [await anext(held), await anext(other)] == [0, 0]


async def watch_through(guards: Any, method: str, caller: Any) -> Any:
    behaviour: Any = forever
    for guard in reversed(guards):
        behaviour = await guarded_by(guard, method, behaviour)
    return behaviour(b"", caller)


async def guarded_by(guard: Any, method: str, behaviour: Any) -> Any:
    async def continuation(_: Any) -> Any:
        return grpc.unary_stream_rpc_method_handler(behaviour)

    class Details:
        pass

    Details.method = method  # type: ignore[attr-defined]
    return (await guard.intercept_service(continuation, Details())).unary_stream


async def test_an_account_has_its_share_whatever_address_it_calls_from_and_the_public_has_none() -> None:
    door = Door()
    guards = make_guards(
        door.auth,
        lambda _: "10.0.0.1",
        clock=door.clock,
        calls_by_address=dict.fromkeys(KINDS, 3),
        calls_by_account=dict.fromkeys(("calls", "streams of bets", "desks"), 2),
    )
    bets = [await watch_through(guards, WATCH_BETS, context()) for _ in range(3)]
    assert [await anext(stream) for stream in bets[:2]] == [0, 0]
    with pytest.raises(TooManyCalls, match="account"):
        await anext(bets[2])
    books = [await watch_through(guards, WATCH_BOOKS, context(None)) for _ in range(4)]
    assert [await anext(stream) for stream in books[:3]] == [0, 0, 0]
    with pytest.raises(TooManyCalls, match="address"):
        await anext(books[3])
