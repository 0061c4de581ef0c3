"""Feed updates at a steady rate, appended to Kafka as the feed doors append them."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from infra.kafka import KafkaOutlet
from loadtests.pacing import Schedule, now_us
from markets.layout import MarketLayout
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from wire.feed import build_quotes
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

PROVIDER_ID = "load"
FIXTURES = 200
MARKETS = 20
HEARTBEAT_S = 0.5
HEARTBEAT_TIMEOUT_MS = 10_000


def fixture_ids(run_id: str) -> list[str]:
    """Return the fixtures of a run."""
    return [f"load:{run_id}:{number}" for number in range(FIXTURES)]


def layout() -> MarketLayout:
    """Return twenty three-way markets: sixty prices."""
    outcomes = ("home", "draw", "away")
    return MarketLayout.of_markets([("1x2", outcomes), *((f"load:{n}", outcomes) for n in range(1, MARKETS))])


class FeedLoad:
    """Sends update k to fixture k modulo their number; every update moves every price."""

    def __init__(self, outlet: KafkaOutlet, *, run_id: str) -> None:
        self._outlet = outlet
        self._fixture_ids = fixture_ids(run_id)
        self._layout = layout()
        self._statuses = np.full(MARKETS, book_pb2.MARKET_STATUS_OPEN, dtype=np.uint8)
        self._sequence = now_us()
        self.undelivered = 0

    def announce(self) -> None:
        """Send each fixture's first prices, so that its book is there before the clock runs."""
        for index in range(FIXTURES):
            self._send(index, turn=0, due_us=now_us())

    async def run(self, schedule: Schedule) -> None:
        """Send what is due until the schedule ends."""
        heartbeats = asyncio.create_task(self._beat())
        try:
            async for index in schedule.arrivals():
                self._send(index % FIXTURES, turn=1 + index // FIXTURES, due_us=schedule.due_us(index))
        finally:
            heartbeats.cancel()

    def _send(self, fixture: int, *, turn: int, due_us: int) -> None:
        self._sequence += 1
        update = feed_pb2.FeedUpdate(
            provider_id=PROVIDER_ID,
            fixture_id=self._fixture_ids[fixture],
            sequence=self._sequence,
            provider_time_ms=due_us // 1_000,
            received_time_us=due_us,
            quotes=build_quotes(
                self._layout,
                market_statuses=self._statuses,
                decimal_odds_milli=self._odds(fixture, turn),
                is_snapshot=True,
            ),
        )
        if turn == 0:
            update.description.CopyFrom(
                fixture_pb2.FixtureDescription(
                    sport="football", home_name=f"Home {fixture}", away_name=f"Away {fixture}"
                )
            )
            update.state.status = fixture_pb2.FIXTURE_STATUS_PRE_MATCH
        self._outlet.send(FEED_UPDATES.name, update.fixture_id, update.SerializeToString(), self._count_failure)

    def _odds(self, fixture: int, turn: int) -> NDArray[np.uint32]:
        favourite = 1_700 + 10 * ((fixture + 7 * turn) % 60)
        one_market = np.array([favourite, 3_600, 4_400 + 50 * (turn % 9)], dtype=np.uint32)
        return np.tile(one_market, MARKETS)

    def _count_failure(self, error: Exception | None) -> None:
        self.undelivered += error is not None

    async def _beat(self) -> None:
        while True:
            heartbeat = feed_pb2.ProviderHeartbeat(
                provider_id=PROVIDER_ID, received_time_us=now_us(), is_up=True, timeout_ms=HEARTBEAT_TIMEOUT_MS
            )
            self._outlet.send(FEED_PROVIDERS.name, PROVIDER_ID, heartbeat.SerializeToString())
            await asyncio.sleep(HEARTBEAT_S)
