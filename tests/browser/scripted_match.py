"""A match that a test directs: a provider prices it through the push door, and the test moves it."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np

from markets.layout import MarketLayout
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from simulation.feeder import Feeder
from simulation.play import CHANNEL_OPTIONS
from wire.feed import build_quotes

INTERVAL_S = 0.25
PUMP_END_LIMIT_S = 60.0
KICK_OFF_TOLD_S = 2.0
WON_MICRO = 1_000_000
MARKETS = [
    ("1x2", ("home", "draw", "away")),
    ("total:2.5", ("over", "under")),
    ("btts", ("yes", "no")),
]
LAYOUT = MarketLayout.of_markets(MARKETS)
ODDS_MILLI = (2_100, 3_500, 3_600, 1_950, 1_950, 1_800, 2_100)


@dataclass
class ScriptedMatch:
    """What the provider says next; the pump says it several times a second."""

    fixture_id: str
    home_name: str
    away_name: str
    layout: MarketLayout = LAYOUT
    odds_milli: tuple[int, ...] = ODDS_MILLI
    sport: str = "football"
    told: fixture_pb2.MatchState | None = None
    """Of another sport than football: how it stands."""
    home_score: int = 0
    clock_seconds: int | None = None
    is_suspended: bool = False
    pending_results: list[feed_pb2.MarketResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.home_name} v {self.away_name}"

    def kick_off(self) -> None:
        self.clock_seconds = 61

    def move_home_price(self, decimal_odds_milli: int) -> None:
        self.odds_milli = (decimal_odds_milli, *self.odds_milli[1:])

    def quote_evenly(self, markets: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Quote these markets from now on, every outcome of one at the same odds."""
        self.layout = MarketLayout.of_markets(markets)
        winners = {market_id: 2 if market_id == "double_chance" else 1 for market_id, _ in markets}
        self.odds_milli = tuple(
            950 * len(outcomes) // winners[market_id] for market_id, outcomes in markets for _ in outcomes
        )

    def settle(self, market_id: str, winner: str) -> None:
        """Report the result of one market, of a match that is played: before its start nothing is settled."""
        if self.clock_seconds is None:
            self.kick_off()
            time.sleep(KICK_OFF_TOLD_S)
        outcome_ids = dict(MARKETS)[market_id]
        outcomes = [
            feed_pb2.OutcomeResult(
                outcome_id=outcome_id,
                win_factor_micro=WON_MICRO if outcome_id == winner else 0,
                dead_heat_factor_micro=WON_MICRO,
            )
            for outcome_id in outcome_ids
        ]
        result = feed_pb2.MarketResult(
            kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id=market_id, outcomes=outcomes, certainty=2
        )
        self.pending_results.append(result)

    def build_update(self) -> feed_pb2.FeedUpdate:
        results, self.pending_results = self.pending_results, []
        status = book_pb2.MARKET_STATUS_SUSPENDED if self.is_suspended else book_pb2.MARKET_STATUS_OPEN
        return feed_pb2.FeedUpdate(
            fixture_id=self.fixture_id,
            sequence=time.time_ns() // 1_000,
            provider_time_ms=time.time_ns() // 1_000_000,
            description=fixture_pb2.FixtureDescription(
                sport=self.sport,
                competition="Scripted League",
                home_name=self.home_name,
                away_name=self.away_name,
                start_time_ms=time.time_ns() // 1_000_000 + 300_000,
            ),
            state=self._state(),
            quotes=build_quotes(
                self.layout,
                market_statuses=np.full(self.layout.market_count, status, dtype=np.uint8),
                decimal_odds_milli=np.array(self.odds_milli, dtype=np.uint32),
                is_snapshot=True,
            ),
            results=results,
        )

    def _state(self) -> fixture_pb2.MatchState:
        if self.told is not None:
            return self.told
        if self.clock_seconds is None:
            return fixture_pb2.MatchState(
                status=fixture_pb2.FIXTURE_STATUS_PRE_MATCH, period=fixture_pb2.PERIOD_NOT_STARTED
            )
        self.clock_seconds += 1
        return fixture_pb2.MatchState(
            status=fixture_pb2.FIXTURE_STATUS_IN_PLAY,
            period=fixture_pb2.PERIOD_FIRST_HALF,
            home_score=self.home_score,
            clock_seconds=self.clock_seconds,
        )


@contextmanager
def playing(
    target: str, *, provider_id: str, api_key: str, direct: Callable[[ScriptedMatch], None] | None = None
) -> Iterator[ScriptedMatch]:
    """Yield a match that is priced until the end of the block; its names are its own, so that a search finds it.

    Args:
        target: Of the public door.
        provider_id: Who prices it.
        api_key: That one's.
        direct: Called with the match before anything is told of it.
    """
    key = uuid.uuid4().hex[:6]
    match = ScriptedMatch(f"browser:{uuid.uuid4().hex}", f"Rovers {key}", f"Albion {key}")
    if direct is not None:
        direct(match)
    is_over = threading.Event()
    pump = threading.Thread(target=lambda: asyncio.run(_pump(target, provider_id, api_key, match, is_over)))
    pump.start()
    try:
        yield match
    finally:
        is_over.set()
        pump.join(timeout=PUMP_END_LIMIT_S)


async def _pump(target: str, provider_id: str, api_key: str, match: ScriptedMatch, is_over: threading.Event) -> None:
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        feeder = Feeder(channel, provider_id=provider_id, api_key=api_key)
        running = asyncio.create_task(feeder.run())
        while not is_over.is_set():
            feeder.push(match.build_update())
            await asyncio.sleep(INTERVAL_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
