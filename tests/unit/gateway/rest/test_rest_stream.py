"""The WebSocket of books and bets: what comes on it, how a client comes back, and who does not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from google.protobuf import json_format

from gateway.books import BookCache
from gateway.http.app import make_app
from gateway.odds_service import OddsService
from gateway.rest import stream
from gateway.rest.routes import make_routes
from infra.processes.asgi_site import serving_asgi
from infra.settings import Doors
from overround.odds.v1 import fixture_pb2
from overround.odds.v1.book_pb2 import Book
from overround.odds.v1.odds_service_pb2 import WatchBooksResponse
from tests.fakes.fake_gateway import TOKEN, Door, call_by
from tests.free_ports import free_port
from tests.unit.gateway.test_betting_services import place_request
from tests.unit.gateway.test_gateway_books import build, record

LIMIT_S = 60.0
EVERYTHING: dict[str, Any] = {"books": {}}


class World:
    """Books and bets behind a WebSocket."""

    def __init__(self) -> None:
        self.door = Door()
        self.books = BookCache(
            clock=self.door.clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=3
        )
        self.books.mark_complete()
        odds = OddsService(books=self.books, builders=cast("Any", None), clock=self.door.clock, in_play_delay_ms=2_000)
        self.services = (odds, *self.door.services)
        self.port = free_port()
        self.client: aiohttp.ClientSession

    def tell(self, fixture_id: str, version: int, *, is_over: bool = False, filling: str = "") -> Book:
        status = fixture_pb2.FIXTURE_STATUS_ENDED if is_over else fixture_pb2.FIXTURE_STATUS_IN_PLAY
        book = build(fixture_id, version, status)
        book.description.competition = filling
        self.books.apply([record(book)])
        return book

    @asynccontextmanager
    async def watch(self, told: Any) -> AsyncIterator[ClientWebSocketResponse]:
        async with self.client.ws_connect(f"ws://127.0.0.1:{self.port}/v1/stream", max_msg_size=0) as socket:
            await socket.send_str(told if isinstance(told, str) else json.dumps(told))
            yield socket


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    app = make_app(make_routes(world.services, world.door.before()))
    async with (
        serving_asgi(app, host="127.0.0.1", port=world.port, settings=Doors()),
        aiohttp.ClientSession() as world.client,
    ):
        yield world


async def read(socket: ClientWebSocketResponse, kind: str = "books") -> Any:
    """Return the next message of a kind."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            told = json.loads(await socket.receive_str())
            if kind in told:
                return told[kind]


async def read_versions(socket: ClientWebSocketResponse) -> dict[str, int]:
    """Return the versions of the next message that has books."""
    while True:
        told = json_format.ParseDict(await read(socket), WatchBooksResponse())
        if told.books:
            return {book.fixture_id: book.version for book in told.books}


async def closed(socket: ClientWebSocketResponse) -> tuple[int | None, dict[str, Any]]:
    """Return the code by which a socket is closed, and what was refused before."""
    refusal = await read(socket, "refusal")
    async with asyncio.timeout(LIMIT_S):
        assert (await socket.receive()).type is WSMsgType.CLOSE
    return socket.close_code, refusal


async def test_books_come_whole_then_as_they_change_and_a_sign_of_life_between(world: World) -> None:
    book = world.tell("f:1", 1)
    world.tell("f:2", 1)
    async with world.watch(EVERYTHING) as socket:
        first = json_format.ParseDict(await read(socket), WatchBooksResponse())
        assert [found for found in first.books if found.fixture_id == "f:1"] == [book]
        assert (len(first.books), first.in_play_delay_ms, first.server_time_us > 0) == (2, 2_000, True)
        silent = json_format.ParseDict(await read(socket), WatchBooksResponse())
        assert not silent.books
        world.tell("f:2", 2)
        assert await read_versions(socket) == {"f:2": 2}
        world.tell("f:1", 2, is_over=True)
        while not (told := await read(socket))["removedFixtureIds"]:
            pass
        assert told["removedFixtureIds"] == ["f:1"]


async def test_who_comes_back_is_told_what_changed_and_what_is_gone(world: World) -> None:
    for number in range(3):
        world.tell(f"f:{number}", 5)
    world.tell("f:1", 6)
    world.tell("f:2", 6, is_over=True)
    known = {"f:0": "5", "f:1": "5", "f:2": "5", "f:9": "1"}
    async with world.watch({"books": {"knownVersions": known}}) as socket:
        told = await read(socket)
    assert [(book["fixtureId"], book["version"]) for book in told["books"]] == [("f:1", "6")]
    assert sorted(told["removedFixtureIds"]) == ["f:2", "f:9"]


async def test_who_says_it_again_watches_that_instead(world: World) -> None:
    world.tell("f:1", 1)
    world.tell("f:2", 1)
    async with world.watch({"books": {"fixtureIds": ["f:1"]}}) as socket:
        assert await read_versions(socket) == {"f:1": 1}
        await socket.send_json({"books": {"fixtureIds": ["f:2"]}})
        assert await read_versions(socket) == {"f:2": 1}
        world.tell("f:1", 2)
        world.tell("f:2", 2)
        assert await read_versions(socket) == {"f:2": 2}
        assert len(world.books._watches) == 1


async def test_bets_come_with_the_balance_to_who_has_a_session(world: World) -> None:
    placed = await world.door.betting.place_slip(place_request(), call_by())
    bet_id, events = placed.answers[0].bet.bet_id, len(placed.answers[0].bet.events)
    async with world.watch({"bets": {}, "token": TOKEN}) as socket:
        told = await read(socket, "bets")
        assert [bet["betId"] for bet in told["bets"]] == [bet_id]
        assert told["balance"]["available"]["currency"] == "EUR"
    async with world.watch({"bets": {"knownEventCounts": {bet_id: events}}, "token": TOKEN}) as socket:
        told = await read(socket, "bets")
        assert (told["bets"], "balance" in told) == ([], True)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        *((text, "REQUEST_MALFORMED") for text in ("", "{", "[]", "{}", '{"token": "x"}', '{"desk": {}}')),
        *((text, "REQUEST_MALFORMED") for text in ('{"books": []}', '{"books": {"colour": 1}}', '{"token": 1}')),
        ({"books": {"fixtureIds": [str(number) for number in range(501)]}}, "TOO_MANY_FIXTURES"),
        ({"books": {"knownVersions": {str(number): 1 for number in range(2_001)}}}, "TOO_MANY_FIXTURES"),
        ({"bets": {}}, "SESSION_REQUIRED"),
        ({"bets": {}, "token": "nobody's"}, "SESSION_REQUIRED"),
        ({"bets": {"knownEventCounts": {"x": 1}}, "token": TOKEN}, "ID_MALFORMED"),
    ],
)
async def test_what_cannot_be_watched_is_refused_and_closed(world: World, told: Any, reason: str) -> None:
    async with world.watch(told) as socket:
        code, refusal = await closed(socket)
    assert (code, refusal["reason"]) == (stream.REFUSED, reason)
    assert not world.books._watches


async def test_who_says_nothing_is_let_go_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FIRST_WORD_S", 0.05)
    async with world.client.ws_connect(f"ws://127.0.0.1:{world.port}/v1/stream") as socket:
        assert (await closed(socket))[0] == stream.TRY_AGAIN


async def test_an_address_may_have_so_many_sockets_open_whether_they_say_something_or_not(world: World) -> None:
    app = make_app(make_routes(world.services, world.door.before(address_calls_max=2)))
    world.port = free_port()
    async with serving_asgi(app, host="127.0.0.1", port=world.port, settings=Doors()):
        url = f"ws://127.0.0.1:{world.port}/v1/stream"
        async with world.client.ws_connect(url), world.client.ws_connect(url) as second:
            async with world.client.ws_connect(url) as third:
                code, refusal = await closed(third)
            assert (code, refusal["reason"]) == (stream.TRY_AGAIN, "TOO_MANY_CALLS")
            await second.close()
            told = {"refusal": refusal}
            async with asyncio.timeout(LIMIT_S):
                while "refusal" in told:
                    async with world.watch(EVERYTHING) as again:
                        told = json.loads(await again.receive_str())
            assert set(told) == {"books"}


async def test_one_watcher_too_many_is_told_to_try_again(world: World) -> None:
    async with world.watch(EVERYTHING) as one, world.watch(EVERYTHING) as two, world.watch(EVERYTHING) as three:
        for socket in (one, two, three):
            await read(socket)
        async with world.watch(EVERYTHING) as fourth:
            code, refusal = await closed(fourth)
    assert (code, refusal["reason"]) == (stream.TRY_AGAIN, "TOO_MANY_WATCHERS")


async def test_a_client_that_goes_leaves_nothing_behind(world: World) -> None:
    async with world.watch(EVERYTHING) as socket:
        await read(socket)
        assert len(world.books._watches) == 1
    async with asyncio.timeout(LIMIT_S):
        while world.books._watches:  # noqa: ASYNC110 - the books tell nobody who watches them
            await asyncio.sleep(0.01)


async def test_a_slow_reader_is_given_the_newest_and_one_that_never_reads_is_let_go_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "UNREAD_S_MAX", 3.0)
    monkeypatch.setattr(stream, "INTERVAL_S", 0.0)
    filling = "x" * 2_000_000  # fills what stands between
    async with world.watch({"books": {"fixtureIds": ["f:1"]}}) as slow:
        for version in range(1, 40):
            world.tell("f:1", version, filling=filling)
            await asyncio.sleep(0.02)
        seen: list[int] = []
        while not seen or seen[-1] < 39:
            seen.append((await read_versions(slow))["f:1"])
        assert len(seen) < 30
        assert seen == sorted(set(seen))
        for version in range(40, 80):
            world.tell("f:1", version, filling=filling)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(LIMIT_S):
            while world.books._watches:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.05)
