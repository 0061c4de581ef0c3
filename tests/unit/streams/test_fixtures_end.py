"""A fixture ends once, for everybody who holds something of it: ten thousand leave nothing behind."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, cast

import numpy as np
import pytest

from gateway.books import BookCache
from gateway.desk_feed import DeskFeed
from gateway.desk_losses import DeskLosses
from kernel.log import OnDelivery, Record
from markets.fixture import FixtureStatus, MatchState
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state
from odds.folding.fold import fold
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import fixture_pb2
from overround.risk.v1 import risk_pb2
from streams.fixtures import Fixtures
from streams.liability import LiabilityAgent
from streams.liability_ends import LOOK_INTERVAL_S, QUIET_US
from streams.pricing_eviction import Eviction
from tests.builders.pricing_world import update
from tests.fakes.fake_betting import FakeExposure
from tests.fakes.fake_faust import FakeApp, eventually
from tests.fakes.fake_liability import FakeLiabilityCopy, FakeLiabilityLog
from tests.fakes.fake_outlet import FakeOutlet
from tests.fakes.pricing_bench import PACE, START_US, Bench, FakeFixturesWithBets, FakePricingClock, PricingOutlet
from tests.left_behind import find_left_behind
from tests.unit.gateway.test_desk_losses import NoNames
from wire.feed import build_quotes
from wire.topics import BET_LEGS, BOOKS, EXPLANATIONS, FEED_UPDATES, LIABILITIES

FIXTURES, FIXTURES_LONG = 1_000, 10_000
WAVE = 500
PREFIX = "soak:"
LAYOUT = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])
COMPACTED = (BOOKS.name, EXPLANATIONS.name, LIABILITIES.name)
FOOTBALL = fixture_pb2.FixtureDescription(sport="football")
ENDED = fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_ENDED)
QUOTES = build_quotes(
    LAYOUT,
    market_statuses=np.ones(1, dtype=np.uint8),
    decimal_odds_milli=np.array((2_100, 3_400, 3_600), dtype=np.uint32),
    is_snapshot=True,
)


class JumpingClock(FakePricingClock):
    """The loop's time, and what it was put on by."""

    def now_us(self) -> int:
        return self.time_us + int(self.monotonic_s() * 1e6)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + (self.time_us - START_US) / 1e6


class CompactedLog(PricingOutlet):
    """The newest of each key, and what came since somebody read it."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: dict[str, dict[str, bytes]] = {topic: {} for topic in COMPACTED}
        self.unread: list[Record] = []

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        if topic in self.newest:
            self.unread.append(Record(topic, 0, len(self.unread), 0, key, value))
            if value is None:
                self.newest[topic].pop(key, None)
            else:
                self.newest[topic][key] = value
        if on_delivery is not None:
            on_delivery(None)

    async def send_and_wait(self, topic: str, key: str, value: bytes | None) -> None:
        self.send(topic, key, value)

    def read(self) -> list[Record]:
        records, self.unread = self.unread, []
        return records


class CopyOfLiability(FakeLiabilityCopy):
    """Also says who has open bets, as pricing asks it."""

    async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
        held = {name: risk_pb2.FixtureLiability.FromString(self.values.get(name, b"")) for name in fixture_ids}
        return {name for name, liability in held.items() if liability.markets}


class Season:
    """Pricing, risk and a gateway around one log; fixtures begin and end in waves."""

    def __init__(self) -> None:
        self.clock = JumpingClock()
        self.log, self.copy = CompactedLog(), CopyOfLiability()
        self.pricing = Bench()
        self.pricing.clock, self.pricing.outlet, self.pricing.open_bets = self.clock, self.log, self.copy
        self.legs = FakeApp()
        self.ledger = FakeFixturesWithBets()
        self.risk = LiabilityAgent(
            outlet=self.log,
            copy=self.copy,
            published=FakeLiabilityLog(),
            exposure=FakeExposure(),
            priced=self,
            ledger=self.ledger,
            clock=self.clock,
            currency="EUR",
            interval_s=0,
        )
        self.risk.attach(cast("Any", self.legs))
        self.books = BookCache(
            clock=self.clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1, watchers_max=5
        )
        self.desk = DeskFeed(names=NoNames(), watchers_max=2)
        self.losses = DeskLosses(books=self.books, feed=self.desk, clock=self.clock)
        self.stream = self.books.watch(frozenset())
        self.screen = self.desk.watch()
        self.leg_count = 0

    @property
    def views(self) -> Iterator[object]:
        agent = self.pricing.agent
        assert agent is not None
        for part in ("_fixtures", "_waiting", "_watch", "_publisher", "_keeper", "_eviction", "_forced", "_progress"):
            yield getattr(agent, part)
        yield from (getattr(self.risk, part) for part in ("_partitions", "_ends", "_inbox"))
        yield from (self.books, self.desk, self.losses, self.stream, self.screen)

    async def without_book(self, fixture_ids: Collection[str]) -> set[str]:
        return set(fixture_ids) - self.pricing.store.newest.keys()

    def quote(self, names: Iterable[str]) -> None:
        for name in names:
            self._tell(feed_pb2.FeedUpdate(quotes=QUOTES, description=FOOTBALL), name)

    def end(self, names: Iterable[str]) -> None:
        for name in names:
            self._tell(feed_pb2.FeedUpdate(state=ENDED), name)

    def bet(self, names: Iterable[str], *, kind: bet_pb2.BetEvent.Kind.ValueType) -> None:
        sign = 1 if kind == bet_pb2.BetEvent.KIND_ACCEPTED else -1
        for name in names:
            self.leg_count += 1
            leg = bet_pb2.LegChanged(
                position=outbox_pb2.OutboxPosition(transaction_id=5, row_id=self.leg_count),
                bet_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
                leg=bet_pb2.Leg(fixture_id=name, market_id="1x2", outcome_id="home"),
                stake_minor=sign * 100,
                potential_return_minor=sign * 210,
                currency="EUR",
                kind=kind,
            )
            self.legs.deliver(BET_LEGS.name, self.leg_count, leg.SerializeToString())

    async def settle_down(self) -> None:
        """Wait until all that was told is worked off, and let the gateway read it."""
        taken = self.pricing.app.offset
        await eventually(lambda: len(self.pricing.app.acknowledged) == taken)
        await eventually(lambda: len(self.legs.acknowledged) == self.leg_count)
        self.read()

    def read(self) -> None:
        records = self.log.read()
        self.books.apply([record for record in records if record.topic == BOOKS.name])
        self.desk.apply_liabilities(records)
        self.losses.take_turn(self.stream)
        while self.stream.has_news:
            self.losses.take_turn(self.stream)
        while self.screen.has_news:
            self.screen.take()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let a minute pass again and again until the condition holds."""
        async with asyncio.timeout(60):
            while not condition():
                self.clock.time_us += int(LOOK_INTERVAL_S * 1e6)
                await asyncio.sleep(0.3)

    async def __aenter__(self) -> Season:
        await self.pricing.start()
        await self.legs.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.legs.__aexit__()
        await self.pricing.stop()

    def _tell(self, message: feed_pb2.FeedUpdate, name: str) -> None:
        self.pricing.sequence += 1
        message.provider_id, message.fixture_id, message.sequence = "alpha", name, self.pricing.sequence
        message.received_time_us = self.pricing.app.appended_us = self.clock.now_us()
        self.pricing.app.deliver(FEED_UPDATES.name, name, message.SerializeToString())


async def test_fixtures_that_begin_and_end_leave_nothing_behind(request: pytest.FixtureRequest) -> None:
    fixture_count = FIXTURES_LONG if request.config.getoption("long") else FIXTURES
    async with Season() as season:
        for begin in range(0, fixture_count, WAVE):
            names = [f"{PREFIX}{number}" for number in range(begin, begin + WAVE)]
            season.quote(names)
            season.bet(names, kind=bet_pb2.BetEvent.KIND_ACCEPTED)
            await season.settle_down()
            assert all(len(season.log.newest[topic]) >= WAVE for topic in COMPACTED)
            season.end(names)
            season.bet(names, kind=bet_pb2.BetEvent.KIND_SETTLED)
            await season.settle_down()
            assert find_left_behind(list(season.views), PREFIX) >= set(names)
            season.clock.time_us += PACE.retention_us + QUIET_US
            await season.wait_until(lambda: not any(season.log.newest.values()))
        await eventually(lambda: not season.pricing.store.newest and not season.copy.values)
        season.read()
        await season.wait_until(lambda: not find_left_behind(list(season.views), PREFIX))


async def test_a_fixture_with_an_open_bet_is_forgotten_by_nobody() -> None:
    name = f"{PREFIX}open"
    async with Season() as season:
        season.ledger.fixture_ids = {name}
        season.quote([name])
        season.bet([name], kind=bet_pb2.BetEvent.KIND_ACCEPTED)
        await season.settle_down()
        season.end([name])
        await season.settle_down()
        season.clock.time_us += PACE.retention_us + QUIET_US
        await asyncio.sleep(1.5)
        assert all(list(season.log.newest[topic]) == [name] for topic in COMPACTED)

        season.bet([name], kind=bet_pb2.BetEvent.KIND_SETTLED)
        await season.settle_down()
        await season.wait_until(lambda: name not in season.log.newest[BOOKS.name])
        assert name in season.log.newest[LIABILITIES.name]
        season.clock.time_us += QUIET_US
        await season.wait_until(lambda: not season.log.newest[LIABILITIES.name])


async def test_a_bet_that_comes_back_after_the_end_is_counted_and_ends_again() -> None:
    name = f"{PREFIX}again"
    async with Season() as season:
        season.bet([name], kind=bet_pb2.BetEvent.KIND_ACCEPTED)
        season.bet([name], kind=bet_pb2.BetEvent.KIND_SETTLED)
        await season.settle_down()
        for kinds in ((bet_pb2.BetEvent.KIND_ACCEPTED, bet_pb2.BetEvent.KIND_SETTLED), ()):
            season.clock.time_us += QUIET_US
            await season.wait_until(lambda: not season.log.newest[LIABILITIES.name] and not season.copy.values)
            for kind in kinds:
                season.bet([name], kind=kind)
                await season.settle_down()
                assert name in season.log.newest[LIABILITIES.name]


def ended_state() -> FixtureState:
    told = update(state=MatchState(FixtureStatus.ENDED), at_us=START_US)
    return fold(new_state(told.fixture_id), told)


async def test_no_fixture_ends_while_nobody_can_say_who_has_open_bets() -> None:
    fixtures, open_bets, clock = Fixtures(), FakeFixturesWithBets(is_away=True), FakePricingClock()
    ended: list[str] = []
    eviction = Eviction(
        FakeOutlet(),
        open_bets,
        fixtures=fixtures,
        clock=clock,
        retention_us=1_000,
        on_ended=ended.extend,
        on_forgotten=lambda _: None,
    )
    fixtures.keep(ended_state(), 0)
    clock.time_us += 2_000
    await eviction.look()
    assert (ended, open_bets.asked) == ([], ["match"])
    open_bets.is_away = False
    await eviction.look()
    assert ended == ["match"]


async def test_a_fixture_of_which_something_is_told_while_we_ask_goes_on() -> None:
    fixtures, clock = Fixtures(), FakePricingClock()
    ended: list[str] = []

    class News(FakeFixturesWithBets):
        async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
            told = update(state=MatchState(FixtureStatus.IN_PLAY), at_us=clock.time_us)
            fixtures.keep(fold(fixtures.state_of("match"), told), 0)
            return set()

    eviction = Eviction(
        FakeOutlet(),
        News(),
        fixtures=fixtures,
        clock=clock,
        retention_us=1_000,
        on_ended=ended.extend,
        on_forgotten=lambda _: None,
    )
    fixtures.keep(ended_state(), 0)
    clock.time_us += 2_000
    await eviction.look()
    assert ended == []
    assert "match" in fixtures
