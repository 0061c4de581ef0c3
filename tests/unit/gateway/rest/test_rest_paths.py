"""The REST API over HTTP: what is asked and answered is what gRPC has, and what is public may be kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, cast

import aiohttp
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.books import BookCache
from gateway.http.app import make_app
from gateway.odds_service import OddsService
from gateway.rest.json_form import read_json, read_named, write_json
from gateway.rest.paths import PATHS
from gateway.rest.routes import make_routes
from gateway.rpc.methods import ODDS
from infra.processes.asgi_site import serving_asgi
from infra.settings import Doors
from kernel.errors import InvariantBroken
from overround.bets.v1.betting_service_pb2 import PlaceSlipRequest
from overround.odds.v1 import fixture_pb2
from overround.odds.v1.book_pb2 import Book
from overround.odds.v1.odds_service_pb2 import ListFixturesRequest, ListFixturesResponse
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_gateway import Door
from tests.free_ports import free_port
from tests.unit.gateway.test_gateway_books import NOW_US, build, record
from wire.requests import RequestMalformed


class World:
    """Books behind the REST API, and who asks for them."""

    def __init__(self) -> None:
        clock = FakeClock(NOW_US)
        self.books = BookCache(
            clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=1
        )
        self.odds = OddsService(books=self.books, builders=cast("Any", None), clock=clock, in_play_delay_ms=0)
        self.door = Door()
        self.services = (self.odds, *self.door.services)
        self.port = free_port()
        self.client: aiohttp.ClientSession

    def tell(self, fixture_id: str, version: int = 1) -> Book:
        book = build(fixture_id, version, fixture_pb2.FIXTURE_STATUS_IN_PLAY)
        book.description.sport = "football"
        self.books.apply([record(book)])
        return book

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with self.client.get(url, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else {}, answer.headers


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    app = make_app(make_routes(world.services, world.door.before()))
    async with (
        serving_asgi(app, host="127.0.0.1", port=world.port, settings=Doors()),
        aiohttp.ClientSession() as world.client,
    ):
        yield world


async def test_a_book_is_the_contracts_message_in_its_json_form(world: World) -> None:
    book = world.tell("sim:1:2", version=2**63)
    status, told, _ = await world.get("/v1/fixtures/sim:1:2/book")
    assert status == 200
    assert json_format.ParseDict(told, Book()) == book
    assert told["version"] == str(2**63)


async def test_fixtures_are_walked_page_by_page(world: World) -> None:
    for number in range(3):
        world.tell(f"f:{number}")
    _, first, _ = await world.get("/v1/fixtures?page.size=2&sport=football")
    assert [fixture["fixtureId"] for fixture in first["fixtures"]] == ["f:0", "f:1"]
    _, second, _ = await world.get(f"/v1/fixtures?page.size=2&page.token={first['nextToken']}")
    assert json_format.ParseDict(second, ListFixturesResponse()).fixtures[0].fixture_id == "f:2"
    assert second["nextToken"] == ""
    assert (await world.get("/v1/fixtures?sport=chess"))[1]["fixtures"] == []


async def test_what_is_public_is_kept_for_a_moment_and_asked_for_again_by_its_tag(world: World) -> None:
    world.tell("f:1")
    status, _, headers = await world.get("/v1/fixtures/f:1/book")
    tag = headers["ETag"]
    assert (status, headers["Cache-Control"], headers["Access-Control-Allow-Origin"]) == (200, "public, max-age=1", "*")
    for known in (tag, f'"other", W/{tag}', "*"):
        status, told, headers = await world.get("/v1/fixtures/f:1/book", **{"If-None-Match": known})
        assert (status, told, headers["ETag"]) == (304, {}, tag)
    world.tell("f:1", version=2)
    status, told, headers = await world.get("/v1/fixtures/f:1/book", **{"If-None-Match": tag})
    assert (status, told["version"]) == (200, "2")
    assert headers["ETag"] != tag


async def test_a_fixture_that_nobody_knows_is_not_found_and_that_is_not_kept(world: World) -> None:
    status, told, headers = await world.get("/v1/fixtures/nobody/book")
    assert (status, told["reason"]) == (404, "FIXTURE_UNKNOWN")
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    [
        *("colour=red", "page=1", "page.size=two", "page.size=-1", "page.size=1&page.size=2", "page.colour=1"),
        *("sport.x=1", "page.size.x=1", "=1", "page.=1", ".size=1"),
    ],
)
async def test_what_is_no_field_of_the_request_is_refused(world: World, asked: str) -> None:
    status, told, _ = await world.get(f"/v1/fixtures?{asked}")
    assert (status, told["reason"]) == (400, "REQUEST_MALFORMED")


async def test_a_path_takes_the_share_of_its_method(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, begun = asyncio.Event(), asyncio.Semaphore(0)
    world.tell("f:1")
    ours = world.books.find

    async def slow(self: OddsService, request: Any, call: Any) -> bytes:
        begun.release()
        await may_end.wait()
        book = ours("f:1")
        assert book is not None
        return book.frame

    monkeypatch.setattr(OddsService, "get_books", slow)
    app = make_app(make_routes(world.services, world.door.before(address_calls_max=2)))
    port = world.port = free_port()
    async with serving_asgi(app, host="127.0.0.1", port=port, settings=Doors()):
        held = [asyncio.create_task(world.get("/v1/fixtures/f:1/book")) for _ in range(2)]
        await begun.acquire()
        await begun.acquire()
        status, told, headers = await world.get("/v1/fixtures/f:1/book")
        assert (status, told["reason"], headers["Retry-After"]) == (429, "TOO_MANY_CALLS", "1")
        may_end.set()
        assert [answer[0] for answer in await asyncio.gather(*held)] == [200, 200]


async def test_the_document_names_every_path_and_every_message_that_it_speaks_of(world: World) -> None:
    status, document, _ = await world.get("/v1/openapi.json")
    assert status == 200
    told = {(verb.upper(), path) for path, item in document["paths"].items() for verb in item}
    assert told == {(path.verb, path.template) for path in PATHS}
    references = {part.split('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]}
    assert references <= set(document["components"]["schemas"])
    assert "overround.odds.v1.Book" in references
    listed = document["paths"]["/v1/fixtures"]["get"]
    assert [entry["name"] for entry in listed["parameters"]] == ["sport", "page.size", "page.token"]
    (named,) = document["paths"]["/v1/fixtures/{fixture_id}/book"]["get"]["parameters"]
    assert (named["name"], named["in"]) == ("fixture_id", "path")


async def test_the_page_of_the_document_needs_nothing_from_elsewhere(world: World) -> None:
    async with world.client.get(f"http://127.0.0.1:{world.port}/v1/docs") as page:
        text, policy = await page.text(), page.headers["Content-Security-Policy"]
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "/v1/fixtures/{fixture_id}/book" in text
    assert not [word for word in ("<script", "http://", "https://", "<link", "<img") if word in text]


def test_every_path_is_a_method_of_a_service() -> None:
    class Nobody:
        SERVICE: ClassVar = ODDS

    with pytest.raises(InvariantBroken, match="nobody has"):
        make_routes([], Door().before())
    with pytest.raises(InvariantBroken, match="get_books"):
        make_routes([Nobody()], Door().before())


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b'{"colour": 1}', b'{"bets": {}}', b'{"bets": [1]}'),
        *(b'{"priceS": 1}', b'{"requestId": 1}', b'{"requestId": "a", "requestId": "b"}', b'{"requestId": "\\ud800"}'),
        *(b"[" * 100_000, b'{"bets":' * 50_000, b'{"pricePolicy": "PRICE_POLICY_NEVER"}'),
        b'{"bets": [{"lineStake": {"amountMinor": "1e400"}}]}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_not_the_message_is_refused(body: bytes) -> None:
    with pytest.raises(RequestMalformed, match="PlaceSlipRequest"):
        read_json(body, PlaceSlipRequest())


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789truefalsn bets', max_size=60).map(str.encode))
def test_no_body_breaks_anything(body: bytes) -> None:
    message = PlaceSlipRequest()
    try:
        read_json(body, message)
    except RequestMalformed:
        return
    assert PlaceSlipRequest.FromString(message.SerializeToString()) == message


@given(st.lists(st.tuples(st.text(max_size=12) | st.sampled_from(["sport", "page.size"]), st.text(max_size=12))))
def test_no_address_breaks_anything(named: list[tuple[str, str]]) -> None:
    message: Message = ListFixturesRequest()
    try:
        read_named(named, message)
    except RequestMalformed:
        return
    assert json_format.Parse(write_json(message), ListFixturesRequest()) == message
