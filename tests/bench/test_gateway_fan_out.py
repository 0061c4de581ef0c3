"""How long a book takes from the log to watching clients: figures only, shown by `pytest -s`."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import numpy as np
import psutil
import pytest

from infra.kafka import KafkaOutlet
from infra.settings import ROOT, Settings
from markets.layout import MarketLayout
from overround.odds.v1 import book_pb2, fixture_pb2, odds_service_pb2, odds_service_pb2_grpc
from wire.topics import BOOKS

FIXTURES = 200
WATCHERS = 4
DURATION_S = 8.0
MARKETS = 20
TICK_S = 0.005


def make_books() -> list[book_pb2.Book]:
    layout = MarketLayout.of_markets([(f"total:{line}.5", ["over", "exactly", "under"]) for line in range(MARKETS)])
    return [
        book_pb2.Book(
            fixture_id=f"bench:{number}",
            description=fixture_pb2.FixtureDescription(sport="football", home_name="Ajax", away_name="Feyenoord"),
            state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_IN_PLAY),
            layout_hash=layout.layout_hash,
            market_ids=layout.market_ids,
            outcome_counts=layout.outcome_counts.tobytes(),
            outcome_ids=layout.outcome_ids,
            market_statuses=bytes([1]) * MARKETS,
            suspension_reasons=bytes(MARKETS),
            market_versions=np.zeros(MARKETS, dtype="<u8").tobytes(),
            decimal_odds_milli=np.full(3 * MARKETS, 2_050, dtype="<u4").tobytes(),
        )
        for number in range(FIXTURES)
    ]


@contextmanager
def running_gateway(settings: Settings) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "infra.cli", "process", "gateway"]
    process = subprocess.Popen(command, cwd=ROOT, env=settings.environment(), stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


async def publish(outlet: KafkaOutlet, books_per_s: int) -> None:
    """Publish at a steady rate that does not wait for anything: lateness shows as latency."""
    books = make_books()
    started_s, published = time.monotonic(), 0
    while (elapsed_s := time.monotonic() - started_s) < DURATION_S:
        for _ in range(int(elapsed_s * books_per_s) - published):
            book = books[published % FIXTURES]
            book.version = book.feed_time_us = time.time_ns() // 1_000
            outlet.send(BOOKS.name, book.fixture_id, book.SerializeToString())
            published += 1
        await asyncio.sleep(TICK_S)


async def watch(channel: grpc.aio.Channel, latencies_ms: list[float], message_counts: list[int]) -> None:
    stub: Any = odds_service_pb2_grpc.OddsServiceStub(channel)
    async for message in stub.WatchBooks(odds_service_pb2.WatchBooksRequest()):
        now_us = time.time_ns() // 1_000
        message_counts[0] += 1
        latencies_ms += [
            (now_us - book.feed_time_us) / 1_000 for book in message.books if book.fixture_id.startswith("bench:")
        ]


@pytest.mark.parametrize("books_per_s", [200, 1_000])
async def test_fan_out_of_books(settings: Settings, books_per_s: int) -> None:
    numbers = {}
    with ExitStack() as probes:
        for name in ("gateway_grpc", "gateway_http", "gateway_health"):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            numbers[name] = probe.getsockname()[1]
    ports = settings.ports.model_copy(update=numbers)
    sources = settings.sources.model_copy(update={"address_book_streams_max": WATCHERS})
    settings = settings.model_copy(update={"ports": ports, "sources": sources})
    outlet = KafkaOutlet(settings.kafka_client, client_id="bench", delivery_timeout_ms=10_000)
    latencies_ms: list[float] = []
    message_counts = [0]
    with running_gateway(settings) as process:
        channels = [
            grpc.aio.insecure_channel(f"127.0.0.1:{numbers['gateway_grpc']}", [("grpc.use_local_subchannel_pool", 1)])
            for _ in range(WATCHERS)
        ]
        await asyncio.wait_for(channels[0].channel_ready(), 20)
        watching = [asyncio.create_task(watch(channel, latencies_ms, message_counts)) for channel in channels]
        await asyncio.sleep(1)
        latencies_ms.clear()
        message_counts[0] = 0
        before = process.cpu_times()
        await publish(outlet, books_per_s)
        after = process.cpu_times()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for channel in channels:
            await channel.close(None)
    outlet.close()
    assert len(latencies_ms) > books_per_s
    p50, p99 = np.percentile(latencies_ms, [50, 99])
    cpu = (after.user + after.system - before.user - before.system) / DURATION_S
    sys.stdout.write(
        f"\n{books_per_s} books/s to {WATCHERS} watchers: p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
        f"{len(latencies_ms) / DURATION_S / WATCHERS:.0f} books/s and {message_counts[0] / DURATION_S / WATCHERS:.0f} "
        f"messages/s a watcher, gateway uses {cpu:.0%} of a core\n"
    )
