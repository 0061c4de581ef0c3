"""The gateway as a process: its health, its end, and what is left of it without one of its servers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import grpc
import pytest

from infra.kafka import KafkaOutlet
from infra.settings import ROOT, Settings
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from overround.trading.v1 import trading_service_pb2, trading_service_pb2_grpc
from tests.free_ports import free_port
from tests.integration.channels import open_channel
from wire.topics import BOOKS

TIMEOUT_S = 120.0
STOP_LIMIT_S = 15.0


def moved(settings: Settings, **ports: int) -> Settings:
    numbers = {name: free_port() for name in ("gateway_grpc", "gateway_http", "gateway_health")} | ports
    return settings.model_copy(update={"ports": settings.ports.model_copy(update=numbers)})


@contextmanager
def running(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "infra.cli", "process", "gateway"]
    process = subprocess.Popen(command, cwd=ROOT, env=settings.environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connected(settings: Settings) -> AbstractAsyncContextManager[grpc.aio.Channel]:
    return open_channel(f"{settings.host}:{settings.ports.gateway_grpc}")


async def health(settings: Settings) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        url = f"http://{settings.host}:{settings.ports.gateway_health}/readyz"
        async with session.get(url) as response:
            return response.status, await response.text()


async def until_health(settings: Settings, wanted: str, unwanted: str = "nothing of this") -> None:
    text = "nothing"
    for _ in range(int(TIMEOUT_S * 10)):
        try:
            _, text = await health(settings)
        except aiohttp.ClientConnectionError:
            text = "no connection"
        if wanted in text and unwanted not in text:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"health must say {wanted!r}, said {text!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_in_order_while_clients_watch(settings: Settings, number: signal.Signals) -> None:
    settings = moved(settings)
    with running(settings) as process:
        async with connected(settings) as channel:
            await until_health(settings, "ok")
            stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
            stream = stub.WatchBooks(odds_service_pb2.WatchBooksRequest())
            await asyncio.wait_for(anext(aiter(stream)), TIMEOUT_S)
            process.send_signal(number)
            started_s = time.monotonic()
            code = await asyncio.to_thread(process.wait, STOP_LIMIT_S + 1)
    assert code == 0
    assert time.monotonic() - started_s < STOP_LIMIT_S


async def test_without_redis_it_reads_its_books_from_the_log_and_says_what_is_wrong(settings: Settings) -> None:
    fixture_id = f"test:{uuid4().hex[:12]}"
    outlet = KafkaOutlet(settings.kafka_client, client_id="test", delivery_timeout_ms=60_000)
    book = book_pb2.Book(fixture_id=fixture_id, version=1)
    await outlet.send_and_wait(BOOKS.name, fixture_id, book.SerializeToString())
    outlet.close()
    settings = moved(settings, redis=free_port())
    with running(settings):
        await until_health(settings, "redis:")
        async with connected(settings) as channel:
            stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
            stream = stub.WatchBooks(odds_service_pb2.WatchBooksRequest(fixture_ids=[fixture_id]))
            async with asyncio.timeout(TIMEOUT_S):
                async for message in stream:
                    if message.books:
                        break
        await until_health(settings, "redis:", unwanted="books")
        assert (await health(settings))[0] == 503


async def test_without_kafka_nothing_is_live_and_no_call_hangs(settings: Settings) -> None:
    settings = moved(settings, kafka=free_port())
    with running(settings):
        await until_health(settings, "books: not loaded yet")
        async with connected(settings) as channel:
            odds: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
            stream = odds.WatchBooks(odds_service_pb2.WatchBooksRequest())
            first = await asyncio.wait_for(anext(aiter(stream)), 20)
            assert not first.is_pricing_live
            trading: Any = trading_service_pb2_grpc.TradingServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await asyncio.wait_for(trading.Suspend(trading_service_pb2.SuspendRequest()), 20)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_without_postgres_prices_are_served_all_the_same(settings: Settings) -> None:
    settings = moved(settings, postgres=free_port())
    with running(settings):
        await until_health(settings, "postgres:")
        async with connected(settings) as channel:
            stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
            stream = stub.WatchBooks(odds_service_pb2.WatchBooksRequest())
            await asyncio.wait_for(anext(aiter(stream)), 20)


async def test_a_second_gateway_on_the_same_port_does_not_start(settings: Settings) -> None:
    settings = moved(settings)
    with running(settings):
        await until_health(settings, "ok")
        rival = moved(settings, gateway_grpc=settings.ports.gateway_grpc)
        with running(rival) as process:
            assert await asyncio.to_thread(process.wait, TIMEOUT_S) == 1
