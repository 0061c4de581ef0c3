"""A pricing agent on hand-written fakes of all it talks to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from faust.types import TP

from kernel.errors import Part, Unavailable
from kernel.log import Record
from odds.fixture.book import Book
from odds.pricing.policy import PricingPolicy
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from streams.ports import EncodedFixture, EncodedPair, OpenBets, StoredBooks
from streams.pricing import PricingAgent
from streams.pricing_pace import PricingPace
from tests.builders.pricing_world import FAIR_ISH, FOOTBALL, quotes
from tests.fakes.fake_faust import FakeEvent, FakeMessage, FakeSignal, FakeStream, eventually
from tests.fakes.fake_outlet import FakeOutlet
from wire.books import parse_book
from wire.feed import build_quotes
from wire.topics import BOOKS, FEED_UPDATES, HEARTBEATS, TRADING_COMMANDS

START_US = 1_800_000_000_000_000
PACE = PricingPace(spacing_s_max=0.001, batch_fixtures_max=16, retention_us=10**12)


@dataclass
class FakePricingMessage(FakeMessage):
    key: bytes = b""
    timestamp: float = 0.0


class FakeSpacing:
    def __init__(self) -> None:
        self.seconds = 0.0


class FakeConsumer:
    def __init__(self) -> None:
        self.ends: dict[TP, int] = {}
        self.is_fetching = True
        self.known_us = 10**18

    async def begun_at(self, places: Sequence[TP]) -> dict[TP, int]:
        return dict.fromkeys(places, 0)

    def end_known_us(self, place: TP) -> int | None:
        return self.known_us if self.is_fetching else None

    def highwater(self, place: TP) -> int | None:
        return self.ends.get(place, 0) if self.is_fetching else None


class FakePricingApp:
    """The part of Faust that the agent touches."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self.stream = FakeStream()
        self.consumer = FakeConsumer()
        self.on_partitions_assigned = FakeSignal()
        self.on_partitions_revoked = FakeSignal()
        self.functions: list[Callable[[], Any]] = []
        self.offset = 0
        self.appended_us = START_US

    def topic(self, *names: str) -> tuple[str, ...]:
        return names

    def agent(self, topics: tuple[str, ...], *, name: str) -> Callable[[Callable[[FakeStream], Any]], None]:
        return lambda function: self.functions.append(lambda: function(self.stream))

    def task(self, function: Callable[[], Any]) -> None:
        self.functions.append(function)

    def deliver(self, topic: str, key: str, value: bytes) -> int:
        self.offset += 1
        message = FakePricingMessage(topic, 0, self.offset, value, key.encode(), self.appended_us / 1e6)
        self.stream.queue.put_nowait(FakeEvent(message, self.acknowledged))
        return self.offset


class PricingOutlet(FakeOutlet):
    """Fails no heartbeat, which come as time goes by."""

    def __init__(self) -> None:
        super().__init__(never_failing=HEARTBEATS.name)

    def books(self) -> list[Book]:
        return [parse_book(book_pb2.Book.FromString(value)) for value in self.values_of(BOOKS.name)]


class FakeBookStore:
    def __init__(self) -> None:
        self.newest: dict[str, EncodedFixture] = {}
        self.puts = 0
        self.whole: dict[int, int] = {}
        self.is_away = False

    async def put(self, fixtures: Sequence[EncodedFixture]) -> None:
        self._answer()
        self.puts += 1
        self.newest.update({fixture.fixture_id: fixture for fixture in fixtures})

    async def load(self, partitions: Collection[int]) -> StoredBooks:
        self._answer()
        pairs = {key: EncodedPair(item.partition, item.book, item.explanation) for key, item in self.newest.items()}
        return StoredBooks(pairs, self.whole)

    async def mark_whole(self, until_ms_by_partition: Mapping[int, int]) -> None:
        self._answer()
        self.whole.update(until_ms_by_partition)

    async def missing(self, partitions: Collection[int]) -> set[int]:
        self._answer()
        return set(partitions) - self.whole.keys()

    async def forget(self, partition_by_fixture: Mapping[str, int]) -> None:
        self._answer()
        for fixture_id in partition_by_fixture:
            self.newest.pop(fixture_id, None)

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable(Part.BOOKS, "away")


@dataclass
class FakeFixturesWithBets:
    """Says who has open bets, or cannot."""

    fixture_ids: set[str] = field(default_factory=set)
    is_away: bool = False
    asked: list[str] = field(default_factory=list)

    async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
        self.asked += fixture_ids
        if self.is_away:
            raise Unavailable(Part.LIABILITY, "away")
        return self.fixture_ids & set(fixture_ids)


@dataclass
class FakePublished:
    """What an earlier worker published, as the log has it."""

    pairs: dict[str, EncodedPair] = field(default_factory=dict)
    asked: list[Mapping[int, int]] = field(default_factory=list)

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        self.asked.append(since_ms_by_partition)
        return self.pairs


class FakeProviderLog:
    def __init__(self) -> None:
        self.is_caught_up = True

    async def batches(self) -> AsyncIterator[list[Record]]:
        await asyncio.Event().wait()
        yield []


class FakePricingClock:
    def __init__(self) -> None:
        self.time_us = START_US

    def now_us(self) -> int:
        return self.time_us

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


class Bench:
    """An agent with everything around it, running."""

    def __init__(self, policy: PricingPolicy | None = None) -> None:
        self.policy = policy or PricingPolicy(provider_timeout_us=10**12)
        self.app = FakePricingApp()
        self.outlet = PricingOutlet()
        self.store = FakeBookStore()
        self.published = FakePublished()
        self.open_bets: OpenBets = FakeFixturesWithBets()
        self.clock = FakePricingClock()
        self.provider_log = FakeProviderLog()
        self.spacing = FakeSpacing()
        self.sequence = 0
        self.agent: PricingAgent | None = None
        self.tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        self.agent = PricingAgent(
            outlet=self.outlet,
            store=self.store,
            published=self.published,
            open_bets=self.open_bets,
            provider_log=self.provider_log,
            clock=self.clock,
            policy=self.policy,
            pace=PACE,
            spacing=self.spacing,
            busy_share=lambda: 0.0,
        )
        self.agent.attach(cast("Any", self.app))
        self.tasks = [asyncio.create_task(function()) for function in self.app.functions]
        await self.app.on_partitions_assigned.send({TP(FEED_UPDATES.name, 0), TP(TRADING_COMMANDS.name, 0)})
        await eventually(lambda: not self.provider_log.is_caught_up or (self.agent is not None and self.agent.is_ready))

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def quote(self, odds_milli: Sequence[int] = FAIR_ISH, *, fixture_id: str = "match") -> int:
        given = quotes(odds_milli)
        message = build_quotes(
            FOOTBALL,
            market_statuses=given.market_statuses,
            decimal_odds_milli=given.decimal_odds_milli,
            is_snapshot=True,
        )
        return self.send(feed_pb2.FeedUpdate(quotes=message), fixture_id=fixture_id)

    def send(
        self,
        update: feed_pb2.FeedUpdate,
        *,
        fixture_id: str = "match",
        sequence: int | None = None,
        provider_id: str = "alpha",
        epoch: int = 0,
    ) -> int:
        self.sequence += 1
        update.epoch = epoch
        update.provider_id, update.fixture_id = provider_id, fixture_id
        update.sequence = sequence or self.sequence
        update.received_time_us = START_US
        return self.app.deliver(FEED_UPDATES.name, fixture_id, update.SerializeToString())

    def is_acknowledged(self, offset: int) -> bool:
        return (0, offset) in self.app.acknowledged
