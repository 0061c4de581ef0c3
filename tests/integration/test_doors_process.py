"""The HTTP doors as a process: their health and their end, and books that are the gateway's."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import aiohttp
import pytest
from google.protobuf import json_format
from redis.asyncio import Redis

from infra.kafka import KafkaOutlet
from infra.settings import ROOT, Settings
from infra.stores.book_copy import COMPLETE_KEY, WHOLE_KEY
from overround.odds.v1.book_pb2 import Book
from tests.free_ports import free_port
from tests.integration.test_gateway_streams import build_book
from wire.topics import BOOKS

TIMEOUT_S = 120.0
STOP_LIMIT_S = 15.0


def moved(settings: Settings, **ports: int) -> Settings:
    numbers = {name: free_port() for name in ("doors_http", "doors_health")} | ports
    return settings.model_copy(update={"ports": settings.ports.model_copy(update=numbers)})


@contextmanager
def running(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "infra.cli", "process", "doors"]
    process = subprocess.Popen(command, cwd=ROOT, env=settings.environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


async def until_health(client: aiohttp.ClientSession, settings: Settings, wanted: str) -> None:
    text = "nothing"
    for _ in range(int(TIMEOUT_S * 10)):
        try:
            async with client.get(f"http://{settings.host}:{settings.ports.doors_health}/readyz") as answer:
                text = await answer.text()
        except aiohttp.ClientConnectionError:
            text = "no connection"
        if wanted in text:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"health must say {wanted!r}, said {text!r}")


async def test_a_book_in_the_log_is_given_over_http_and_the_process_ends_in_order(
    settings: Settings, client: aiohttp.ClientSession
) -> None:
    redis: Redis = Redis.from_url(settings.redis_url)
    await redis.set(COMPLETE_KEY, "1")
    now_ms = time.time_ns() // 1_000_000
    await redis.hset(WHOLE_KEY, mapping={str(number): now_ms for number in range(settings.kafka.partitions)})
    await redis.aclose()
    settings = moved(settings)
    fixture_id = f"test:{uuid4().hex[:12]}"
    outlet = KafkaOutlet(settings.kafka_client, client_id="test", delivery_timeout_ms=60_000)
    with running(settings) as process:
        await until_health(client, settings, "ok")
        url = f"http://{settings.host}:{settings.ports.doors_http}/v1/fixtures/{fixture_id}/book"
        async with client.get(url) as unknown:
            assert (unknown.status, (await unknown.json())["reason"]) == (404, "FIXTURE_UNKNOWN")
        book = build_book(fixture_id, 1)
        await outlet.send_and_wait(BOOKS.name, fixture_id, book.SerializeToString())
        outlet.close()
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                async with client.get(url) as answer:
                    told = await answer.read()
                    if answer.status == 200:
                        break
                    await asyncio.sleep(0.05)
            assert json_format.Parse(told, Book()) == book
        process.send_signal(signal.SIGTERM)
        started_s = time.monotonic()
        assert await asyncio.to_thread(process.wait, STOP_LIMIT_S + 1) == 0
        assert time.monotonic() - started_s < STOP_LIMIT_S


async def test_without_kafka_it_says_so_and_answers(settings: Settings, client: aiohttp.ClientSession) -> None:
    settings = moved(settings, kafka=free_port())
    with running(settings):
        await until_health(client, settings, "books: not loaded yet")
        async with client.get(f"http://{settings.host}:{settings.ports.doors_http}/v1/fixtures") as answer:
            assert answer.status == 200


async def test_two_doors_do_not_share_a_port(settings: Settings, client: aiohttp.ClientSession) -> None:
    settings = moved(settings)
    with running(settings):
        await until_health(client, settings, "ok")
        with running(moved(settings, doors_http=settings.ports.doors_http)) as rival:
            assert await asyncio.to_thread(rival.wait, TIMEOUT_S) == 1
