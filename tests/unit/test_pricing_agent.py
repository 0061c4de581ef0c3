"""The pricing agent between a log, a serving copy and a clock that can all fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from faust.types import TP

from kernel.errors import DeliveryFailed
from odds.book import Book
from odds.policy import PricingPolicy
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from overround.trading.v1 import trading_pb2
from streams.ports import BooksUnavailable, EncodedFixture, EncodedPair, HasValue, StoredBooks
from streams.pricing import COMMANDS_TOPIC, DEAD_LETTER_TOPIC, UPDATES_TOPIC, PricingAgent, PricingPace
from streams.pricing_heartbeat import HEARTBEATS_TOPIC
from streams.pricing_inputs import Waiting, WaitingFixtures
from streams.pricing_publication import BOOKS_TOPIC, EXPLANATIONS_TOPIC, RESULTS_TOPIC
from tests.unit.fake_faust import FakeEvent, FakeMessage, FakeSignal, FakeStream, eventually
from tests.unit.football_world import quoted
from tests.unit.pricing_world import FAIR_ISH, FOOTBALL, quotes
from wire.books import parse_book
from wire.feed import build_quotes

START_US = 1_800_000_000_000_000
PACE = PricingPace(flush_interval_s=0.001, batch_fixtures_max=16, retention_us=10**12)
OnDelivery = Callable[[Exception | None], None]


@dataclass
class FakePricingMessage(FakeMessage):
    key: bytes = b""
    timestamp: float = 0.0


class FakeConsumer:
    def __init__(self) -> None:
        self.ends: dict[int, int] = {}

    def highwater(self, place: TP) -> int | None:
        return self.ends.get(place.partition)


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

    def topic(self, *names: str) -> tuple[str, ...]:
        return names

    def agent(self, topics: tuple[str, ...], *, name: str) -> Callable[[Callable[[FakeStream], Any]], None]:
        return lambda function: self.functions.append(lambda: function(self.stream))

    def task(self, function: Callable[[], Any]) -> None:
        self.functions.append(function)

    def deliver(self, topic: str, key: str, value: bytes) -> int:
        self.offset += 1
        message = FakePricingMessage(topic, 0, self.offset, value, key.encode(), START_US / 1e6)
        self.stream.queue.put_nowait(FakeEvent(message, self.acknowledged))
        return self.offset


@dataclass
class FakeLogOutlet:
    """Confirms at once unless it is held back or told to fail."""

    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    held: list[OnDelivery] = field(default_factory=list)
    is_holding: bool = False
    failures: int = 0

    def send(self, topic: str, key: str, value: bytes, on_delivery: OnDelivery | None = None) -> None:
        self.sent.append((topic, key, value))
        if on_delivery is None:
            return
        if self.is_holding:
            self.held.append(on_delivery)
        elif self.failures and topic != HEARTBEATS_TOPIC:
            self.failures -= 1
            on_delivery(DeliveryFailed("no broker"))
        else:
            on_delivery(None)

    async def send_and_wait(self, topic: str, key: str, value: bytes) -> None:
        self.sent.append((topic, key, value))

    def release(self) -> None:
        self.is_holding = False
        held, self.held = self.held, []
        for on_delivery in held:
            on_delivery(None)

    def of(self, topic: str) -> list[bytes]:
        return [value for name, _, value in self.sent if name == topic]

    def books(self) -> list[Book]:
        return [parse_book(book_pb2.Book.FromString(value)) for value in self.of(BOOKS_TOPIC)]


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

    def _answer(self) -> None:
        if self.is_away:
            raise BooksUnavailable("away")


@dataclass
class FakePublished:
    """What an earlier worker published, as the log has it."""

    pairs: dict[str, EncodedPair] = field(default_factory=dict)
    asked: list[Mapping[int, int]] = field(default_factory=list)

    async def read(self, since_ms_by_partition: Mapping[int, int]) -> dict[str, EncodedPair]:
        self.asked.append(since_ms_by_partition)
        return self.pairs


class FakeProviderLog:
    is_caught_up = True

    async def batches(self) -> AsyncIterator[Sequence[HasValue]]:
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
        self.outlet = FakeLogOutlet()
        self.store = FakeBookStore()
        self.published = FakePublished()
        self.clock = FakePricingClock()
        self.sequence = 0
        self.agent: PricingAgent | None = None
        self.tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        self.agent = PricingAgent(
            outlet=self.outlet,
            store=self.store,
            published=self.published,
            provider_log=FakeProviderLog(),
            clock=self.clock,
            policy=self.policy,
            pace=PACE,
        )
        self.agent.attach(cast("Any", self.app))
        self.tasks = [asyncio.create_task(function()) for function in self.app.functions]
        await self.app.on_partitions_assigned.send({TP(UPDATES_TOPIC, 0), TP(COMMANDS_TOPIC, 0)})
        await eventually(lambda: self.agent is not None and self.agent.is_ready)

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

    def send(self, update: feed_pb2.FeedUpdate, *, fixture_id: str = "match", sequence: int | None = None) -> int:
        self.sequence += 1
        update.provider_id, update.fixture_id = "alpha", fixture_id
        update.sequence = sequence or self.sequence
        update.received_time_us = START_US
        return self.app.deliver(UPDATES_TOPIC, fixture_id, update.SerializeToString())

    def is_acknowledged(self, offset: int) -> bool:
        return (0, offset) in self.app.acknowledged


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.start()
    yield bench
    await bench.stop()


async def test_an_update_is_acknowledged_when_the_log_has_its_book(bench: Bench) -> None:
    bench.outlet.is_holding = True
    offset = bench.quote()
    await eventually(lambda: len(bench.outlet.of(BOOKS_TOPIC)) == 1)
    await asyncio.sleep(0.02)
    assert not bench.is_acknowledged(offset)

    bench.outlet.release()
    await eventually(lambda: bench.is_acknowledged(offset))


async def test_the_explanation_goes_ahead_of_its_book(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.of(BOOKS_TOPIC)) == 1)
    topics = [topic for topic, _, _ in bench.outlet.sent if topic != HEARTBEATS_TOPIC]
    assert topics == [EXPLANATIONS_TOPIC, BOOKS_TOPIC]


async def test_what_the_log_did_not_confirm_is_published_again_with_a_higher_version(bench: Bench) -> None:
    bench.outlet.failures = 1
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    first, second = bench.outlet.books()
    assert second.version > first.version
    assert second.decimal_odds_milli.tolist() == first.decimal_odds_milli.tolist()


async def test_an_update_that_changes_no_price_is_explained_but_makes_no_book(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.of(BOOKS_TOPIC)) == 1
    explained = [book_pb2.PriceExplanation.FromString(value) for value in bench.outlet.of(EXPLANATIONS_TOPIC)]
    assert [item.providers[0].sequence for item in explained] == [1, 2]


async def test_results_go_out_when_the_book_that_shows_them_is_there(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    bench.outlet.is_holding = True
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    offset = bench.send(feed_pb2.FeedUpdate(results=[result]))
    await eventually(lambda: len(bench.outlet.books()) == 2)
    await asyncio.sleep(0.02)
    assert bench.outlet.of(RESULTS_TOPIC) == []

    bench.outlet.release()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.of(RESULTS_TOPIC)) == 1


OWN_POLICY = PricingPolicy(provider_timeout_us=10**12, football_offer=("odd_even",))


@pytest.fixture
async def own_bench() -> AsyncIterator[Bench]:
    """An agent that offers a market of its own, on a match that is quoted."""
    bench = Bench(OWN_POLICY)
    await bench.start()
    given = quoted(market_ids=("1x2", "total:2.5"))
    message = build_quotes(
        given.layout,
        market_statuses=given.market_statuses,
        decimal_odds_milli=given.decimal_odds_milli,
        is_snapshot=True,
    )
    bench.send(feed_pb2.FeedUpdate(quotes=message, description=fixture_pb2.FixtureDescription(sport="football")))
    await eventually(lambda: len(bench.outlet.books()) == 1)
    assert bench.outlet.books()[0].layout.market_ids == ("1x2", "total:2.5", "odd_even")
    yield bench
    await bench.stop()


def end(home_score: int, away_score: int) -> feed_pb2.FeedUpdate:
    """Return what a provider says at the end of a match."""
    state = fixture_pb2.MatchState(
        status=fixture_pb2.FIXTURE_STATUS_ENDED,
        period=fixture_pb2.PERIOD_FINISHED,
        home_score=home_score,
        away_score=away_score,
    )
    return feed_pb2.FeedUpdate(state=state)


def won(bench: Bench) -> list[tuple[int, list[str]]]:
    """Return the sequence of each message of own results, and which outcomes won."""
    messages = [feed_pb2.FixtureResults.FromString(value) for value in bench.outlet.of(RESULTS_TOPIC)]
    assert {message.provider_id for message in messages} <= {"house"}
    return [
        (
            message.sequence,
            [item.outcome_id for result in message.results for item in result.outcomes if item.win_factor_micro],
        )
        for message in messages
    ]


async def test_own_markets_are_settled_when_the_log_has_what_is_said_of_them(own_bench: Bench) -> None:
    own_bench.outlet.is_holding = True
    offset = own_bench.send(end(2, 1))
    await eventually(lambda: len(own_bench.outlet.books()) == 2)
    await asyncio.sleep(0.02)
    assert won(own_bench) == []
    said = book_pb2.PriceExplanation.FromString(own_bench.outlet.of(EXPLANATIONS_TOPIC)[-1])
    assert (said.own_settlement.sequence, list(said.own_markets)) == (1, [0, 0, 1])

    own_bench.outlet.release()
    await eventually(lambda: own_bench.is_acknowledged(offset))
    assert won(own_bench) == [(1, ["odd"])]
    assert own_bench.outlet.books()[-1].market_statuses.tolist() == [3, 3, 4]


async def test_a_corrected_end_settles_own_markets_anew(own_bench: Bench) -> None:
    for score in ((2, 1), (2, 1), (2, 2)):
        offset = own_bench.send(end(*score))
        await eventually(lambda offset=offset: own_bench.is_acknowledged(offset))  # type: ignore[misc]
    assert won(own_bench) == [(1, ["odd"]), (2, ["even"])]


async def test_own_results_of_an_end_delivered_again_go_out_again_and_are_the_same(own_bench: Bench) -> None:
    """The worker before may have died between the book and the results."""
    for _ in range(2):
        offset = own_bench.send(end(2, 1), sequence=50)
        await eventually(lambda offset=offset: own_bench.is_acknowledged(offset))  # type: ignore[misc]
    values = own_bench.outlet.of(RESULTS_TOPIC)
    assert len(values) == 2
    assert values[0] == values[1]


async def test_a_new_worker_does_not_settle_own_markets_anew_but_repeats_what_may_be_lost(own_bench: Bench) -> None:
    own_bench.send(end(2, 1), sequence=50)
    await eventually(lambda: len(won(own_bench)) == 1)
    later = Bench(OWN_POLICY)
    books, explanations = own_bench.outlet.of(BOOKS_TOPIC), own_bench.outlet.of(EXPLANATIONS_TOPIC)
    later.published.pairs = {"match": EncodedPair(0, books[-1], explanations[-1])}
    await later.start()
    offset = later.send(feed_pb2.FeedUpdate(), sequence=51)
    await eventually(lambda: later.is_acknowledged(offset))
    assert won(later) == []
    offset = later.send(end(2, 1), sequence=50)
    await eventually(lambda: later.is_acknowledged(offset))
    assert later.outlet.of(RESULTS_TOPIC) == own_bench.outlet.of(RESULTS_TOPIC)
    await later.stop()


async def test_results_of_an_update_delivered_again_are_forwarded_again(bench: Bench) -> None:
    """The worker before may have died between the book and the results."""
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    bench.quote()
    for _ in range(2):
        offset = bench.send(feed_pb2.FeedUpdate(results=[result]), sequence=50)
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    assert len(bench.outlet.of(RESULTS_TOPIC)) == 2
    assert len(bench.outlet.books()) <= 2


@pytest.mark.parametrize("value", [b"\xff", feed_pb2.FeedUpdate(fixture_id="other").SerializeToString()])
async def test_what_is_malformed_is_kept_aside_and_acknowledged(bench: Bench, value: bytes) -> None:
    offset = bench.app.deliver(UPDATES_TOPIC, "match", value)
    behind = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset) and bench.is_acknowledged(behind))
    (letter,) = [feed_pb2.DeadLetter.FromString(item) for item in bench.outlet.of(DEAD_LETTER_TOPIC)]
    assert letter.raw == value
    assert letter.source == f"{UPDATES_TOPIC}-0-{offset}"


async def test_a_command_without_request_id_is_malformed(bench: Bench) -> None:
    command = trading_pb2.TradingCommand(fixture_id="match", action=trading_pb2.TRADING_ACTION_SUSPEND)
    offset = bench.app.deliver(COMMANDS_TOPIC, "match", command.SerializeToString())
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.of(DEAD_LETTER_TOPIC)) == 1


async def test_pricing_goes_on_without_the_serving_copy_which_then_gets_the_newest(bench: Bench) -> None:
    bench.store.is_away = True
    for price_milli in (1_900, 2_000, 2_200):
        offset = bench.quote((*FAIR_ISH[:3], price_milli, 1_800))
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    assert len(bench.outlet.books()) == 3
    assert bench.store.newest == {}

    bench.store.is_away = False
    newest = bench.outlet.books()[-1]
    await eventually(lambda: "match" in bench.store.newest)
    assert bench.store.newest["match"].version == newest.version


async def test_a_copy_that_lost_its_data_is_filled_and_then_called_whole(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: "match" in bench.store.newest and bench.store.whole.get(0) is not None)
    bench.store.newest.clear()
    bench.store.whole.clear()
    await eventually(lambda: 0 in bench.store.whole)
    assert "match" in bench.store.newest


async def test_the_copy_is_not_called_whole_beyond_what_is_still_on_its_way(bench: Bench) -> None:
    bench.outlet.is_holding = True
    bench.quote()
    await eventually(lambda: len(bench.outlet.of(BOOKS_TOPIC)) == 1)
    bench.clock.time_us += 60_000_000
    before = dict(bench.store.whole)
    await asyncio.sleep(1.2)
    assert bench.store.whole[0] <= START_US // 1_000
    assert bench.store.whole[0] >= before.get(0, 0)


async def test_a_new_worker_reads_what_the_log_has_beyond_the_copy(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: bool(bench.store.newest) and bool(bench.store.whole))
    stored = bench.store.newest["match"]
    command = trading_pb2.TradingCommand(
        request_id="r1", fixture_id="match", action=trading_pb2.TRADING_ACTION_SUSPEND, trader_name="ann"
    )
    bench.app.deliver(COMMANDS_TOPIC, "match", command.SerializeToString())
    await eventually(lambda: len(bench.outlet.books()) == 2)
    book, explanation = bench.outlet.of(BOOKS_TOPIC)[-1], bench.outlet.of(EXPLANATIONS_TOPIC)[-1]

    successor = Bench()
    successor.store.newest, successor.store.whole = {"match": stored}, {0: START_US // 1_000}
    successor.published.pairs = {"match": EncodedPair(0, book, explanation)}
    await successor.start()
    successor.sequence = 100
    successor.quote()
    await eventually(lambda: len(successor.outlet.books()) == 1)
    await successor.stop()

    (after,) = successor.outlet.books()
    assert after.version > bench.outlet.books()[-1].version
    assert [item.trader_name for item in after.trader_suspensions] == ["ann"]
    assert successor.published.asked == [{0: START_US // 1_000 - 10_000}]


async def test_a_copy_that_is_not_whole_is_not_believed(bench: Bench) -> None:
    assert bench.published.asked == [{0: 0}]


async def test_the_heartbeat_does_not_claim_what_is_still_on_its_way(bench: Bench) -> None:
    def beats() -> list[int]:
        return [book_pb2.PricingHeartbeat.FromString(value).time_us for value in bench.outlet.of(HEARTBEATS_TOPIC)]

    bench.clock.time_us = START_US + 5_000_000
    await eventually(lambda: START_US + 5_000_000 in beats())
    bench.app.consumer.ends[0] = 100
    bench.quote()
    count = len(beats())
    await eventually(lambda: len(beats()) > count + 1)
    assert beats()[-1] == START_US


async def test_no_heartbeat_follows_one_that_the_log_does_not_confirm(bench: Bench) -> None:
    bench.outlet.is_holding = True
    count = len(bench.outlet.of(HEARTBEATS_TOPIC))
    await asyncio.sleep(0.8)
    assert len(bench.outlet.of(HEARTBEATS_TOPIC)) == count + 1


async def test_partitions_taken_away_are_neither_priced_nor_called_alive(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    await bench.app.on_partitions_revoked.send({TP(UPDATES_TOPIC, 0), TP(COMMANDS_TOPIC, 0)})
    await asyncio.sleep(0.3)
    count = len(bench.outlet.of(HEARTBEATS_TOPIC))
    await asyncio.sleep(0.6)
    assert len(bench.outlet.of(HEARTBEATS_TOPIC)) == count


def test_urgent_fixtures_are_taken_first_and_keep_the_order_of_their_updates() -> None:
    waiting = WaitingFixtures()
    for name in ("first", "second", "third"):
        waiting.add(name, Waiting(0, 10, results=[b"early"]), is_urgent=False)
    waiting.add("third", Waiting(0, 20, results=[b"stop"]), is_urgent=True)
    taken = waiting.take(2)
    assert list(taken) == ["third", "first"]
    assert taken["third"].results == [b"early", b"stop"]
    assert taken["third"].appended_time_us == 10
    assert list(waiting.take(2)) == ["second"]
