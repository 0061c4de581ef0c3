"""FeedService: the door for providers that push.

A provider is acknowledged up to a sequence when the log has everything up to it, and its durable cursor has been moved
there. So a provider that reconnects, to whatever gateway, resumes behind the cursor without a gap.

Nothing lost: an update that the log did not take leaves a hole, and others behind it may be there already. The stream
ends, nothing more of it goes out, and the provider sends again everything from the hole on, in order: what goes beyond
without is refused. If it gives up what was lost and goes on with news, the fixtures of that are stopped. Updates carry
the epoch of their stream, so that pricing folds in again what a younger stream brings, in its order, and passes over
what an older one brings late. From the loss on, until all that was seen before is acknowledged, the provider counts as
down.

Without a duplicate: while a stream runs the log may be ahead of the cursor. A stream that ends in order waits for what
is on its way and marks the cursor exact. After one that broke off (the gateway was killed), the next stream reads back
the span of the log in which it can have written beyond the cursor, and passes over what it finds there when it is sent
again, where there is no hole before it. The span is bounded because a stream moves its cursor at least every LEASE_S,
also without news, and ends if it cannot. Only the stream of the newest epoch moves a cursor, so that a gateway that
lost a provider to another one never acknowledges.

What a provider said of itself outlives the gateway: it is read back from the log when a stream of it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Gauge

from gateway.feeds.intake import Intake, when_there_is_room
from gateway.feeds.ports import Cursor, CursorStore, FeedKeyStore, FeedLog, Provider
from gateway.feeds.push_stream import REFUSALS_WAITING_MAX, PushStream, StreamIdle
from gateway.feeds.refusals import FeedRefused, MessageMalformed, join_refusals
from gateway.feeds.resumption import Resumption
from gateway.feeds.rights_told import refusals_told
from gateway.rpc.call import Call
from gateway.rpc.methods import FEED
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from kernel.log import Record
from overround.feed.v1.feed_pb2 import FeedUpdate
from overround.feed.v1.feed_service_pb2 import PushRefusal, PushRequest, PushResponse

API_KEY_LENGTH_MAX: Final = 256
LEASE_S: Final = 5.0
SPAN_BEFORE_MS: Final = 5_000
SPAN_AFTER_MS: Final = 60_000
SETTLE_TIMEOUT_S: Final = 12.0

STREAMS = Gauge("overround_feed_streams", "Streams of providers that push")
log = structlog.get_logger(__name__)


class FeedKeyUnknown(DomainError):
    """The API key is missing, unknown or revoked."""

    reason = "FEED_KEY_UNKNOWN"
    category = Category.UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class PushLimits:
    """Bounds of one stream.

    Attributes:
        in_flight_updates_max: Updates on their way to the log; then nothing more is read.
        idle_timeout_ms: Silence after which a stream is ended.
        acknowledge_interval_ms: Acknowledgements are gathered for so long.
    """

    in_flight_updates_max: int
    idle_timeout_ms: int
    acknowledge_interval_ms: int


class FeedService:
    """Takes pushed updates.

    Requests are taken as bytes and decoded here, so that one that cannot be decoded is refused and kept like any other
    malformed input and the stream goes on.
    """

    SERVICE: ClassVar = FEED

    def __init__(
        self,
        *,
        keys: FeedKeyStore,
        cursors: CursorStore,
        log: FeedLog,
        intake: Intake,
        clock: Clock,
        limits: PushLimits,
    ) -> None:
        self._keys = keys
        self._cursors = cursors
        self._log = log
        self._intake = intake
        self._clock = clock
        self._limits = limits
        self._stream_by_provider: dict[str, PushStream] = {}
        self._turn_by_provider: dict[str, asyncio.Lock] = {}

    async def push(self, requests: AsyncIterator[bytes], call: Call) -> AsyncIterator[PushResponse]:
        """Take a stream of encoded PushRequests.

        Raises:
            FeedKeyUnknown: If the metadata carry no valid `x-api-key`.
            StreamSuperseded: If the provider opens another stream.
            StreamIdle: If nothing comes for too long.
            DeliveryFailed: If the log does not confirm an update.
            Unavailable: If the cursor cannot be moved.
        """
        provider = await self._authenticate(call)
        stream = await self._begin(provider)
        stream.reading = reading = asyncio.create_task(self._read(requests, stream))
        try:
            yield PushResponse(acknowledged_sequence=stream.acknowledged_sequence)
            async for response in self._responses(stream, reading):
                yield response
        finally:
            self._begin_to_end(stream)

    def tell_refused(self, records: list[Record]) -> None:
        """Tell providers whose streams are open what of their words pricing found that they had no right to."""
        for told in refusals_told(records):
            stream = self._stream_by_provider.get(told.provider_id)
            if stream is not None and stream.epoch == told.epoch and len(stream.refusals) < REFUSALS_WAITING_MAX:
                stream.refuse(told.refusal)

    async def close(self) -> None:
        """End every stream and wait until their cursors are exact."""
        for provider_id in list(self._stream_by_provider):
            await self._give_way(provider_id)

    async def _authenticate(self, call: Call) -> Provider:
        values = [value for name, value in call.metadata if name == "x-api-key"]
        provider = None
        if len(values) == 1 and isinstance(values[0], str) and 0 < len(values[0]) <= API_KEY_LENGTH_MAX:
            provider = await self._keys.find_provider(values[0])
        if provider is None:
            raise FeedKeyUnknown("Metadata must carry one valid x-api-key")
        return provider

    async def _begin(self, provider: Provider) -> PushStream:
        provider_id = provider.provider_id
        async with self._turn_by_provider.setdefault(provider_id, asyncio.Lock()):
            await self._give_way(provider_id)
            cursor = await self._cursors.begin(provider_id, now_ms=self._now_ms())
            resumption = await self._read_back(provider_id, cursor)
            stream = PushStream(
                provider,
                cursor,
                in_log=resumption.in_log,
                in_flight_max=self._limits.in_flight_updates_max,
                now_s=self._clock.monotonic_s(),
            )
            last_sign = await self._log.last_sign(provider_id)
            self._intake.resume(
                provider_id,
                sequence=cursor.acknowledged_sequence,
                epoch=cursor.epoch,
                seen_sequence=resumption.seen_sequence,
                owed=resumption.owed,
                last_sign=last_sign,
            )
            self._stream_by_provider[provider_id] = stream
        STREAMS.inc()
        self._intake.sign_catching_up(provider_id, timeout_ms=provider.timeout_ms)
        log.info("feed.stream_begun", provider=provider_id, epoch=cursor.epoch, passed_over=len(resumption.in_log))
        return stream

    async def _read_back(self, provider_id: str, cursor: Cursor) -> Resumption:
        if cursor.is_exact:
            return Resumption.of(cursor, ())
        logged = await self._log.updates_of(
            provider_id,
            since_ms=cursor.moved_time_ms - SPAN_BEFORE_MS,
            until_ms=cursor.moved_time_ms + SPAN_AFTER_MS,
        )
        return Resumption.of(cursor, logged)

    async def _give_way(self, provider_id: str) -> None:
        older = self._stream_by_provider.get(provider_id)
        if older is not None:
            older.supersede()
            await asyncio.shield(self._begin_to_end(older))

    def _begin_to_end(self, stream: PushStream) -> asyncio.Task[None]:
        if stream.ending is None:
            stream.ending = asyncio.create_task(self._end(stream))
        return stream.ending

    async def _read(self, requests: AsyncIterator[bytes], stream: PushStream) -> None:
        async for raw in requests:
            stream.last_message_s = self._clock.monotonic_s()
            await stream.wait_for_room()
            if stream.failure is not None:
                return
            await self._take(raw, stream)

    async def _take(self, raw: bytes, stream: PushStream) -> None:
        sequence, refusals = 0, tuple[FeedRefused, ...]()
        try:
            request = _decode(raw)
            if request.HasField("update"):
                sequence = request.update.sequence
                for stop in self._intake.stops_before(request.update, provider_id=stream.provider.provider_id):
                    await when_there_is_room(partial(self._take_update, stop, stream))
                refusals = await when_there_is_room(partial(self._take_update, request.update, stream))
            else:
                timeout_ms = stream.provider.timeout_ms
                request.heartbeat.provider_id = stream.provider.provider_id
                await when_there_is_room(partial(self._intake.take_heartbeat, request.heartbeat, timeout_ms=timeout_ms))
        except FeedRefused as refusal:
            refusals = (refusal,)
        if refusals:
            letter, provider_id = join_refusals(refusals), stream.provider.provider_id
            await when_there_is_room(partial(self._intake.refuse, letter, provider_id=provider_id, raw=raw))
        for told in refusals:
            stream.refuse(PushRefusal(sequence=sequence, reason=told.reason, message=told.message))

    def _take_update(self, update: FeedUpdate, stream: PushStream) -> tuple[FeedRefused, ...]:
        update.provider_id = stream.provider.provider_id
        if stream.is_in_log(update.sequence, update.fixture_id):
            self._intake.pass_over(update)
            stream.note_arrived(update.sequence)
            return ()
        sequence, timeout_ms = update.sequence, stream.provider.timeout_ms
        refusals = self._intake.take_update(update, timeout_ms=timeout_ms, on_delivery=stream.confirmation_of(sequence))
        stream.note_sent(sequence, update.fixture_id)
        return refusals

    async def _responses(self, stream: PushStream, reading: asyncio.Task[None]) -> AsyncIterator[PushResponse]:
        reading.add_done_callback(lambda _: stream.news.set())
        moved_s, moved_to = self._clock.monotonic_s(), stream.acknowledged_sequence
        timeout_ms = stream.provider.timeout_ms
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_S / 5):
                    await stream.news.wait()
            stream.news.clear()
            self._expect_alive(stream, reading)
            is_read = reading.done()
            sequence, now_s = stream.acknowledged_sequence, self._clock.monotonic_s()
            self._intake.note_in_log(stream.provider.provider_id, sequence=sequence, timeout_ms=timeout_ms)
            if sequence > moved_to or now_s - moved_s >= LEASE_S:
                await self._move(stream, sequence, is_exact=False)
                moved_s = now_s
            if sequence > moved_to or stream.refusals:
                yield PushResponse(acknowledged_sequence=sequence, refusals=stream.take_refusals())
                moved_to = sequence
            if is_read and stream.is_settled and stream.acknowledged_sequence == moved_to and not stream.refusals:
                return
            await asyncio.sleep(self._limits.acknowledge_interval_ms / 1_000)

    def _expect_alive(self, stream: PushStream, reading: asyncio.Task[None]) -> None:
        if stream.failure is not None:
            raise stream.failure
        if reading.done() and not reading.cancelled() and (error := reading.exception()) is not None:
            raise error
        silence_ms = (self._clock.monotonic_s() - stream.last_message_s) * 1_000
        if not reading.done() and silence_ms > self._limits.idle_timeout_ms:
            raise StreamIdle(f"A message must come every {self._limits.idle_timeout_ms} ms, none came")

    async def _move(self, stream: PushStream, sequence: int, *, is_exact: bool) -> None:
        await self._cursors.move(
            stream.provider.provider_id,
            epoch=stream.epoch,
            acknowledged_sequence=sequence,
            is_exact=is_exact,
            now_ms=self._now_ms(),
        )

    async def _end(self, stream: PushStream) -> None:
        provider_id = stream.provider.provider_id
        if stream.reading is not None:
            stream.reading.cancel()
            await asyncio.wait([stream.reading])
        try:
            await self._settle(stream)
            sequence = stream.acknowledged_sequence
            is_exact = stream.is_settled and self._intake.has_come_again(provider_id, sequence=sequence)
            await self._move(stream, sequence, is_exact=is_exact)
        except (DomainError, TimeoutError) as error:
            log.warning("feed.cursor_left_behind", provider=provider_id, error=repr(error))
        finally:
            if self._stream_by_provider.get(provider_id) is stream:
                del self._stream_by_provider[provider_id]
            STREAMS.dec()
            log.info("feed.stream_ended", provider=provider_id, epoch=stream.epoch, failure=repr(stream.failure))

    async def _settle(self, stream: PushStream) -> None:
        """Wait until nothing is on its way; say that the provider is down where something is lost."""
        try:
            if not stream.is_broken:
                async with asyncio.timeout(SETTLE_TIMEOUT_S):
                    await stream.wait_until_quiet()
        finally:
            if not stream.is_settled:
                stream.is_broken = True
                provider = stream.provider
                self._intake.note_loss(provider.provider_id, stream.lost, timeout_ms=provider.timeout_ms)
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            await stream.wait_until_quiet()

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1_000


def _decode(raw: bytes) -> PushRequest:
    try:
        request = PushRequest.FromString(raw)
    except DecodeError as error:
        raise MessageMalformed(f"A message must be a PushRequest: {error}") from None
    if request.WhichOneof("message") is None:
        raise MessageMalformed("A message must be an update or a heartbeat, was neither")
    return request
