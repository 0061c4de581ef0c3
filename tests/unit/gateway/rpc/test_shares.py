"""Where a call comes from, and what one source may have under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from gateway.rpc.door import Door as RpcDoor
from gateway.rpc.methods import METHOD_BY_PATH
from gateway.rpc.shares import Share, Shares, TooManyCalls
from gateway.source import EDGE_KEY_HEADER, SOURCE_HEADER, address_reader, network_of
from overround.wallet.v1.wallet_service_pb2 import GetBalanceRequest
from tests.fakes.fake_gateway import TOKEN, Door, Refused, context

GET_BALANCE = "/overround.wallet.v1.WalletService/GetBalance"
WATCH_BOOKS = "/overround.odds.v1.OddsService/WatchBooks"
WATCH_BETS = "/overround.bets.v1.BettingService/WatchBets"


def address_of(peer: str, headers: dict[str, str]) -> str:
    return address_reader("the edge's")(tuple(headers.items()), peer)


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


def test_a_source_at_its_share_is_refused_and_nobody_else_is() -> None:
    shares, streams = Shares("address"), Share("streams", 2)
    shares.begin(streams, "greedy")
    shares.begin(streams, "greedy")
    with pytest.raises(TooManyCalls) as refused:
        shares.begin(streams, "greedy")
    assert refused.value.figures == {"calls_max": "2", "retry_s": "1"}
    shares.begin(streams, "modest")
    shares.begin(Share("calls", 1), "greedy")


async def forever(_request: Any, _call: Any) -> AsyncIterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def watching(door: RpcDoor, path: str, token: str | None, *, peer: str = "ipv4:10.0.0.1:5000") -> AsyncIterator[int]:
    method = METHOD_BY_PATH[path]
    request = GetMessageClass(method.contract.input_type)()
    stream: AsyncIterator[int] = door.before(method, forever)(request, context(token, peer=peer))
    return stream


async def test_an_account_has_its_share_whatever_address_it_calls_from_and_the_public_has_none() -> None:
    door = Door().before(address_calls_max=3, account_calls_max=2)
    peers = ("ipv4:10.0.0.1:5000", "ipv4:10.0.0.2:5000", "ipv4:10.0.0.3:5000")
    bets = [watching(door, WATCH_BETS, TOKEN, peer=peer) for peer in peers]
    assert [await anext(stream) for stream in bets[:2]] == [0, 0]
    with pytest.raises(Refused, match="account"):
        await anext(bets[2])
    books = [watching(door, WATCH_BOOKS, None) for _ in range(4)]
    assert [await anext(stream) for stream in books[:3]] == [0, 0, 0]
    with pytest.raises(Refused, match="address") as refused:
        await anext(books[3])
    assert refused.value.reason == "TOO_MANY_CALLS"
    assert await anext(bets[0]) == 1


async def test_a_place_that_is_left_is_free_again_however_it_was_left() -> None:
    door = Door().before(address_calls_max=1, account_calls_max=1)
    held: Any = watching(door, WATCH_BETS, TOKEN)
    await anext(held)
    await held.aclose()

    async def fail(_request: Any, _call: Any) -> None:
        raise ValueError

    async def wait(_request: Any, _call: Any) -> None:
        await asyncio.Event().wait()

    method = METHOD_BY_PATH[GET_BALANCE]
    for serve in (fail, wait):
        for token in (TOKEN, None):  # who is refused after their address was counted leaves no count either
            for _ in range(3):
                with pytest.raises((Refused, TimeoutError)) as refused:
                    async with asyncio.timeout(0.01):
                        await door.before(method, serve)(GetBalanceRequest(), context(token))
                assert getattr(refused.value, "reason", "") != "TOO_MANY_CALLS"
    assert await anext(watching(door, WATCH_BETS, TOKEN)) == 0
