"""The proxy with its rendered configuration: gRPC, gRPC-web and pages at one address."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from aiohttp import web

from gateway.access import AccessInterceptor
from gateway.books import BookCache
from gateway.errors import STATUS_DETAILS_KEY
from gateway.odds_service import OddsService
from gateway.server import make_server
from gateway.web import make_web_app
from infra.local.envoy import render_envoy_config
from infra.settings import Ports, Settings
from kernel.clock import SystemClock
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from tests.unit.fake_gateway import Door

FIXTURES_TOO_MANY = [str(number) for number in range(501)]
METHOD = "/overround.odds.v1.OddsService"
IN_PLAY_DELAY_MS = 2_000


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A proxy; what it forwards to is started by each test."""
    web_port, admin, grpc_port, http_port = free_ports(4)
    ports = Ports(web=web_port, envoy_admin=admin, gateway_grpc=grpc_port, gateway_http=http_port)
    settings = Settings(profile="test", ports=ports)
    config = tmp_path_factory.mktemp("envoy") / "envoy.yaml"
    config.write_text(render_envoy_config(settings))
    envoy = Path(sys.executable).parent / "envoy"
    command = [str(envoy), "-c", str(config), "--log-level", "error", "--concurrency", "1", "--disable-hot-restart"]
    with subprocess.Popen(command) as process:
        wait_for_port(web_port)
        yield settings
        process.terminate()


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture
async def books(edge: Settings, tmp_path: Path) -> AsyncIterator[BookCache]:
    """A gateway behind the proxy, without the servers that it would get its books from."""
    clock = SystemClock()
    cache = BookCache(clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=10)
    (tmp_path / "index.html").write_text("betslip")

    async def find_troubles() -> list[str]:
        return []

    runner = web.AppRunner(make_web_app(dist_dir=tmp_path, find_troubles=find_troubles))
    await runner.setup()
    await web.TCPSite(runner, edge.host, edge.ports.gateway_http).start()
    address = f"{edge.host}:{edge.ports.gateway_grpc}"
    odds = OddsService(books=cache, clock=clock, in_play_delay_ms=IN_PLAY_DELAY_MS)
    access = AccessInterceptor(Door().auth, clock=clock)
    server = make_server([odds.add_to], address=address, access=access)
    await server.start()
    yield cache
    await server.stop(0)
    await runner.cleanup()


def frame(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return b"\0" + struct.pack(">I", len(raw)) + raw


async def read_frame(content: aiohttp.StreamReader) -> tuple[int, bytes]:
    head = await asyncio.wait_for(content.readexactly(5), 10)
    return head[0], await content.readexactly(struct.unpack(">I", head[1:])[0])


def put(books: BookCache, fixture_id: str, version: int) -> None:
    book = book_pb2.Book(fixture_id=fixture_id, version=version)
    books.load({fixture_id: book.SerializeToString()})


def address(edge: Settings) -> str:
    return f"{edge.host}:{edge.ports.web}"


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
        answer = await stub.GetBooks(odds_service_pb2.GetBooksRequest(fixture_ids=["f2"]), timeout=10)
        assert [book.version for book in answer.books] == [7]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetBooks(odds_service_pb2.GetBooksRequest(fixture_ids=FIXTURES_TOO_MANY), timeout=10)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_pages_come_from_the_same_address_and_figures_do_not(edge: Settings, books: BookCache) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{address(edge)}/fixtures/f1") as page:
            assert await page.text() == "betslip"
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        async with session.get(f"http://{address(edge)}/metrics") as metrics:
            assert metrics.status == 404


async def test_without_a_gateway_a_call_is_told_so_at_once(edge: Settings) -> None:
    async with grpc.aio.insecure_channel(address(edge)) as channel:
        stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetBooks(odds_service_pb2.GetBooksRequest(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
