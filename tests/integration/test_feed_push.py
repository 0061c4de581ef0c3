"""FeedService.Push against the real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import grpc
import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from gateway.feed_service import FeedService, PushLimits
from gateway.feeds.intake import Intake
from gateway.rpc.methods import FEED
from gateway.rpc.server import make_server
from gateway.source import address_reader
from infra.kafka import KafkaOutlet
from infra.processes.parts.access import make_door
from infra.settings import Settings
from infra.stores.feed_keys import PostgresCursors, PostgresFeedKeys, provision_feed_keys
from infra.stores.feed_log import KafkaFeedLog
from infra.stores.postgres import PostgresPool
from kernel.clock import SystemClock
from kernel.log import Record
from markets.layout import MarketLayout
from odds.fixture.state import new_state
from odds.folding.fold import fold
from overround.feed.v1.feed_pb2 import (
    RESULT_KIND_SETTLEMENT,
    DeadLetter,
    FeedUpdate,
    MarketResult,
    OutcomeResult,
    ProviderHeartbeat,
    Quotes,
)
from overround.feed.v1.feed_service_pb2 import PushRefusal, PushRequest, PushResponse
from overround.odds.v1.fixture_pb2 import MatchState
from tests.fakes.fake_gateway import Door
from tests.free_ports import free_port
from tests.running_system import running
from wire.feed import build_quotes, parse_update
from wire.topics import FEED_DEAD_LETTERS, FEED_PROVIDERS, FEED_UPDATES, PRICING_DEAD_LETTERS

LIMITS = PushLimits(in_flight_updates_max=100, idle_timeout_ms=30_000, acknowledge_interval_ms=5)
WAIT_S = 120.0
HASTY_MS, PUSHED_MS = 2_500, 1_200
"""Nothing is pushed any more when the stream ends: who writes to one that has ended is not told why it did."""
EOF: Any = vars(grpc.aio)["EOF"]


class Doors:
    """A gateway with nothing but the feed's door; `restart` stands for another process."""

    def __init__(self, settings: Settings, *, delivery_timeout_ms: int = 60_000) -> None:
        self.settings = settings
        self.pool = PostgresPool(
            settings.postgres_dsn, connections_max=4, statement_timeout_ms=30_000, application_name="feed-test"
        )
        self.outlet = KafkaOutlet(settings.kafka_client, client_id="feed-test", delivery_timeout_ms=delivery_timeout_ms)
        self.cursors = PostgresCursors(self.pool)
        self.address = ""
        self.service: FeedService | None = None
        self.server: grpc.aio.Server | None = None

    async def start(self, limits: PushLimits = LIMITS) -> None:
        await self.stop()
        self.service = FeedService(
            keys=PostgresFeedKeys(self.pool),
            cursors=self.cursors,
            log=KafkaFeedLog(self.settings.kafka_client, client_id="feed-test-log"),
            intake=Intake(outlet=self.outlet, clock=SystemClock()),
            clock=SystemClock(),
            limits=limits,
        )
        self.address = f"127.0.0.1:{free_port()}"
        self.server = make_server(
            [self.service],
            address=self.address,
            door=make_door(self.settings, Door().auth, address_of=address_reader("the edge's"), clock=SystemClock()),
        )
        await self.server.start()

    async def stop(self) -> None:
        if self.service is not None and self.server is not None:
            await self.service.close()
            await self.server.stop(1)
            self.service = self.server = None


@contextmanager
def paused(settings: Settings, name: str) -> Iterator[None]:
    """Stop a server from answering; what it was sent meanwhile it reads afterwards."""
    program = running(settings).find(name)
    assert program is not None
    assert program.pid is not None
    os.kill(program.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.pid, signal.SIGCONT)


class Pusher:
    """A provider's end of a stream."""

    def __init__(self, address: str, api_key: str | None) -> None:
        self.channel = grpc.aio.insecure_channel(address)
        method: Any = self.channel.stream_stream(
            f"/{FEED}/Push", request_serializer=None, response_deserializer=PushResponse.FromString
        )
        self.call = method(metadata=() if api_key is None else (("x-api-key", api_key),))
        self.refusals: list[PushRefusal] = []

    async def __aenter__(self) -> Pusher:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.call.cancel()
        await self.channel.close(None)

    async def receive(self) -> PushResponse:
        response: PushResponse = await asyncio.wait_for(self.call.read(), WAIT_S)
        if response is EOF:
            await self.call.code()
            raise AssertionError(f"the stream ended: {self.call!r}")
        self.refusals += response.refusals
        return response

    async def push(self, *updates: FeedUpdate) -> None:
        for update in updates:
            await self.call.write(PushRequest(update=update).SerializeToString())

    async def wait_until_acknowledged(self, sequence: int) -> None:
        while (await self.receive()).acknowledged_sequence < sequence:
            pass

    async def wait_for_refusals(self, count: int) -> list[PushRefusal]:
        while len(self.refusals) < count:
            await self.receive()
        return self.refusals


@asynccontextmanager
async def open_doors(opened: Doors) -> AsyncIterator[Doors]:
    await opened.pool.open()
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()
        await opened.outlet.flush(10)
        opened.outlet.close()
        await opened.pool.close()


@pytest.fixture
async def doors(settings: Settings) -> AsyncIterator[Doors]:
    async with open_doors(Doors(settings)) as opened:
        yield opened


@pytest.fixture
async def hasty_doors(settings: Settings) -> AsyncIterator[Doors]:
    """Doors that give an update up soon."""
    async with open_doors(Doors(settings, delivery_timeout_ms=HASTY_MS)) as opened:
        yield opened


@pytest.fixture
def provider_id() -> str:
    return f"test-{uuid.uuid4()}"


@pytest.fixture
async def api_key(settings: Settings, provider_id: str) -> str:
    await provision_feed_keys(settings, {provider_id: f"key of {provider_id}"})
    return f"key of {provider_id}"


@pytest.fixture
def log(kafka_client: dict[str, str]) -> LogTail:
    return LogTail(kafka_client)


class LogTail:
    """What is appended to the feed's topics from now on."""

    def __init__(self, client: dict[str, str]) -> None:
        self.client = client
        consumer = self._consumer()
        self.starts = []
        for topic in (FEED_UPDATES.name, FEED_PROVIDERS.name, FEED_DEAD_LETTERS.name):
            for partition in consumer.list_topics(topic, timeout=60).topics[topic].partitions:
                _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60)
                self.starts.append(TopicPartition(topic, partition, high))
        consumer.close()

    def read(self, topic: str) -> list[bytes]:
        consumer = self._consumer()
        values = []
        for start in self.starts:
            if start.topic != topic:
                continue
            _, high = consumer.get_watermark_offsets(start, timeout=60)
            consumer.assign([start])
            deadline_s = time.monotonic() + WAIT_S
            position = start.offset
            while position < high and time.monotonic() < deadline_s:
                for message in consumer.consume(1_000, 0.2):
                    assert message.error() is None
                    values.append(message.value() or b"")
                    position = (message.offset() or 0) + 1
        consumer.close()
        return values

    def updates(self, provider_id: str) -> list[FeedUpdate]:
        values = [value for value in self.read(FEED_UPDATES.name) if provider_id.encode() in value]
        return [FeedUpdate.FromString(value) for value in values]

    def sequences(self, provider_id: str) -> list[int]:
        return sorted(update.sequence for update in self.updates(provider_id))

    def signs(self, provider_id: str) -> list[ProviderHeartbeat]:
        values = [value for value in self.read(FEED_PROVIDERS.name) if provider_id.encode() in value]
        return [ProviderHeartbeat.FromString(value) for value in values]

    def letters(self, provider_id: str) -> list[DeadLetter]:
        values = [value for value in self.read(FEED_DEAD_LETTERS.name) if provider_id.encode() in value]
        return [DeadLetter.FromString(value) for value in values]

    def _consumer(self) -> Consumer:
        return Consumer({**self.client, "group.id": "feed-test", "enable.auto.commit": False})


def update(sequence: int, **fields: Any) -> FeedUpdate:
    layout = MarketLayout.of_markets([("1x2", ["home", "draw", "away"])])
    quotes = Quotes(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
        market_statuses=b"\1",
        decimal_odds_milli=b"\xd0\x07\x00\x00" * 3,
    )
    filled: dict[str, Any] = {"fixture_id": f"test:{sequence % 7}", "sequence": sequence, "quotes": quotes} | fields
    return FeedUpdate(**filled)


async def refusal_of(pusher: Pusher) -> tuple[grpc.StatusCode, str]:
    async def read_to_the_end() -> None:
        while await pusher.call.read() is not EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(read_to_the_end(), WAIT_S)
    metadata: Any = caught.value.trailing_metadata()
    details = dict(metadata)["grpc-status-details-bin"]
    info = ErrorInfo()
    assert isinstance(details, bytes)
    assert Status.FromString(details).details[0].Unpack(info)
    return caught.value.code(), info.reason


async def test_updates_are_acknowledged_when_the_log_has_them(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        assert (await pusher.receive()).acknowledged_sequence == 0
        await pusher.push(*(update(number, provider_id="an impostor") for number in range(1, 301)))
        await pusher.wait_until_acknowledged(300)
    taken = log.updates(provider_id)
    assert sorted(item.sequence for item in taken) == list(range(1, 301))
    assert all(item.received_time_us > 1_700_000_000_000_000 for item in taken)
    assert pusher.refusals == []
    assert log.signs(provider_id)[0].timeout_ms == doors.settings.feeds.provider_timeout_ms


async def test_a_provider_that_half_closes_gets_its_last_acknowledgement(doors: Doors, api_key: str) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(update(1), update(2))
        await pusher.call.done_writing()
        await pusher.wait_until_acknowledged(2)
        assert await asyncio.wait_for(pusher.call.read(), WAIT_S) is EOF
        assert await pusher.call.code() is grpc.StatusCode.OK


async def test_a_provider_resumes_on_another_gateway_without_gap_or_duplicate(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(*(update(number) for number in range(1, 41)))
        await pusher.wait_until_acknowledged(10)
    await doors.start()
    async with Pusher(doors.address, api_key) as pusher:
        resumed = (await pusher.receive()).acknowledged_sequence
        assert 10 <= resumed <= 40
        await pusher.push(*(update(number) for number in range(resumed - 2, 61)))
        await pusher.wait_until_acknowledged(60)
        assert [item.reason for item in pusher.refusals] == ["DUPLICATE"] * 3
    assert log.sequences(provider_id) == list(range(1, 61))


async def test_what_a_killed_gateway_left_in_the_log_is_passed_over(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    now_ms = time.time_ns() // 1_000_000
    cursor = await doors.cursors.begin(provider_id, now_ms=now_ms)
    await doors.cursors.move(provider_id, epoch=cursor.epoch, acknowledged_sequence=5, is_exact=False, now_ms=now_ms)
    for number in (3, 6, 8):  # appended, never acknowledged: 3 is below the cursor
        left = update(number, provider_id=provider_id)
        await doors.outlet.send_and_wait(FEED_UPDATES.name, left.fixture_id, left.SerializeToString())
    async with Pusher(doors.address, api_key) as pusher:
        assert (await pusher.receive()).acknowledged_sequence == 5
        await pusher.push(*(update(number) for number in (6, 7, 8, 9)))
        await pusher.wait_until_acknowledged(9)
        assert pusher.refusals == []
    assert log.sequences(provider_id) == [3, 6, 7, 8, 9]


def suspending(sequence: int) -> FeedUpdate:
    """Return a price of one fixture; the second update suspends another market of it, and none speaks of that again."""
    markets = {"1x2": ("home", "draw", "away")} if sequence > 2 else {"total:2.5": ("over", "under")}
    layout = MarketLayout.of_markets((markets | ({"1x2": ("home", "draw", "away")} if sequence == 1 else {})).items())
    return update(
        sequence,
        fixture_id="test:suspending",
        quotes=build_quotes(
            layout,
            market_statuses=np.full(layout.market_count, 2 if sequence == 2 else 1, dtype=np.uint8),
            decimal_odds_milli=np.full(layout.outcome_count, 2_000 + sequence, dtype=np.uint32),
            is_snapshot=False,
        ),
    )


async def test_what_a_broker_that_was_away_did_not_take_is_sent_again_and_holds(
    hasty_doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    async with Pusher(hasty_doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(suspending(1))
        await pusher.wait_until_acknowledged(1)
        with paused(hasty_doors.settings, "kafka"):
            pushed, begun_s = 1, time.monotonic()
            while time.monotonic() < begun_s + PUSHED_MS / 1_000:
                await pusher.push(suspending(pushed := pushed + 1))
                await asyncio.sleep(0.05)
            assert (await refusal_of(pusher))[1] == "DELIVERY_FAILED"
            assert pushed > 3
    async with Pusher(hasty_doors.address, api_key) as pusher:
        resumed = (await pusher.receive()).acknowledged_sequence
        assert resumed < pushed
        await pusher.push(*(suspending(number) for number in range(resumed + 1, pushed + 20)))
        await pusher.wait_until_acknowledged(pushed + 19)
    await hasty_doors.outlet.flush(10)
    state = new_state("test:suspending")
    for time_us, taken in enumerate(log.updates(provider_id)):
        state = fold(state, parse_update(taken, appended_time_us=time_us))
    (provider,) = state.providers
    told = dict(zip(state.layout.market_ids, provider.market_statuses.tolist(), strict=True))
    assert told == {"1x2": 1, "total:2.5": 2}
    assert (provider.epoch, provider.sequence) == (2, pushed + 19)
    signs = log.signs(provider_id)
    assert (signs[-1].is_up, signs[-1].epoch) == (True, 2)
    assert False in [sign.is_up for sign in signs]


async def test_what_pricing_found_no_right_to_is_told_to_the_stream_that_brought_it(
    doors: Doors, provider_id: str, api_key: str
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        assert doors.service is not None
        stream_epochs = range(1, 4)
        updates = [FeedUpdate(provider_id=provider_id, sequence=9, epoch=epoch) for epoch in stream_epochs]
        letters = [DeadLetter(reason="NO_RIGHT", message="a", raw=update.SerializeToString()) for update in updates]
        doors.service.tell_refused(
            [Record(PRICING_DEAD_LETTERS.name, 0, 0, 0, "", letter.SerializeToString()) for letter in letters]
        )
        assert [(told.sequence, told.reason) for told in await pusher.wait_for_refusals(1)] == [(9, "NO_RIGHT")]


async def test_a_bad_part_of_an_update_is_refused_and_the_rest_is_taken(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    won = MarketResult(
        kind=RESULT_KIND_SETTLEMENT,
        market_id="1x2",
        outcomes=[OutcomeResult(outcome_id="home", win_factor_micro=1_000_000)],
    )
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(update(1, results=[won], state=MatchState(home_score=1)))
        await pusher.wait_until_acknowledged(1)
        (refusal,) = await pusher.wait_for_refusals(1)
    assert (refusal.sequence, refusal.reason) == (1, "MALFORMED")
    assert "dead_heat_factor_micro of home, which wins, must be above 0" in refusal.message
    (taken,) = log.updates(provider_id)
    assert (taken.state.home_score, len(taken.results), list(taken.bet_stop.market_ids)) == (1, 0, ["1x2"])
    assert len(log.letters(provider_id)) == 1


async def test_what_a_provider_said_of_itself_goes_with_it_to_another_gateway(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        down = PushRequest(heartbeat=ProviderHeartbeat(is_up=False))
        await pusher.call.write(down.SerializeToString())
        await pusher.push(update(1))
        await pusher.wait_until_acknowledged(1)
    await doors.start()
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(update(2))
        await pusher.wait_until_acknowledged(2)
        await doors.outlet.flush(10)
    signs = log.signs(provider_id)
    assert {sign.epoch for sign in signs} == {1, 2}
    assert not any(sign.is_up for sign in signs)


async def test_a_newer_stream_takes_over(doors: Doors, api_key: str, provider_id: str, log: LogTail) -> None:
    async with Pusher(doors.address, api_key) as older:
        await older.receive()
        await older.push(update(1))
        await older.wait_until_acknowledged(1)
        async with Pusher(doors.address, api_key) as newer:
            assert (await newer.receive()).acknowledged_sequence == 1
            assert await refusal_of(older) == (grpc.StatusCode.ALREADY_EXISTS, "STREAM_SUPERSEDED")
            await newer.push(update(2))
            await newer.wait_until_acknowledged(2)
    assert log.sequences(provider_id) == [1, 2]


async def test_a_gateway_that_lost_its_provider_to_another_no_longer_acknowledges(
    doors: Doors, api_key: str, provider_id: str
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await doors.cursors.begin(provider_id, now_ms=time.time_ns() // 1_000_000)
        await pusher.push(update(1))
        assert await refusal_of(pusher) == (grpc.StatusCode.ALREADY_EXISTS, "STREAM_SUPERSEDED")


@pytest.mark.parametrize("wrong_key", [None, "", "wrong", "x" * 300])
async def test_without_a_valid_key_nothing_is_taken(doors: Doors, wrong_key: str | None) -> None:
    async with Pusher(doors.address, wrong_key) as pusher:
        assert await refusal_of(pusher) == (grpc.StatusCode.UNAUTHENTICATED, "FEED_KEY_UNKNOWN")


async def test_a_revoked_key_is_no_key(doors: Doors, api_key: str, provider_id: str, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("UPDATE feed.provider_key SET revoked_at = now() WHERE provider_id = $1", provider_id)
    stored = await connection.fetchval("SELECT key_sha256 FROM feed.provider_key WHERE provider_id = $1", provider_id)
    await connection.close()
    assert api_key.encode() not in stored
    async with Pusher(doors.address, api_key) as pusher:
        assert await refusal_of(pusher) == (grpc.StatusCode.UNAUTHENTICATED, "FEED_KEY_UNKNOWN")


async def test_malformed_input_is_refused_and_kept_and_the_rest_flows_on(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    bad = update(2, fixture_id="two words")
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        await pusher.push(update(1), bad)
        await pusher.call.write(b"\xff\xff no protobuf")
        await pusher.call.write(b"")
        await pusher.push(update(3), update(3), update(1))
        await pusher.wait_until_acknowledged(3)
        refusals = await pusher.wait_for_refusals(5)
        assert [(item.sequence, item.reason) for item in refusals] == [
            (2, "MALFORMED"),
            (0, "MALFORMED"),
            (0, "MALFORMED"),
            (3, "DUPLICATE"),
            (1, "DUPLICATE"),
        ]
    await doors.outlet.flush(10)
    assert log.sequences(provider_id) == [1, 3]
    letters = log.letters(provider_id)
    assert [letter.reason for letter in letters] == ["MALFORMED"] * 3 + ["DUPLICATE"] * 2
    assert [letter.raw for letter in letters[:2]] == [
        PushRequest(update=bad).SerializeToString(),
        b"\xff\xff no protobuf",
    ]


async def test_heartbeats_say_what_the_provider_says(
    doors: Doors, api_key: str, provider_id: str, log: LogTail
) -> None:
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        for is_up in (True, False):
            heartbeat = ProviderHeartbeat(provider_id="an impostor", is_up=is_up, provider_time_ms=7)
            await pusher.call.write(PushRequest(heartbeat=heartbeat).SerializeToString())
        await pusher.push(update(1))
        await pusher.wait_until_acknowledged(1)
    await doors.outlet.flush(10)
    assert [(sign.is_up, sign.provider_time_ms) for sign in log.signs(provider_id)] == [(True, 7), (False, 7)]


async def test_a_silent_stream_is_ended(doors: Doors, api_key: str) -> None:
    await doors.start(replace(LIMITS, idle_timeout_ms=100))
    async with Pusher(doors.address, api_key) as pusher:
        await pusher.receive()
        assert await refusal_of(pusher) == (grpc.StatusCode.DEADLINE_EXCEEDED, "STREAM_IDLE")
