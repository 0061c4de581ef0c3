"""Make our prices from what providers quote and the desk orders.

Reads:  feed.updates.v1 and trading.commands.v1, keyed by fixture_id, of the same partitions; feed.providers.v1 whole.
Writes: odds.books.v1, odds.explanations.v1 and results.v1, keyed by fixture_id; odds.heartbeats.v1, keyed by partition;
        the serving copy of books.
State:  what a book and its explanation say; read back from the serving copy and the log.
Replay: safe. An update whose sequence, or a command whose request id, is folded in already changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import faust
import structlog
from faust.exceptions import ConsumerNotStarted
from faust.types import TP, EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge, Histogram

from kernel.clock import Clock
from kernel.errors import DomainError, InvariantBroken, Unavailable
from kernel.log import CountedOutlet, Log
from markets.layout import MARKETS_MAX
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, Quotes, TraderCommand
from odds.folding.fold import fold, follow_trader, is_late, stop_all, suspend_for
from odds.folding.provider_rights import WORDS_BY_REASON, Judgement, judge_update
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price, withhold
from overround.feed.v1 import feed_pb2
from overround.trading.v1 import trading_pb2
from streams.agent import Agent, Places
from streams.book_keeper import BookKeeper
from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.fixtures import Fixtures
from streams.inbox import Inbox
from streams.ports import BookStore, EncodedFixture, OpenBets, PublishedBooks
from streams.pricing_eviction import Eviction
from streams.pricing_heartbeat import Heartbeat
from streams.pricing_inputs import Input, Waiting, WaitingFixtures
from streams.pricing_pace import PricingPace, Spacing
from streams.pricing_publication import Batch, Publisher
from streams.pricing_restore import Restored, restore
from streams.pricing_watch import Watch
from streams.retry import retry_while
from streams.seldom import Seldom
from wire.books import encode_book, encode_explanation
from wire.feed import NO_RIGHT, build_own_results, build_results, parse_stop, parse_update
from wire.topics import FEED_UPDATES, PRICING_DEAD_LETTERS, TRADING_COMMANDS
from wire.trader_commands import parse_command

UNACKNOWLEDGED_EVENTS_MAX: Final = 20_000
SWEEP_INTERVAL_S: Final = 0.1
MUTED_INTERVAL_S: Final = 60.0
MUTED_MAX: Final = 10_000
DRAIN_S: Final = 1.0
"""How long a worker that loses partitions writes what the serving copy lacks."""

FOLDED = Counter("overround_pricing_updates_folded", "Feed updates and commands folded in.")
DUPLICATES = Counter("overround_pricing_duplicates", "Feed updates and commands that were folded in before.")
REFUSED = Counter(
    "overround_pricing_words_refused", "Updates that a provider had no right to send.", ["provider", "reason"]
)
REFERRED = Counter(
    "overround_pricing_results_referred", "Results that a person has to look at first.", ["provider", "reason"]
)
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
LEFT_OUT = Counter("overround_pricing_markets_left_out", "New markets that had no room in the layout of their fixture.")
FIXTURES = Gauge("overround_pricing_fixtures", "Fixtures held.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last record taken in of a partition of a topic."""

    offset: int
    appended_time_us: int


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
        self._store = store
        self._published = published
        self._provider_log = provider_log
        self._clock = clock
        self._policy = policy
        self._pace = pace
        self._spacing = spacing
        self._busy_share = busy_share
        self._dead_letters = DeadLetters(outlet, PRICING_DEAD_LETTERS.name, clock)
        self._muted = Seldom(clock, interval_s=MUTED_INTERVAL_S, keys_max=MUTED_MAX)
        self._inbox = Inbox(events_max=UNACKNOWLEDGED_EVENTS_MAX)
        self._fixtures = Fixtures()
        self._forced: set[str] = set()
        self._waiting = WaitingFixtures()
        self._watch = Watch(policy)
        self._publisher = Publisher(
            outlet, clock, on_published=self._keep_copy, on_finished=self._acknowledge, on_failed=self._repeat
        )
        self._keeper = BookKeeper(store, clock, self._publisher.publishing_since_us)
        self._heartbeat = Heartbeat(
            outlet, partitions=lambda: self._restored, worked_off_until_us=self._worked_off_until_us
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
        self._agent = Agent(
            "pricing",
            [FEED_UPDATES.name, TRADING_COMMANDS.name],
            inbox=self._inbox,
            works=(
                *(self._work, self._follow_providers, self._sweep),
                *(self._heartbeat.run, self._keeper.run, self._eviction.run),
            ),
            sort_in=self._take_in,
            on_assigned=self._begin,
            on_revoked=self._leave,
        )
        self._restored: set[int] = set()
        self._are_providers_known = asyncio.Event()
        self._generation = 0
        self._restoring = asyncio.Lock()
        self._unvouched: dict[int, set[str]] = {}
        self._begun_at: dict[TP, int] = {}
        self._taken: dict[TP, _Taken] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._app: Any = None

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned, their state is read back and the providers are known."""
        is_restored = self._agent.is_assigned and self._agent.partitions == self._restored
        return is_restored and self._provider_log.is_caught_up

    @property
    def lag_us(self) -> int:
        """Return how long ago the oldest news was appended that is in no book yet, 0 where that is not known."""
        times = [self._worked_off_until_us(partition) for partition in self._restored]
        now_us = self._clock.now_us()
        return now_us - min((time_us for time_us in times if time_us is not None), default=now_us)

    def attach(self, app: faust.App) -> None:
        """Make this the agent of the app."""
        self._app = app
        self._agent.attach(app)

    # Intake

    async def _take_in(self, event: EventT[bytes]) -> None:
        message = event.message
        self._taken[message.tp] = _Taken(message.offset, int(message.timestamp * 1_000_000))
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
            self._start(self._dead_letters.bury(event, reason=MALFORMED, message=str(error)))
            return stop

    # Work

    async def _work(self) -> None:
        await self._are_providers_known.wait()
        while True:
            await self._waiting.wait()
            await self._waiting.settle(self._pace.batch_fixtures_max)
            await self._restore_assigned()
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
        self._keep_aside(waiting.events, message)
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
        state = self._fixtures.state_of(fixture_id)
        for event, told in list(waiting.inputs):
            judgement = None if isinstance(told, TraderCommand) else self._judge(state, event, told, waiting)
            if judgement is not None and judgement.refusal:
                continue
            try:
                following = self._fold_one(state, told, judgement)
            except Exception as error:  # whatever the update holds: what of it suspends must hold
                log.exception("pricing.fold_failed", fixture_id=fixture_id)
                self._keep_aside([event], repr(error))
                following = self._suspend_for(state, told)
            waiting.is_repeated |= following is state
            state = following
            if isinstance(told, FixtureUpdate) and told.quotes is not None:
                _count_left_out(state, told.quotes)
        return state

    def _suspend_for(self, state: FixtureState, told: Input) -> FixtureState:
        try:
            if isinstance(told, FixtureUpdate):
                return suspend_for(state, told, self._policy.rights)
        except Exception:  # then the state itself is at fault
            log.exception("pricing.suspension_failed", fixture_id=state.fixture_id)
        return stop_all(state, self._clock.now_us())

    def _judge(self, state: FixtureState, event: EventT[bytes], told: FixtureUpdate, waiting: Waiting) -> Judgement:
        """Say what of an update counts; refer the results that do not, and keep a word aside that does not at all."""
        judgement = judge_update(state, told, self._policy.rights)
        if event in waiting.judged:
            return judgement
        waiting.judged.append(event)
        if told.result_marks and not is_late(state, told):
            update = feed_pb2.FeedUpdate.FromString(event.message.value or b"")
            waiting.results.append(build_results(update, judgement.referral_reasons).SerializeToString())
            for reason in filter(None, judgement.referral_reasons):
                REFERRED.labels(told.provider_id, reason).inc()
        for reason in judgement.refusals_of(told):
            REFUSED.labels(told.provider_id, reason).inc()
            if not judgement.refusal and not self._muted.is_due((told.provider_id, told.fixture_id, reason)):
                continue  # what the table of rights mutes comes with every update
            message = f"{reason}: {told.provider_id} about {told.fixture_id}: {WORDS_BY_REASON[reason]}"
            self._start(self._dead_letters.bury(event, reason=NO_RIGHT, message=message))
        return judgement

    def _fold_one(self, state: FixtureState, told: Input, judgement: Judgement | None) -> FixtureState:
        if isinstance(told, TraderCommand):
            following = follow_trader(state, told)
        else:
            following = fold(state, told, self._policy.rights, judgement)
        (DUPLICATES if following is state else FOLDED).inc()
        return following

    def _publish(self, taken: Mapping[str, Waiting], repricings: Iterable[Repricing], now_us: int) -> None:
        fixtures = []
        for repricing, (fixture_id, waiting) in zip(repricings, taken.items(), strict=True):
            before = self._fixtures.state_of(fixture_id)
            is_told = repricing.state is not before
            self._fixtures.keep(repricing.state, waiting.partition)
            self._watch.note_priced(repricing.state, now_us)
            if waiting.is_repeated or repricing.state.own_settlement is not before.own_settlement:
                waiting.results += _own_results(repricing)
            waiting.inputs.clear()
            waiting.judged.clear()
            waiting.is_repeated = False
            if is_told or repricing.is_book_new:
                fixtures.append(_encode(repricing, waiting.partition))
                self._forced.discard(fixture_id)
        self._publisher.publish(Batch(taken, fixtures, now_us))
        FIXTURES.set(len(self._fixtures))

    def _keep_copy(self, batch: Batch) -> None:
        for fixture_id, waiting in batch.waiting.items():
            self._unvouched.get(waiting.partition, set()).discard(fixture_id)
        for fixture in batch.fixtures:
            if fixture.partition in self._restored:
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
            if waiting.partition in self._restored:
                self._forced.add(fixture_id)
                self._waiting.add(fixture_id, waiting, is_urgent=False)

    def _keep_aside(self, events: Iterable[EventT[bytes]], message: str) -> None:
        for event in events:
            self._start(self._dead_letters.bury(event, reason=AGENT_ERROR, message=message))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        for unvouched in self._unvouched.values():
            unvouched.difference_update(ended)
        FIXTURES.set(len(self._fixtures))

    def _worked_off_until_us(self, partition: int) -> int | None:
        """Return until when all news of a partition is in its books, None before every fixture was priced here once.

        Not beyond the time for which the log's end is known: whoever was paused wakes up with what it knew before.
        """
        if self._unvouched.get(partition):
            return None
        times = [self._clock.now_us(), self._waiting.oldest_us(partition), self._publisher.oldest_us(partition)]
        for topic in (FEED_UPDATES.name, TRADING_COMMANDS.name):
            place = TP(topic, partition)
            known_us = self._app.consumer.end_known_us(place)
            if known_us is None:
                return None
            times.append(known_us)
            if self._has_backlog(place):
                if place not in self._taken:
                    return None
                times.append(self._taken[place].appended_time_us)
        return min(time_us for time_us in times if time_us is not None)

    def _has_backlog(self, place: TP) -> bool:
        """Return whether the log has, or may have, more of a partition than was taken in."""
        try:
            end = self._app.consumer.highwater(place)
        except (AssertionError, ConsumerNotStarted):
            return True
        taken = self._taken.get(place)
        following = taken.offset + 1 if taken is not None else self._begun_at.get(place)
        return end is None or following is None or end > following

    # Partitions

    async def _begin(self, places: Places) -> None:
        _expect_same_partitions(places)
        self._generation += 1
        self._start(self._restore_assigned())

    async def _leave(self, places: Places) -> None:
        partitions = {place.partition for place in places}
        self._generation += 1
        if self._restored & partitions:
            await self._keeper.drain(DRAIN_S)
        self._restored -= partitions
        self._waiting.drop_partitions(partitions)
        self._fixtures.drop_partitions(partitions)
        self._keeper.drop_partitions(partitions)
        self._eviction.drop_partitions(partitions)
        for partition in partitions:
            self._unvouched.pop(partition, None)
        for place in places:
            self._taken.pop(place, None)
            self._begun_at.pop(place, None)

    async def _restore_assigned(self) -> None:
        async with self._restoring:
            while missing := self._agent.partitions - self._restored:
                generation = self._generation
                restored = await restore(
                    missing, store=self._store, published=self._published, now_us=self._clock.now_us()
                )
                ended = await self._eviction.find_ended(restored.states.values())
                places = [
                    TP(topic, partition)
                    for topic in (FEED_UPDATES.name, TRADING_COMMANDS.name)
                    for partition in missing
                ]
                begun_at = await retry_while(
                    Unavailable, partial(self._app.consumer.begun_at, places), step="find the backlog"
                )
                if generation == self._generation:
                    self._begun_at |= begun_at
                    self._adopt(missing, restored, ended)

    def _adopt(self, partitions: Collection[int], restored: Restored, ended: Collection[str]) -> None:
        """Go on from what was read back: all that is not at its end is priced and published anew, whatever comes of it.

        Meanwhile providers may have fallen silent, starts have passed and quotes have grown old, of which no update
        tells; until the log has these books, nobody is told that the partition is priced.
        """
        now_us = self._clock.now_us()
        encoded = []
        self._unvouched |= {partition: set() for partition in partitions}
        for fixture_id, state in restored.states.items():
            pair = restored.pairs[fixture_id]
            if fixture_id in ended:
                continue
            self._fixtures.keep(state, pair.partition)
            self._forced.add(fixture_id)
            self._unvouched[pair.partition].add(fixture_id)
            self._waiting.add(fixture_id, Waiting(pair.partition, now_us), is_urgent=False)
            encoded.append(_encoded(state, pair.partition, pair.book or b"", pair.explanation or b""))
        held = {fixture.fixture_id for fixture in encoded}
        self._keeper.adopt(partitions, encoded, changed=restored.unsaved_fixture_ids & held)
        self._eviction.add({fixture_id: restored.pairs[fixture_id].partition for fixture_id in ended})
        self._keeper.forget(restored.partition_by_forgotten)
        self._restored.update(partitions)
        FIXTURES.set(len(self._fixtures))


def _count_left_out(state: FixtureState, quotes: Quotes) -> None:
    if state.layout.market_count + quotes.layout.market_count > MARKETS_MAX:
        LEFT_OUT.inc(len(set(quotes.layout.market_ids) - state.layout.index_by_market_id.keys()))


def _encode(repricing: Repricing, partition: int) -> EncodedFixture:
    state = repricing.state
    book = encode_book(state.book) if repricing.is_book_new and state.book is not None else b""
    return _encoded(state, partition, book, encode_explanation(repricing.explanation))


def _encoded(state: FixtureState, partition: int, book: bytes, explanation: bytes) -> EncodedFixture:
    return EncodedFixture(state.fixture_id, partition, state.version, book, explanation, not state.is_over)


def _own_results(repricing: Repricing) -> list[bytes]:
    settlement, results = repricing.state.own_settlement, repricing.own_results
    if settlement is None or not results:
        return []
    message = build_own_results(repricing.state.fixture_id, sequence=settlement.sequence, results=results)
    return [message.SerializeToString()]


def _expect_key(key: bytes | None, fixture_id: str) -> None:
    if not fixture_id or key != fixture_id.encode():
        raise ValueError(f"Key must be the fixture id {fixture_id!r}, was {key!r}")


def _expect_same_partitions(places: Places) -> None:
    updates, commands = (
        {place.partition for place in places if place.topic == topic.name} for topic in (FEED_UPDATES, TRADING_COMMANDS)
    )
    if updates != commands:
        raise InvariantBroken(
            f"A worker must have the same partitions of {FEED_UPDATES.name} and {TRADING_COMMANDS.name}, "
            f"had {updates}, {commands}"
        )
