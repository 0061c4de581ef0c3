"""A provider that keeps one fixture priced while a test needs it, through the push door."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import numpy as np

from markets.layout import MarketLayout
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from simulation.feeder import Feeder
from simulation.play import CHANNEL_OPTIONS
from wire.feed import build_quotes

INTERVAL_S = 0.3
DRAIN_LIMIT_S = 180.0
LAYOUT = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under"))])


@contextmanager
def priced_fixture(target: str, *, provider_id: str, api_key: str) -> Iterator[str]:
    """Yield a pre-match fixture's id; its prices move a little several times a second until the end."""
    fixture_id = f"e2e:{uuid.uuid4().hex}"
    is_over = threading.Event()
    pump = threading.Thread(target=lambda: asyncio.run(_pump(target, provider_id, api_key, fixture_id, is_over)))
    pump.start()
    try:
        yield fixture_id
    finally:
        is_over.set()
        pump.join(timeout=60.0)


class OwnProvider:
    """A provider that says what it is told to say, until it is told to fall silent; what is lost it sends again."""

    def __init__(self, target: str, *, provider_id: str, api_key: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._run(target, provider_id, api_key),)
        )
        self._thread.start()
        self._is_up.wait(60.0)

    async def _run(self, target: str, provider_id: str, api_key: str) -> None:
        async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
            self._feeder = Feeder(channel, provider_id=provider_id, api_key=api_key)
            self._end = asyncio.Event()
            running = asyncio.create_task(self._feeder.run())
            self._is_up.set()
            await self._end.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def push(self, update: feed_pb2.FeedUpdate) -> None:
        """Say something."""
        self._loop.call_soon_threadsafe(self._feeder.push, update)

    def wait_until_acknowledged(self) -> None:
        """Wait until the door has all that was said."""

        async def wait() -> None:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await self._feeder.is_drained.wait()

        asyncio.run_coroutine_threadsafe(wait(), self._loop).result()

    def fall_silent(self) -> None:
        """Say nothing any more, not even that it is there."""
        self._loop.call_soon_threadsafe(lambda: self._feeder.be_silent(is_silent=True))

    def close(self) -> None:
        """Hang up."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60.0)
        self._loop.close()


async def _pump(target: str, provider_id: str, api_key: str, fixture_id: str, is_over: threading.Event) -> None:
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        feeder = Feeder(channel, provider_id=provider_id, api_key=api_key)
        running = asyncio.create_task(feeder.run())
        turn = 0
        while not is_over.is_set():
            turn += 1
            feeder.push(build_update(fixture_id, turn))
            await asyncio.sleep(INTERVAL_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def build_result(fixture_id: str, winner: str) -> feed_pb2.FeedUpdate:
    """Build a certain result of the match result."""
    outcomes = [
        feed_pb2.OutcomeResult(
            outcome_id=outcome_id,
            win_factor_micro=1_000_000 if outcome_id == winner else 0,
            dead_heat_factor_micro=1_000_000,
        )
        for outcome_id in ("home", "draw", "away")
    ]
    result = feed_pb2.MarketResult(
        kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2", outcomes=outcomes, certainty=2
    )
    return feed_pb2.FeedUpdate(
        fixture_id=fixture_id,
        sequence=time.time_ns() // 1_000,
        provider_time_ms=time.time_ns() // 1_000_000,
        results=[result],
    )


def build_update(fixture_id: str, turn: int) -> feed_pb2.FeedUpdate:
    odds = np.array([2_000 + 20 * (turn % 5), 3_400, 3_900, 1_900, 2_000], dtype=np.uint32)
    return feed_pb2.FeedUpdate(
        fixture_id=fixture_id,
        sequence=time.time_ns() // 1_000,
        provider_time_ms=time.time_ns() // 1_000_000,
        description=fixture_pb2.FixtureDescription(sport="football", home_name="Home", away_name="Away"),
        state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_PRE_MATCH),
        quotes=build_quotes(
            LAYOUT,
            market_statuses=np.full(2, book_pb2.MARKET_STATUS_OPEN, dtype=np.uint8),
            decimal_odds_milli=odds,
            is_snapshot=True,
        ),
    )
