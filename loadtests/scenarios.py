"""The runs: what is loaded, for how long, and the figure to reach."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import asyncpg

from gateway.feeds.betfair import BetfairAdapter
from infra.kafka import KafkaOutlet
from infra.settings import ROOT, Settings
from loadtests.bet_load import BetLoad
from loadtests.feed_load import FeedLoad, fixture_ids
from loadtests.latency import LatencySummary, summarise
from loadtests.pacing import Schedule, now_us
from loadtests.settle_load import Crowd, Settling, gather_crowd
from loadtests.spin_load import SpinLoad
from loadtests.watch_load import Watcher

LEAD_US = 500_000
WARM_UP_S = 20.0  # the broker compiles its hot paths in this time
DRAIN_S = 2.0
FLUSH_LIMIT_S = 10.0
FIRST_BOOKS_LIMIT_S = 30.0
FEED_BESIDE_BETS_RATE = 200.0
FEED_BESIDE_SETTLING_RATE = 10.0
BETTORS = 100
SPIN_SPACING_S = 3.0  # more than the least time between two spins of a player
SETTLED_BETS = 10_000
ALONE_S = 8.0
BESIDE_S = 8.0
REPLAY_ROUNDS = 5
RECORDING = ROOT.parent / "shared" / "data" / "betfair" / "1.200806927"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """What a run of feed load showed."""

    rate: float
    latency: LatencySummary
    missing: int


@dataclass(frozen=True, slots=True)
class BetFigures:
    """What a run of bets showed."""

    rate: float
    latency: LatencySummary
    answers: dict[str, int]
    # Accepted according to the clients and not in the ledger, and in the ledger more often than accepted.
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class SpinFigures:
    """What a run of spins showed."""

    rate: float
    latency: LatencySummary
    answers: dict[str, int]
    # Told to a client and not in the ledger so, and in the ledger without being told.
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class SettlingFigures:
    """What a run of bets beside a market that is settled showed."""

    bet_count: int
    alone: LatencySummary
    beside: LatencySummary
    answers: dict[str, int]
    settling_s: list[float]


async def load_feed(settings: Settings, *, rate: float, seconds: float, watchers: int, say: Say) -> FeedFigures:
    """Send feed updates at a rate and measure how long each takes to a client's stream."""
    async with _feed(settings) as (feed, known):
        clients = [Watcher(_target(settings), known) for _ in range(watchers)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        feed.announce()
        async with asyncio.timeout(FIRST_BOOKS_LIMIT_S):
            for client in clients:
                await client.first_books.wait()
        say(f"warming up at {rate:.0f}/s")
        await feed.run(Schedule(now_us() + LEAD_US, rate, int(rate * WARM_UP_S)))
        say(f"{rate:.0f} updates/s for {seconds:.0f} s")
        schedule = Schedule(now_us() + LEAD_US, rate, int(rate * seconds))
        await feed.run(schedule)
        await asyncio.sleep(DRAIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        latencies_us, missing = [], 0
        for client in clients:
            found_us, absent = client.latencies_us(schedule)
            latencies_us += found_us
            missing += absent
        return FeedFigures(rate, summarise(latencies_us), missing)


async def load_bets(settings: Settings, *, rate: float, seconds: float, say: Say) -> BetFigures:
    """Place single bets at a rate beside a steady feed; then compare what clients were told with the ledger."""
    async with _feed(settings) as (feed, known):
        feed.announce()
        load = BetLoad(_target(settings), known)
        say(f"registering {BETTORS} players")
        async with _fed(feed, rate=FEED_BESIDE_BETS_RATE):
            await load.register(BETTORS)
            await load.read_prices()
            say(f"{rate:.0f} bets/s for {seconds:.0f} s")
            await load.run(Schedule(now_us() + LEAD_US, rate, int(rate * seconds)))
        await load.close()
        lost, doubled = await _compare(settings, load)
        return BetFigures(rate, summarise(load.latencies_us), dict(load.answers), lost, doubled)


async def load_spins(settings: Settings, *, rate: float, seconds: float, say: Say) -> SpinFigures:
    """Spin a game at a rate; then compare what clients were told with the ledger."""
    load, players = SpinLoad(_target(settings)), int(rate * SPIN_SPACING_S)
    say(f"registering {players} players")
    await load.register(players)
    say(f"{rate:.0f} spins/s for {seconds:.0f} s")
    await load.run(Schedule(now_us() + LEAD_US, rate, int(rate * seconds)))
    await load.close()
    stored = await _fetch(settings, "SELECT request_id::text AS request_id, round_id::text AS id FROM casino.round")
    lost, doubled = _differences(load.played, stored)
    return SpinFigures(rate, summarise(load.latencies_us), dict(load.answers), lost, doubled)


async def load_bets_beside_settling(settings: Settings, *, rate: float, rounds: int, say: Say) -> SettlingFigures:
    """Place single bets at a rate, by turns alone and while a market of very many other bets is settled."""
    async with _feed(settings) as (feed, known), gather_crowd(settings) as crowd:
        feed.announce()
        load = BetLoad(_target(settings), known)
        say(f"registering {BETTORS} players")
        async with _fed(feed, rate=FEED_BESIDE_SETTLING_RATE):
            await load.register(BETTORS)
            await load.read_prices()
            settlings = [await _settle_beside(settings, load, crowd, rate=rate, say=say) for _ in range(rounds)]
        await load.close()
        timed = list(zip(load.dues_us, load.latencies_us, strict=True))
        # What was placed before the first result of a round, or after the last bet of it is settled, was alone.
        beside = [us for due, us in timed if any(s.begun_us <= due <= s.ended_us for s in settlings)]
        alone = [us for due, us in timed if not any(s.begun_us <= due + us and due <= s.ended_us for s in settlings)]
        return SettlingFigures(
            SETTLED_BETS,
            summarise(alone),
            summarise(beside),
            dict(load.answers),
            [(s.ended_us - s.begun_us) / 1e6 for s in settlings],
        )


@asynccontextmanager
async def _fed(feed: FeedLoad, *, rate: float) -> AsyncIterator[None]:
    """Keep prices coming: a provider that falls silent takes its books out of play."""
    feeding = asyncio.create_task(feed.run(Schedule(now_us(), rate, 10**9)))
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _settle_beside(settings: Settings, load: BetLoad, crowd: Crowd, *, rate: float, say: Say) -> Settling:
    fixture_id = f"load:settled:{uuid.uuid4().hex[:8]}"
    say(f"placing {SETTLED_BETS} bets on one market")
    await crowd.place(fixture_id, SETTLED_BETS)
    await asyncio.sleep(DRAIN_S)
    say(f"{rate:.0f} bets/s alone, then beside its settlement")
    schedule = Schedule(now_us() + LEAD_US, rate, int(rate * (ALONE_S + BESIDE_S)))
    betting = asyncio.create_task(load.run(schedule))
    await asyncio.sleep(LEAD_US / 1e6 + ALONE_S)
    outlet = KafkaOutlet(settings.kafka_client, client_id="loadtest-results", delivery_timeout_ms=10_000)
    try:
        settling = await crowd.settle(outlet, fixture_id)
    finally:
        outlet.close()
    await betting
    return settling


def replay_rates() -> list[float]:
    """Return the updates a second of each reading of the recorded market through adapter and normaliser."""
    lines = RECORDING.read_bytes().splitlines()
    return [_replay_once(lines) for _ in range(REPLAY_ROUNDS)]


def _replay_once(lines: list[bytes]) -> float:
    adapter = BetfairAdapter()
    begun_s = perf_counter()
    for line in lines:
        for update in adapter.read(line).updates:
            update.SerializeToString()
    return len(lines) / (perf_counter() - begun_s)


async def _compare(settings: Settings, load: BetLoad) -> tuple[int, int]:
    stored = await _fetch(settings, "SELECT request_id::text AS request_id, bet_id::text AS id FROM bets.bet")
    return _differences(load.accepted, stored)


async def _fetch(settings: Settings, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def _differences(told: dict[str, str], stored: list[asyncpg.Record]) -> tuple[int, int]:
    by_request = {row["request_id"]: row["id"] for row in stored}
    lost = sum(1 for request_id, told_id in told.items() if by_request.get(request_id) != told_id)
    return lost, len(stored) - len(told) + lost


def _target(settings: Settings) -> str:
    return f"{settings.host}:{settings.ports.web}"


@asynccontextmanager
async def _feed(settings: Settings) -> AsyncIterator[tuple[FeedLoad, list[str]]]:
    outlet = KafkaOutlet(settings.kafka_client, client_id="loadtest", delivery_timeout_ms=10_000)
    run_id = uuid.uuid4().hex[:8]
    try:
        yield FeedLoad(outlet, run_id=run_id), fixture_ids(run_id)
        await outlet.flush(FLUSH_LIMIT_S)
    finally:
        outlet.close()
