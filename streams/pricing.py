"""Make our prices from what providers quote and the desk orders.

Reads:  feed.updates.v1 and trading.commands.v1, keyed by fixture_id, of the same partitions; feed.providers.v1 whole.
Writes: odds.books.v1, odds.explanations.v1 and results.v1, keyed by fixture_id; odds.heartbeats.v1, keyed by partition;
        the serving copy of books.
State:  what a book and its explanation say; read back from the serving copy and the log.
Replay: safe. An update whose sequence, or a command whose request id, is folded in already changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import faust
import structlog
from faust.types import EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge, Histogram

from kernel.clock import Clock
from kernel.errors import DomainError
from kernel.log import CountedOutlet, Log
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price, withhold
from overround.feed.v1 import feed_pb2
from overround.trading.v1 import trading_pb2
from streams.agent import Agent, Places
from streams.book_keeper import BookKeeper
from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.fixtures import Fixtures
from streams.inbox import Inbox
from streams.ports import BookStore, OpenBets, PublishedBooks
from streams.pricing_eviction import Eviction
from streams.pricing_folding import Aside, Folding
from streams.pricing_heartbeat import Heartbeat
from streams.pricing_inputs import Input, Waiting, WaitingFixtures
from streams.pricing_pace import PricingPace, Spacing
from streams.pricing_partitions import Partitions, ReadBack
from streams.pricing_progress import Progress
from streams.pricing_publication import Batch, Publisher, encode_own_results, encode_priced, encode_read_back
from streams.pricing_watch import Watch
from wire.feed import parse_stop, parse_update
from wire.topics import FEED_UPDATES, PRICING_DEAD_LETTERS, TRADING_COMMANDS
from wire.trader_commands import parse_command

UNACKNOWLEDGED_EVENTS_MAX: Final = 20_000
SWEEP_INTERVAL_S: Final = 0.1
DRAIN_S: Final = 1.0
"""How long a worker that loses partitions writes what the serving copy lacks."""

BATCH_SIZE = Histogram(
    "overround_pricing_batch_fixtures", "Fixtures priced in one batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
LATENCY = Histogram(
    "overround_pricing_latency_seconds",
    "From the append of a feed update to the confirmation of the book that shows it.",
    buckets=(0.002, 0.004, 0.008, 0.012, 0.016, 0.024, 0.032, 0.064, 0.128, 0.25, 0.5, 1.0, 2.5),
)
WITHHELD = Counter(
    "overround_pricing_fixtures_withheld", "Fixtures that could not be priced: their books take no bets."
)
FIXTURES = Gauge("overround_pricing_fixtures", "Fixtures held.")

log = structlog.get_logger(__name__)


class PricingAgent:
    """Drains the log into a map by fixture, prices all that wait in one batch, acknowledges what is delivered."""

    def __init__(
        self,
        *,
        outlet: CountedOutlet,
        store: BookStore,
        published: PublishedBooks,
        open_bets: OpenBets,
        provider_log: Log,
        clock: Clock,
        policy: PricingPolicy,
        pace: PricingPace,
        spacing: Spacing,
        busy_share: Callable[[], float],
    ) -> None:
        """Prepare the agent.

        Args:
            outlet: The way into the log.
            store: The serving copy of books.
            published: Where state is read back from.
            open_bets: Says which fixtures must not be forgotten yet.
            provider_log: The providers' signs of life.
            clock: Tells the time and the versions.
            policy: How prices are made.
            pace: How much at once, how often.
            spacing: Told how far apart fetches are to begin.
            busy_share: Says how much of the machine's time is in use, 0.0 to 1.0.
        """
        self._outlet = outlet
        self._provider_log = provider_log
        self._clock = clock
        self._policy = policy
        self._pace = pace
        self._spacing = spacing
        self._busy_share = busy_share
        self._dead_letters = DeadLetters(outlet, PRICING_DEAD_LETTERS.name, clock)
        self._aside = Aside(self._dead_letters)
        self._folding = Folding(policy.rights, clock, self._aside)
        self._inbox = Inbox(events_max=UNACKNOWLEDGED_EVENTS_MAX)
        self._fixtures = Fixtures()
        self._forced: set[str] = set()
        self._waiting = WaitingFixtures()
        self._watch = Watch(policy)
        self._publisher = Publisher(
            outlet, clock, on_published=self._keep_copy, on_finished=self._acknowledge, on_failed=self._repeat
        )
        self._keeper = BookKeeper(store, clock, self._publisher.publishing_since_us)
        self._progress = Progress(
            clock, consumer=self._consumer, oldest_us=(self._waiting.oldest_us, self._publisher.oldest_us)
        )
        self._heartbeat = Heartbeat(
            outlet, partitions=lambda: self._partitions.held, worked_off_until_us=self._progress.until_us
        )
        self._eviction = Eviction(
            outlet,
            open_bets,
            fixtures=self._fixtures,
            clock=clock,
            retention_us=pace.retention_us,
            on_ended=self._forget,
            on_forgotten=self._keeper.forget,
        )
        self._partitions = Partitions(
            store=store,
            published=published,
            eviction=self._eviction,
            clock=clock,
            assigned=lambda: self._agent.partitions,
            consumer=self._consumer,
            on_read_back=self._go_on,
        )
        self._agent = Agent(
            "pricing",
            [FEED_UPDATES.name, TRADING_COMMANDS.name],
            inbox=self._inbox,
            works=(
                *(self._work, self._follow_providers, self._sweep),
                *(self._heartbeat.run, self._keeper.run, self._eviction.run),
            ),
            sort_in=self._take_in,
            on_assigned=self._partitions.begin,
            on_revoked=self._leave,
        )
        self._are_providers_known = asyncio.Event()
        self._app: Any = None

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned, their state is read back and the providers are known."""
        is_restored = self._agent.is_assigned and self._agent.partitions == self._partitions.held
        return is_restored and self._provider_log.is_caught_up

    @property
    def lag_us(self) -> int:
        """Return how long ago the oldest news was appended that is in no book yet, 0 where that is not known."""
        times = [self._progress.until_us(partition) for partition in self._partitions.held]
        now_us = self._clock.now_us()
        return now_us - min((time_us for time_us in times if time_us is not None), default=now_us)

    def attach(self, app: faust.App) -> None:
        """Make this the agent of the app."""
        self._app = app
        self._agent.attach(app)

    def _consumer(self) -> Any:
        return self._app.consumer

    # Intake

    async def _take_in(self, event: EventT[bytes]) -> None:
        self._progress.note_taken(event)
        try:
            self._sort_in(event)
        except (DecodeError, DomainError, ValueError) as error:
            await self._dead_letters.bury(event, reason=MALFORMED, message=str(error))
            self._inbox.finish([event])

    def _sort_in(self, event: EventT[bytes]) -> None:
        message = event.message
        appended_us = int(message.timestamp * 1_000_000)
        told: Input
        if message.topic == TRADING_COMMANDS.name:
            told = parse_command(trading_pb2.TradingCommand.FromString(message.value or b""))
            is_urgent = True
        else:
            update = feed_pb2.FeedUpdate.FromString(message.value or b"")
            update.received_time_us = min(update.received_time_us, self._clock.now_us())
            told = self._read(event, update, appended_us)
            is_urgent = told.bet_stop_market_ids is not None
            self._watch.note_update(told)
        _expect_key(message.key, told.fixture_id)
        waiting = Waiting(message.partition, appended_us, [(event, told)], [event])
        self._waiting.add(told.fixture_id, waiting, is_urgent=is_urgent)

    def _read(self, event: EventT[bytes], update: feed_pb2.FeedUpdate, appended_us: int) -> FixtureUpdate:
        """Return what an update says; of one that cannot be read, what of it suspends."""
        try:
            return parse_update(update, appended_time_us=appended_us)
        except (DomainError, ValueError) as error:
            stop = parse_stop(update, appended_time_us=appended_us)
            self._aside.keep([event], reason=MALFORMED, message=str(error))
            return stop

    # Work

    async def _work(self) -> None:
        await self._are_providers_known.wait()
        while True:
            await self._waiting.wait()
            await self._waiting.settle(self._pace.batch_fixtures_max)
            await self._partitions.restore_assigned()
            begun_s = self._clock.monotonic_s()
            taken = self._waiting.take(self._pace.batch_fixtures_max)
            if taken:
                self._price_safely(taken)
            took_s = self._clock.monotonic_s() - begun_s
            self._spacing.seconds = self._pace.spacing_s(took_s, busy_share=self._busy_share())

    def _price_safely(self, taken: Mapping[str, Waiting]) -> None:
        try:
            self._price(taken)
        except Exception as error:
            self._forced.update(taken)  # some of them may have been kept, and are not on their way
            for fixture_id, waiting in taken.items():
                if len(taken) > 1:
                    self._price_safely({fixture_id: waiting})
                else:
                    log.exception("pricing.fixture_failed", fixture_id=fixture_id)
                    self._withhold(fixture_id, waiting, repr(error))

    def _withhold(self, fixture_id: str, waiting: Waiting, message: str) -> None:
        """Publish the last book of a fixture that cannot be priced with nothing open; its results go on."""
        WITHHELD.inc()
        now_us = self._clock.now_us()
        self._aside.keep(waiting.events, reason=AGENT_ERROR, message=message)
        withheld = withhold(self._fold(fixture_id, waiting), policy=self._policy, now_us=now_us)
        self._publish({fixture_id: waiting}, [withheld], now_us)

    def _price(self, taken: Mapping[str, Waiting]) -> None:
        now_us = self._clock.now_us()
        states = [self._fold(fixture_id, waiting) for fixture_id, waiting in taken.items()]
        repricings = price(
            states,
            up_providers=self._watch.up_providers(now_us),
            policy=self._policy,
            now_us=now_us,
            forced_fixture_ids=self._forced,
        )
        BATCH_SIZE.observe(len(taken))
        self._publish(taken, repricings, now_us)

    def _fold(self, fixture_id: str, waiting: Waiting) -> FixtureState:
        return self._folding.fold(self._fixtures.state_of(fixture_id), waiting)

    def _publish(self, taken: Mapping[str, Waiting], repricings: Iterable[Repricing], now_us: int) -> None:
        fixtures = []
        for repricing, (fixture_id, waiting) in zip(repricings, taken.items(), strict=True):
            before = self._fixtures.state_of(fixture_id)
            is_told = repricing.state is not before
            self._fixtures.keep(repricing.state, waiting.partition)
            self._watch.note_priced(repricing.state, now_us)
            if waiting.is_repeated or repricing.state.own_settlement is not before.own_settlement:
                waiting.results += encode_own_results(repricing)
            waiting.inputs.clear()
            waiting.judged.clear()
            waiting.is_repeated = False
            if is_told or repricing.is_book_new:
                fixtures.append(encode_priced(repricing, waiting.partition))
                self._forced.discard(fixture_id)
        self._publisher.publish(Batch(taken, fixtures, now_us))
        FIXTURES.set(len(self._fixtures))

    def _keep_copy(self, batch: Batch) -> None:
        for fixture_id, waiting in batch.waiting.items():
            self._progress.vouch(fixture_id, waiting.partition)
        for fixture in batch.fixtures:
            if fixture.partition in self._partitions.held:
                self._keeper.keep(fixture)

    def _acknowledge(self, batch: Batch) -> None:
        now_us = self._clock.now_us()
        for waiting in batch.waiting.values():
            if waiting.events:
                LATENCY.observe(max(0, now_us - waiting.appended_time_us) / 1e6)
                self._inbox.finish(waiting.events)

    def _repeat(self, batch: Batch) -> None:
        """Publish the newest of these fixtures once more; their events stay unacknowledged until then."""
        for fixture_id, waiting in batch.waiting.items():
            if waiting.partition in self._partitions.held:
                self._forced.add(fixture_id)
                self._waiting.add(fixture_id, waiting, is_urgent=False)

    # What no update says

    async def _follow_providers(self) -> None:
        async for records in self._provider_log.batches():
            self._watch.take_signs(records, self._clock.now_us())
            self._reconsider()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            if self._provider_log.is_caught_up:
                self._are_providers_known.set()
            self._reconsider()

    def _reconsider(self) -> None:
        """Price anew, ahead of everything else, what a silent provider or the time concerns."""
        now_us = self._clock.now_us()
        for fixture_id in self._watch.concerned(self._fixtures, now_us):
            waiting = Waiting(self._fixtures.partition_of(fixture_id), now_us)
            self._waiting.add(fixture_id, waiting, is_urgent=True)

    def _forget(self, ended: Collection[str]) -> None:
        self._fixtures.drop(ended)
        self._watch.forget(ended)
        self._forced.difference_update(ended)
        self._progress.forget(ended)
        FIXTURES.set(len(self._fixtures))

    # Partitions

    async def _leave(self, places: Places) -> None:
        partitions = {place.partition for place in places}
        self._partitions.interrupt()
        if self._partitions.held & partitions:
            await self._keeper.drain(DRAIN_S)
        self._partitions.drop(partitions)
        self._waiting.drop_partitions(partitions)
        self._fixtures.drop_partitions(partitions)
        self._keeper.drop_partitions(partitions)
        self._eviction.drop_partitions(partitions)
        self._progress.drop(places)

    def _go_on(self, found: ReadBack) -> None:
        """Go on from what was read back: all that is not at its end is priced and published anew, whatever comes of it.

        Meanwhile providers may have fallen silent, starts have passed and quotes have grown old, of which no update
        tells; until the log has these books, nobody is told that the partition is priced.
        """
        now_us, restored = self._clock.now_us(), found.restored
        partition_by_fixture = {fixture_id: pair.partition for fixture_id, pair in restored.pairs.items()}
        held = [fixture_id for fixture_id in restored.states if fixture_id not in found.ended]
        self._progress.begin_at(found.begun_at)
        self._progress.expect(found.partitions, {fixture_id: partition_by_fixture[fixture_id] for fixture_id in held})
        for fixture_id in held:
            partition = partition_by_fixture[fixture_id]
            self._fixtures.keep(restored.states[fixture_id], partition)
            self._forced.add(fixture_id)
            self._waiting.add(fixture_id, Waiting(partition, now_us), is_urgent=False)
        encoded = [encode_read_back(restored.states[fixture_id], restored.pairs[fixture_id]) for fixture_id in held]
        self._keeper.adopt(found.partitions, encoded, changed=restored.unsaved_fixture_ids & set(held))
        self._eviction.add({fixture_id: partition_by_fixture[fixture_id] for fixture_id in found.ended})
        self._keeper.forget(restored.partition_by_forgotten)
        FIXTURES.set(len(self._fixtures))


def _expect_key(key: bytes | None, fixture_id: str) -> None:
    if not fixture_id or key != fixture_id.encode():
        raise ValueError(f"Key must be the fixture id {fixture_id!r}, was {key!r}")
