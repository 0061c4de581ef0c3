"""The proxy with its rendered configuration: gRPC, gRPC-web and pages at one address."""

from __future__ import annotations

import asyncio
import base64
import io
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import grpc
import pytest
from aiohttp import WSMsgType, web
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket
from yarl import URL

from gateway.bet_builders import BetBuilders
from gateway.bettable_books import BettableBooks
from gateway.books import BookCache
from gateway.http.app import make_app
from gateway.odds_service import OddsService
from gateway.rpc.errors import STATUS_DETAILS_KEY
from gateway.rpc.methods import FEED
from gateway.rpc.server import make_server
from gateway.source import address_reader
from gateway.web import make_web_app
from infra.local.envoy import CALLBACK_BYTES_MAX, CALLBACKS, REST, REST_BYTES_MAX, STREAM, render_envoy_config
from infra.processes.asgi_site import serving_asgi
from infra.processes.parts.access import make_door
from infra.settings import Ports, Settings, Sources
from kernel.clock import SystemClock
from odds.ladder.steps import FINE_LADDER
from odds.pricing.start_guard import StartGuard
from overround.feed.v1.feed_service_pb2 import PushResponse
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from tests.fakes.fake_explanations import FakeNewestExplanations
from tests.fakes.fake_gateway import Door
from tests.free_ports import free_port

FIXTURES_TOO_MANY = [str(number) for number in range(501)]
METHOD = "/overround.odds.v1.OddsService"
IN_PLAY_DELAY_MS = 2_000
EDGE_KEY = "the edge's own"
SOURCES = Sources(requests_per_s_max=5, requests_burst_max=200, address_book_streams_max=3, unread_stream_s=2)
# Addresses of this machine, as if of strangers; who is named here keeps to themselves what they take.
CLOSING_S = 0.25
GREEDY, MODEST, HASTY, SLOW = "127.0.0.66", "127.0.0.2", "127.0.0.67", "127.0.0.68"
GRPC_WEB = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A proxy; what it forwards to is started by each test."""
    web_port = free_port()
    ports = Ports(web=web_port, gateway_grpc=free_port(), gateway_http=free_port(), doors_http=free_port())
    settings = Settings(profile="test", ports=ports, sources=SOURCES)
    folder = tmp_path_factory.mktemp("envoy")
    config = folder / "envoy.yaml"
    config.write_text(render_envoy_config(settings, edge_key=EDGE_KEY), encoding="utf-8")
    envoy = Path(sys.executable).parent / "envoy"
    command = [str(envoy), "-c", str(config), "--log-level", "error", "--concurrency", "1", "--disable-hot-restart"]
    with subprocess.Popen(command, cwd=folder) as process:
        wait_for_port(web_port)
        yield settings
        process.terminate()


def wait_for_port(port: int) -> None:
    for _ in range(1_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture
async def books(edge: Settings, tmp_path: Path) -> AsyncIterator[BookCache]:
    """A gateway behind the proxy, without the servers that it would get its books from."""
    clock = SystemClock()
    cache = BookCache(clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=100)
    (tmp_path / "index.html").write_text("betslip")

    async def find_trouble() -> str | None:
        return None

    runner = web.AppRunner(make_web_app(tmp_path, find_trouble=find_trouble))
    await runner.setup()
    await web.TCPSite(runner, edge.host, edge.ports.gateway_http).start()
    address = f"{edge.host}:{edge.ports.gateway_grpc}"
    bettable = BettableBooks(books=cache, clock=clock, start_guard=StartGuard(), provider_timeout_us=1_000_000)
    builders = BetBuilders(books=bettable, explanations=FakeNewestExplanations(), ladder=FINE_LADDER)
    odds = OddsService(books=cache, builders=builders, clock=clock, in_play_delay_ms=IN_PLAY_DELAY_MS)
    door = make_door(edge, Door().auth, address_of=address_reader(EDGE_KEY), clock=clock)
    server = make_server([odds, Echo()], address=address, door=door)
    await server.start()
    yield cache
    await server.stop(0)
    await runner.cleanup()


@pytest.fixture
async def doors(edge: Settings) -> AsyncIterator[None]:
    """HTTP doors behind the proxy that tell what reaches them."""
    address_of = address_reader(EDGE_KEY)

    async def tell(request: Request) -> Response:
        seen_from = address_of(tuple(request.headers.items()), "ipv4:10.9.9.9:1")
        body = await request.body()
        return JSONResponse({"from": seen_from, "path": request.url.path, "body_bytes": len(body)})

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        seen_from = address_of(tuple(socket.headers.items()), "ipv4:10.9.9.9:1")
        while True:
            told = await socket.receive_text()
            await socket.send_text(f"{seen_from} {len(told)}")

    routes: list[BaseRoute] = [WebSocketRoute(STREAM, echo)]
    routes += [Route(f"{prefix}{{rest:path}}", tell, methods=["GET", "POST"]) for prefix in (REST, CALLBACKS)]
    async with serving_asgi(make_app(routes), host=edge.host, port=edge.ports.doors_http, settings=edge.doors):
        yield


class Echo:
    """Stands in for the feed's door: tells the length of everything that comes."""

    SERVICE: ClassVar = FEED

    async def push(self, requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[PushResponse]:
        async for request in requests:
            yield PushResponse(acknowledged_sequence=len(request))


def frame(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return b"\0" + struct.pack(">I", len(raw)) + raw


async def read_frame(content: aiohttp.StreamReader) -> tuple[int, bytes]:
    head = await asyncio.wait_for(content.readexactly(5), 60)
    return head[0], await content.readexactly(struct.unpack(">I", head[1:])[0])


def put(books: BookCache, fixture_id: str, version: int) -> None:
    book = book_pb2.Book(fixture_id=fixture_id, version=version)
    books.load({fixture_id: book.SerializeToString()})


def address(edge: Settings) -> str:
    return f"{edge.host}:{edge.ports.web}"


def url_of(edge: Settings, path: str) -> URL:
    return URL(f"http://{address(edge)}{path}", encoded=True)


async def test_grpc_web_streams_over_http_1(edge: Settings, books: BookCache) -> None:
    put(books, "f1", 1)
    headers = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
    url = f"http://{address(edge)}{METHOD}/WatchBooks"
    body = frame(odds_service_pb2.WatchBooksRequest(fixture_ids=["f1"]))
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/grpc-web+proto"
        flag, raw = await read_frame(response.content)
        assert flag == 0
        first = odds_service_pb2.WatchBooksResponse.FromString(raw)
        assert [book.version for book in first.books] == [1]
        assert first.in_play_delay_ms == IN_PLAY_DELAY_MS
        put(books, "f1", 2)
        _, raw = await read_frame(response.content)
        assert [book.version for book in odds_service_pb2.WatchBooksResponse.FromString(raw).books] == [2]


async def test_a_refusal_reaches_grpc_web_with_its_details(edge: Settings, books: BookCache) -> None:
    headers = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
    url = f"http://{address(edge)}{METHOD}/GetBooks"
    body = frame(odds_service_pb2.GetBooksRequest(fixture_ids=FIXTURES_TOO_MANY))
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        trailers = {**response.headers}
        if "grpc-status" not in trailers:
            flag, raw = await read_frame(response.content)
            assert flag == 0x80
            trailers = dict(line.split(":", 1) for line in raw.decode().split("\r\n") if line)
    assert trailers["grpc-status"].strip() == "3"
    details = trailers[STATUS_DETAILS_KEY].strip()
    assert b"TOO_MANY_FIXTURES" in base64.b64decode(details + "=" * (-len(details) % 4))


async def test_grpc_over_http_2_passes_on_the_same_port(edge: Settings, books: BookCache) -> None:
    put(books, "f2", 7)
    async with grpc.aio.insecure_channel(address(edge)) as channel:
        stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
        answer = await stub.GetBooks(odds_service_pb2.GetBooksRequest(fixture_ids=["f2"]), timeout=60)
        assert [book.version for book in answer.books] == [7]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetBooks(odds_service_pb2.GetBooksRequest(fixture_ids=FIXTURES_TOO_MANY), timeout=60)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_pages_come_from_the_same_address_and_figures_do_not(edge: Settings, books: BookCache) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address(edge)}/fixtures/f1") as page:
        assert await page.text() == "betslip"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/metrics", "/%6detrics", "/%6Detrics", "/%6d%65%74%72%69%63%73", "//metrics", "/./metrics", "/x/../metrics",
        "/x/..%2fmetrics", "/%2e/metrics", "/metrics/", "/metrics?x", "/metrics;x", "/METRICS", "/%2fmetrics",
    ],
)  # fmt: skip
async def test_figures_of_the_process_are_under_no_address_of_the_proxy(
    edge: Settings, books: BookCache, path: str
) -> None:
    async with aiohttp.ClientSession() as session, session.get(url_of(edge, path)) as response:
        assert response.status < 500
        assert "# HELP" not in await response.text()


@pytest.mark.parametrize("path", ["/a%00b", "/%00", "/" + "x" * 5_000, "/" + "x" * 100_000, "/assets/%00"])
async def test_what_can_be_no_path_is_refused_and_breaks_nothing(edge: Settings, books: BookCache, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url_of(edge, path)) as response:
        assert response.status in {400, 404, 431}


class Stranger:
    """Somebody at an address, and the streams they hold."""

    def __init__(self, edge: Settings, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._url = f"http://{address(edge)}{METHOD}/WatchBooks"
        self.held: list[aiohttp.ClientResponse] = []

    async def watch(self, **headers: str) -> aiohttp.ClientResponse:
        body = frame(odds_service_pb2.WatchBooksRequest(fixture_ids=["f1"]))
        self.held.append(await self.session.post(self._url, data=body, headers=headers))
        return self.held[-1]


@asynccontextmanager
async def calling_from(edge: Settings, source: str) -> AsyncIterator[Stranger]:
    connector = aiohttp.TCPConnector(local_addr=(source, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=GRPC_WEB) as session:
        stranger = Stranger(edge, session)
        try:
            yield stranger
        finally:
            for response in stranger.held:
                hang_up(response)
    await asyncio.sleep(CLOSING_S)  # a transport is closed by the loop, some turns after it was told to


def hang_up(response: aiohttp.ClientResponse) -> None:
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()  # closing one waits until all that it has to say is read
    response.close()


def reason_of(headers: Any) -> str:
    details = headers[STATUS_DETAILS_KEY]
    status, info = Status(), ErrorInfo()
    status.ParseFromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    assert status.details[0].Unpack(info)
    assert info.metadata["retry_s"] == "1"
    return str(info.reason)


async def test_an_address_at_its_share_of_streams_is_refused_and_others_are_served(
    edge: Settings, books: BookCache
) -> None:
    put(books, "f1", 1)
    async with calling_from(edge, GREEDY) as greedy, calling_from(edge, MODEST) as modest:
        streams = [await greedy.watch() for _ in range(SOURCES.address_book_streams_max)]
        # Nor does it help to claim to be somebody else.
        forged = {"x-forwarded-for": "10.0.0.1", "x-overround-source": "10.0.0.1", "x-overround-edge": "a guess"}
        for headers in ({}, forged):
            refused = await greedy.watch(**headers)
            assert (refused.headers["grpc-status"], reason_of(refused.headers)) == ("8", "TOO_MANY_CALLS")
        for _ in range(SOURCES.address_book_streams_max):
            response = await modest.watch()
            assert (await read_frame(response.content))[0] == 0
        streams[0].close()
        await asyncio.sleep(0.2)
        assert (await read_frame((await greedy.watch()).content))[0] == 0


async def test_an_address_beyond_its_requests_is_refused_with_a_reason_and_others_are_served(
    edge: Settings, books: BookCache
) -> None:
    url = f"http://{address(edge)}{METHOD}/GetBooks"
    body = frame(odds_service_pb2.GetBooksRequest(fixture_ids=["f1"]))
    async with calling_from(edge, HASTY) as hasty, calling_from(edge, MODEST) as modest:
        for _ in range(2 * SOURCES.requests_burst_max):
            async with hasty.session.post(url, data=body) as response:
                await response.read()
                if response.status == 429:
                    break
        async with hasty.session.post(url, data=body) as refused:
            assert (refused.headers["grpc-status"], reason_of(refused.headers)) == ("14", "TOO_MANY_REQUESTS")
        async with hasty.session.get(f"http://{address(edge)}/", headers={"Content-Type": ""}) as page:
            assert (page.status, page.headers["Retry-After"]) == (429, "1")
        async with hasty.session.get(f"http://{address(edge)}/v1/fixtures", headers={"Content-Type": ""}) as over_rest:
            assert (over_rest.status, over_rest.headers["Retry-After"]) == (429, "1")
            told = await over_rest.json()
            assert (told["reason"], told["figures"]["requests_per_s_max"]) == ("TOO_MANY_REQUESTS", "5")
        async with modest.session.post(url, data=body) as served:
            assert (await read_frame(served.content))[0] == 0


async def test_a_request_larger_than_any_can_be_never_reaches_the_gateway(edge: Settings, books: BookCache) -> None:
    url = f"http://{address(edge)}{METHOD}/GetBooks"
    async with calling_from(edge, MODEST) as modest:
        for length, is_taken in ((200_000, True), (300_000, False), (4_000_000, False)):
            body = frame(odds_service_pb2.GetBooksRequest(fixture_ids=["x" * length]))
            async with modest.session.post(url, data=io.BytesIO(body)) as response:
                assert (response.status == 200) is is_taken
                hang_up(response)


async def test_what_a_feed_pushes_is_passed_on_as_it_comes_and_may_be_silent(edge: Settings, books: BookCache) -> None:
    async with grpc.aio.insecure_channel(address(edge)) as channel:
        push: Any = channel.stream_stream("/overround.feed.v1.FeedService/Push", bytes, PushResponse.FromString)
        call = push()
        for size in (1, 1_000_000, 1):
            await call.write(b"x" * size)
            assert (await asyncio.wait_for(call.read(), 60)).acknowledged_sequence == size
            await asyncio.sleep(SOURCES.unread_stream_s + 0.5)
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK


async def test_who_does_not_read_their_stream_loses_it_and_who_reads_keeps_it(edge: Settings, books: BookCache) -> None:
    book = book_pb2.Book(fixture_id="f1", market_ids=["x" * 1_000_000])
    async with calling_from(edge, MODEST) as modest, grpc.aio.insecure_channel(address(edge)) as channel:
        books.load({"f1": book.SerializeToString()})
        stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
        unread = [stub.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=["f1"])) for _ in range(2)]
        async with asyncio.timeout(60):
            while len(books._watches) < 2:  # noqa: ASYNC110 - the books tell nobody who watches them
                await asyncio.sleep(0.01)
        for version in range(1, 6):
            book.version = version
            books.load({"f1": book.SerializeToString()})
            await asyncio.sleep(0.1)
        assert len(books._watches) == 2
        reading = await modest.watch()
        async with asyncio.timeout(60):
            while len(books._watches) > 1:
                await read_frame(reading.content)
        for _ in range(4):
            await read_frame(reading.content)
        for call in unread:
            call.cancel()


async def test_the_http_doors_are_behind_the_same_address_and_told_whom_a_request_comes_from(
    edge: Settings, doors: None
) -> None:
    forged = {"x-forwarded-for": "10.0.0.1", "x-overround-source": "10.0.0.1", "x-overround-edge": "a guess"}
    async with calling_from(edge, MODEST) as modest:
        for path in ("/v1/fixtures", "/callbacks/psp/events"):
            for headers in ({}, forged):
                told = {"Content-Type": "application/json"} | headers
                async with modest.session.post(url_of(edge, path), data=b"{}", headers=told) as answer:
                    assert await answer.json() == {"from": MODEST, "path": path, "body_bytes": 2}


async def test_a_websocket_passes_for_as_long_as_something_moves_on_it(edge: Settings, doors: None) -> None:
    async with (
        calling_from(edge, MODEST) as modest,
        modest.session.ws_connect(url_of(edge, STREAM), headers={"Content-Type": ""}) as socket,
    ):
        for size in (1, 100_000, 1):
            await socket.send_str("x" * size)
            assert await socket.receive_str(timeout=60) == f"{MODEST} {size}"
            await asyncio.sleep(SOURCES.unread_stream_s / 2)
        async with asyncio.timeout(60):
            assert (await socket.receive()).type in {WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR}


async def test_what_is_larger_than_a_door_takes_never_reaches_it(edge: Settings, doors: None) -> None:
    async with calling_from(edge, MODEST) as modest:
        for path, bytes_max in (("/v1/slips", REST_BYTES_MAX), ("/callbacks/psp", CALLBACK_BYTES_MAX)):
            for size, status in ((bytes_max - 1, 200), (bytes_max + 20_000, 413)):
                body = io.BytesIO(b"x" * size)
                headers = {"Content-Type": "application/json"}
                async with modest.session.post(url_of(edge, path), data=body, headers=headers) as answer:
                    assert answer.status == status
                    hang_up(answer)


async def test_without_a_gateway_a_page_tries_again_by_itself(edge: Settings) -> None:
    headers = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("/", "/desk", "/fixtures/f1/total:2.5", "/overround.x"):
            async with session.get(f"http://{address(edge)}{path}") as page:
                text = await page.text()
                assert (page.status, page.headers["Retry-After"], page.headers["Cache-Control"]) == (
                    503,
                    "2",
                    "no-store",
                )
                assert page.headers["Content-Type"].startswith("text/html")
                assert 'http-equiv="refresh"' in text
                assert "upstream" not in text


async def test_without_a_gateway_a_call_over_the_web_is_told_so(edge: Settings) -> None:
    body = frame(odds_service_pb2.GetBooksRequest())
    url = f"http://{address(edge)}{METHOD}/GetBooks"
    async with calling_from(edge, MODEST) as stranger, stranger.session.post(url, data=body) as response:
        assert response.headers["grpc-status"] == "14"
        assert "refresh" not in response.headers.get("grpc-message", "")


async def test_without_a_gateway_a_call_is_told_so_at_once(edge: Settings) -> None:
    async with grpc.aio.insecure_channel(address(edge)) as channel:
        stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetBooks(odds_service_pb2.GetBooksRequest(), timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
