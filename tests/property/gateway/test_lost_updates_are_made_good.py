"""Whatever subset of a provider's updates is lost on the way to the log, and however often: it ends as without loss."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, cast

import numpy as np
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from gateway.feed_service import FeedService, PushLimits
from gateway.feeds.intake import Intake
from gateway.feeds.ports import Cursor, LoggedUpdate, Provider, StreamSuperseded
from gateway.rpc.call import Call
from infra.kafka_groups import MessageGroups, Outgoing
from kernel.log import DeliveryFailed, OnDelivery
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state
from odds.folding.fold import fold, is_duplicate, is_late
from odds.folding.providers import ProviderBoard
from overround.feed.v1 import feed_pb2
from overround.feed.v1.feed_service_pb2 import PushRequest
from overround.odds.v1.fixture_pb2 import FIXTURE_STATUS_IN_PLAY as IN_PLAY
from overround.odds.v1.fixture_pb2 import PERIOD_FIRST_HALF as FIRST_HALF
from overround.odds.v1.fixture_pb2 import MatchState
from tests.fakes.fake_clock import FakeClock
from tests.tries import tries
from wire.feed import build_quotes, build_results, parse_sign, parse_update
from wire.results import result_keys
from wire.topics import FEED_PROVIDERS, FEED_UPDATES

ALPHA = Provider("alpha", 600_000)
MARKETS = ("1x2", "total:2.5", "btts")
CALL = Call(metadata=(("x-api-key", "key"),), address="192.0.2.1", session=None)
LIMITS = PushLimits(in_flight_updates_max=100, idle_timeout_ms=60_000, acknowledge_interval_ms=1)
ATTEMPTS_MAX = 60
PROMPT_S, SLOW_S = 0.001, 0.02
OPEN, CLOSED = 1, 3
AGAIN, ELSEWHERE, BACKWARDS = "again", "elsewhere", "backwards"
LOST = KafkaError(KafkaError._MSG_TIMED_OUT)


@dataclass
class Broker:
    """Confirms a turn later, in order, and loses the updates whose turn it is to be lost."""

    losses: list[bool]
    records: list[tuple[str, bytes]] = field(default_factory=list)
    under_way: list[tuple[str, bytes, Callable[..., None]]] = field(default_factory=list)

    def produce(self, topic: str, value: bytes | None, key: str, *, on_delivery: Callable[..., None]) -> None:
        self.under_way.append((topic, value or b"", on_delivery))

    def settle(self) -> None:
        handed, self.under_way = self.under_way, []
        for topic, value, on_delivery in handed:
            if topic == FEED_UPDATES.name and self.losses and self.losses.pop(0):
                on_delivery(LOST, None)
            else:
                self.records.append((topic, value))
                on_delivery(None, None)

    # What a stream reads back.

    async def updates_of(self, provider_id: str, *, since_ms: int, until_ms: int) -> Collection[LoggedUpdate]:
        updates = [feed_pb2.FeedUpdate.FromString(value) for topic, value in self.records if topic == FEED_UPDATES.name]
        return [LoggedUpdate(update.epoch, update.sequence, update.fixture_id) for update in updates]

    async def last_sign(self, provider_id: str) -> feed_pb2.ProviderHeartbeat | None:
        signs = [value for topic, value in self.records if topic == FEED_PROVIDERS.name]
        return feed_pb2.ProviderHeartbeat.FromString(signs[-1]) if signs else None


class Cursors:
    def __init__(self) -> None:
        self.epoch, self.sequence, self.is_exact = 0, 0, True

    async def begin(self, provider_id: str, *, now_ms: int) -> Cursor:
        self.epoch += 1
        cursor = Cursor(self.epoch, self.sequence, self.is_exact, now_ms)
        self.is_exact = False
        return cursor

    async def move(
        self, provider_id: str, *, epoch: int, acknowledged_sequence: int, is_exact: bool, now_ms: int
    ) -> None:
        if epoch != self.epoch:
            raise StreamSuperseded("another stream has begun")
        self.sequence, self.is_exact = max(self.sequence, acknowledged_sequence), is_exact


class Keys:
    async def find_provider(self, api_key: str) -> Provider | None:
        return ALPHA


class Outlet:
    def __init__(self, broker: Broker, now_s: Callable[[], float]) -> None:
        self.groups = MessageGroups(broker, waiting_max=1_000, waiting_bytes_max=10**7, monotonic_s=now_s)

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        self.groups.send(Outgoing(topic, key, value, on_delivery))


class World:
    """A provider that sends on until all of it is acknowledged, through gateways that come and go."""

    def __init__(self, losses: Sequence[bool], *, gathers: bool, delays_s: Sequence[float] = ()) -> None:
        self.clock = FakeClock(1_800_000_000_000_000, step_us=1)
        self.broker = Broker(list(losses))
        self.cursors = Cursors()
        self.outlet = Outlet(self.broker, (lambda: 0.0) if gathers else self.clock.monotonic_s)
        self.gateway = self.open_gateway()
        self.delays_s = delays_s
        self.sent_count = 0
        self.is_closed = False

    def open_gateway(self) -> FeedService:
        intake = Intake(outlet=self.outlet, clock=self.clock)
        return FeedService(
            keys=Keys(), cursors=self.cursors, log=self.broker, intake=intake, clock=self.clock, limits=LIMITS
        )

    async def deliver(self, updates: Sequence[feed_pb2.FeedUpdate], *, ways: Sequence[str]) -> None:
        """Push; after a loss to another gateway, or first in the wrong order, as `ways` says."""
        pumping = asyncio.create_task(self.pump())
        for attempt in range(ATTEMPTS_MAX):
            way = ways[attempt - 1] if 0 < attempt <= len(ways) else AGAIN
            if way == ELSEWHERE:
                # What it was not sent, and the log has not, it takes for new: no provider may leave out what is before.
                self.gateway, self.sent_count = self.open_gateway(), 0
            if await self.push(updates, is_backwards=way == BACKWARDS):
                break
        else:
            raise AssertionError("never acknowledged")
        await self.gateway.close()
        self.is_closed = True
        await pumping

    async def pump(self) -> None:
        for delay_s in chain(self.delays_s, repeat(PROMPT_S)):
            await asyncio.sleep(delay_s)
            self.broker.settle()
            if self.is_closed and not len(self.outlet.groups):
                return

    async def push(self, updates: Sequence[feed_pb2.FeedUpdate], *, is_backwards: bool) -> bool:
        resumed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def requests() -> AsyncIterator[bytes]:
            behind = await resumed
            for update in reversed(updates[behind : self.sent_count]) if is_backwards else updates[behind:]:
                yield PushRequest(update=update).SerializeToString()
                self.sent_count = max(self.sent_count, update.sequence)
                await asyncio.sleep(0)
            if is_backwards:
                return
            await asyncio.Event().wait()

        responses = self.gateway.push(requests(), CALL)
        try:
            async for response in responses:
                if not resumed.done():
                    resumed.set_result(response.acknowledged_sequence)
                assert is_backwards or not response.refusals
                if response.acknowledged_sequence == len(updates):
                    return True
        except DeliveryFailed:
            return False
        finally:
            await cast("Any", responses).aclose()
        return False


class Pricing:
    """What pricing makes of the log, record by record."""

    def __init__(self) -> None:
        self.states: dict[str, FixtureState] = {}
        self.board = ProviderBoard(default_timeout_us=10**15)
        self.result_by_market: dict[tuple[str, str], int] = {}
        self.applied_keys: set[str] = set()
        self.first_epochs: dict[int, int] = {}
        self.epoch = 0
        self.time_us = 0

    def read(self, topic: str, value: bytes) -> None:
        self.time_us += 1
        if topic == FEED_PROVIDERS.name:
            sign = feed_pb2.ProviderHeartbeat.FromString(value)
            self.epoch = sign.epoch
            self.board.note_sign(parse_sign(sign))
        elif topic == FEED_UPDATES.name:
            self._fold(feed_pb2.FeedUpdate.FromString(value))

    def is_up(self) -> bool:
        return self.board.is_up("alpha", now_us=1_800_000_001_000_000)

    def _fold(self, message: feed_pb2.FeedUpdate) -> None:
        update = parse_update(message, appended_time_us=self.time_us)
        self.epoch = update.epoch
        self.first_epochs.setdefault(update.sequence, update.epoch)
        self.board.note_update(
            "alpha", update.received_time_us, epoch=update.epoch, is_catching_up=update.is_catching_up
        )
        state = self.states.get(update.fixture_id, new_state(update.fixture_id))
        if not is_late(state, update):
            self._settle(build_results(message))
        self.states[update.fixture_id] = state if is_duplicate(state, update) else fold(state, update)

    def _settle(self, results: feed_pb2.FixtureResults) -> None:
        for key, result in zip(result_keys(results), results.results, strict=True):
            if key not in self.applied_keys:
                self.applied_keys.add(key)
                self.result_by_market[results.fixture_id, result.market_id] = result.kind

    def told(self, *, without: Collection[tuple[str, str]]) -> dict[str, Any]:
        told = {fixture_id: _told_of(state) for fixture_id, state in self.states.items()}
        for fixture_id, market_id in without:
            told[fixture_id]["markets"].pop(market_id, None)
        return told

    def overtaken(self) -> set[tuple[str, str]]:
        """Return the markets whose result came before their prices: kept out of the book until a person has looked."""
        return {
            (fixture_id, market_id) for fixture_id, state in self.states.items() for market_id in state.decided_markets
        }


def _told_of(state: FixtureState) -> dict[str, Any]:
    (provider,) = state.providers
    markets: dict[str, Any] = {}
    for index, market_id in enumerate(state.layout.market_ids):
        odds = provider.decimal_odds_milli[state.layout.offsets[index] : state.layout.offsets[index + 1]]
        markets[market_id] = (
            int(provider.market_statuses[index]),
            int(provider.bet_stops[index]),
            int(state.result_statuses[index]),
            dict(zip(state.layout.outcome_ids_of(index), odds.tolist(), strict=True)),
        )
    return {"markets": markets, "state": state.state, "sequence": provider.sequence}


@st.composite
def feeds(draw: st.DrawFn) -> list[feed_pb2.FeedUpdate]:
    """A provider's updates about two fixtures: prices, suspensions, bet-stops, goals, results and their rollbacks."""
    updates = [
        feed_pb2.FeedUpdate(fixture_id=fixture_id, sequence=sequence, quotes=_quotes(MARKETS, OPEN, 1_400))
        for sequence, fixture_id in enumerate(("f1", "f2"), 1)
    ]
    goals: defaultdict[str, int] = defaultdict(int)
    for sequence in range(3, draw(st.integers(3, 9)) + 1):
        fixture_id = draw(st.sampled_from(["f1", "f2"]))
        update = feed_pb2.FeedUpdate(fixture_id=fixture_id, sequence=sequence)
        for kind in draw(st.sets(st.sampled_from(["quotes", "stop", "state", "result"]), min_size=1)):
            market_id = draw(st.sampled_from(MARKETS))
            if kind == "quotes":
                update.quotes.CopyFrom(_quotes((market_id,), draw(st.integers(OPEN, CLOSED)), 1_500 + sequence))
            elif kind == "stop":
                update.bet_stop.market_ids.extend(draw(st.sampled_from([[], [market_id]])))
            elif kind == "state":
                goals[fixture_id] += 1
                update.state.CopyFrom(MatchState(status=IN_PLAY, period=FIRST_HALF, home_score=goals[fixture_id]))
            else:
                update.results.append(_result(market_id, draw(st.sampled_from(feed_pb2.ResultKind.values()[1:]))))
        updates.append(update)
    return updates


def _result(market_id: str, kind: feed_pb2.ResultKind.ValueType) -> feed_pb2.MarketResult:
    won = feed_pb2.OutcomeResult(outcome_id="yes", win_factor_micro=1_000_000, dead_heat_factor_micro=1_000_000)
    outcomes = [won] if kind == feed_pb2.RESULT_KIND_SETTLEMENT else []
    return feed_pb2.MarketResult(kind=kind, market_id=market_id, outcomes=outcomes)


def _quotes(market_ids: Sequence[str], status: int, odds_milli: int) -> feed_pb2.Quotes:
    layout = MarketLayout.of_markets([(market_id, ("yes", "no")) for market_id in market_ids])
    return build_quotes(
        layout,
        market_statuses=np.full(layout.market_count, status, dtype=np.uint8),
        decimal_odds_milli=np.full(layout.outcome_count, odds_milli, dtype=np.uint32),
        is_snapshot=False,
    )


def price_all(records: Sequence[tuple[str, bytes]]) -> Pricing:
    pricing = Pricing()
    for topic, value in records:
        was_up = pricing.is_up()
        pricing.read(topic, value)
        if pricing.is_up() and not was_up:
            # Of this stream's own something may be lost just now, as of any stream: a sign that says so is behind it.
            brought_before = [sequence for sequence, epoch in pricing.first_epochs.items() if epoch < pricing.epoch]
            assert pricing.first_epochs.keys() >= set(range(1, max(brought_before, default=0) + 1))
    return pricing


@given(
    updates=feeds(),
    losses=st.lists(st.booleans(), max_size=24),
    ways=st.lists(st.sampled_from([AGAIN, ELSEWHERE, BACKWARDS]), max_size=6),
    gathers=st.booleans(),
    delays_s=st.lists(st.sampled_from([PROMPT_S, SLOW_S]), max_size=12),
)
@tries(50)
def test_it_ends_as_without_loss(
    updates: list[feed_pb2.FeedUpdate], losses: list[bool], ways: list[str], gathers: bool, delays_s: list[float]
) -> None:
    spared = World([], gathers=gathers)
    asyncio.run(spared.deliver(updates, ways=[]))
    struck = World(losses, gathers=gathers, delays_s=delays_s)
    asyncio.run(struck.deliver(updates, ways=ways))
    expected, found = price_all(spared.broker.records), price_all(struck.broker.records)
    overtaken = found.overtaken()
    assert overtaken <= expected.result_by_market.keys()
    assert found.told(without=overtaken) == expected.told(without=overtaken)
    assert found.result_by_market == expected.result_by_market
    assert found.is_up()
