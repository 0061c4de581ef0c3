"""The intake: what every door for feeds shares, from a normalised update to the log.

Writes: feed.updates.v1, keyed by fixture_id; feed.providers.v1, keyed by provider_id; feed.dead-letter, keyed by
provider_id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import Counter

from gateway.feeds.ports import FeedOutlet, OnDelivery
from gateway.feeds.reading import Reading
from gateway.feeds.refusals import FeedRefused, MessageDuplicated, MessageOutOfOrder
from gateway.feeds.validation import UpdateValidator
from kernel.clock import Clock
from kernel.errors import OutletFull
from overround.feed.v1.feed_pb2 import FeedUpdate, ProviderHeartbeat
from wire.feed import build_dead_letter

UPDATES_TOPIC: Final = "feed.updates.v1"
PROVIDERS_TOPIC: Final = "feed.providers.v1"
DEAD_LETTER_TOPIC: Final = "feed.dead-letter"
RAW_BYTES_KEPT_MAX: Final = 900_000
SIGN_INTERVAL_US: Final = 1_000_000
REPEATED_SIGN_INTERVAL_US: Final = 100_000
SEQUENCES_REMEMBERED_MAX: Final = 16_384
ROOM_WAIT_S: Final = 0.01
ROOM_ATTEMPTS_MAX: Final = 3_000

TAKEN = Counter("overround_feed_updates_taken", "Updates passed to the log", ["provider"])
REFUSED = Counter("overround_feed_refused", "Input refused", ["provider", "reason"])
UNKNOWN_PARTS = Counter("overround_feed_unknown_parts", "Parts of messages that nobody knows", ["provider"])


@dataclass(slots=True)
class _ProviderState:
    """What the intake knows of one provider."""

    taken: Counter
    last_sequence: int
    recent_sequences: dict[int, None]
    resumed_sequence: int = 0
    is_up: bool = True
    last_sign_us: int = -SIGN_INTERVAL_US


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one reading."""

    update_count: int
    refusals: tuple[FeedRefused, ...]


class Intake:
    """Checks updates, stamps them, passes them to the log; keeps what it refuses as dead letters.

    Sequences of a provider must rise. An update is itself a sign of life, so that one a second goes out with them.
    """

    def __init__(self, *, outlet: FeedOutlet, clock: Clock) -> None:
        self._outlet = outlet
        self._clock = clock
        self._validator = UpdateValidator()
        self._state_by_provider: dict[str, _ProviderState] = {}

    def resume(self, provider_id: str, *, sequence: int) -> None:
        """Expect sequences of a provider above `sequence` from here on."""
        state = self._state_of(provider_id)
        state.last_sequence = state.resumed_sequence = sequence
        state.recent_sequences.clear()

    def pass_over(self, update: FeedUpdate) -> None:
        """Note an update that the log has already, so that those after it must be above it.

        Raises:
            FeedRefused: If it does not come in order.
        """
        state = self._state_of(update.provider_id)
        _expect_rising(update, state)
        _note(update, state)

    async def take_reading(self, reading: Reading, *, raw: bytes, timeout_ms: int) -> Taken:
        """Take all that an adapter made of one message; refusals are counted, kept and returned.

        Raises:
            OutletFull: If the log's queue stays full.
        """
        refusals = list(reading.refusals)
        for heartbeat in reading.heartbeats:
            await when_there_is_room(partial(self.take_heartbeat, heartbeat, timeout_ms=timeout_ms))
        taken_count = 0
        for update in reading.updates:
            try:
                await when_there_is_room(partial(self.take_update, update, timeout_ms=timeout_ms))
                taken_count += 1
            except FeedRefused as refusal:
                refusals.append(refusal)
        for refused in refusals:
            await when_there_is_room(partial(self.refuse, refused, provider_id=reading.provider_id, raw=raw))
        if reading.unknown_part_count:
            UNKNOWN_PARTS.labels(reading.provider_id).inc(reading.unknown_part_count)
        return Taken(taken_count, tuple(refusals))

    def take_update(self, update: FeedUpdate, *, timeout_ms: int, on_delivery: OnDelivery | None = None) -> None:
        """Check one update and pass it on; `on_delivery` is called from another thread once the log has it.

        Raises:
            FeedRefused: If it is not passed on; whoever called decides whether to `refuse` it for good.
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(update.provider_id)
        self._validator.check(update)
        _expect_rising(update, state)
        update.received_time_us = self._clock.now_us()
        self._outlet.send(UPDATES_TOPIC, update.fixture_id, update.SerializeToString(), on_delivery)
        _note(update, state)
        state.taken.inc()
        if update.received_time_us - state.last_sign_us >= SIGN_INTERVAL_US:
            with suppress(OutletFull):  # the next update says it
                self.sign_life(update.provider_id, provider_time_ms=update.provider_time_ms, timeout_ms=timeout_ms)

    def take_heartbeat(self, heartbeat: ProviderHeartbeat, *, timeout_ms: int) -> None:
        """Pass on what a provider says about itself.

        Raises:
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(heartbeat.provider_id)
        is_news = state.is_up != heartbeat.is_up
        if not is_news and self._clock.now_us() - state.last_sign_us < REPEATED_SIGN_INTERVAL_US:
            return
        state.is_up = heartbeat.is_up
        self.sign_life(heartbeat.provider_id, provider_time_ms=heartbeat.provider_time_ms, timeout_ms=timeout_ms)

    def sign_life(self, provider_id: str, *, provider_time_ms: int, timeout_ms: int) -> None:
        """Say that a provider is there; whether it is up is what it last said itself.

        Raises:
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(provider_id)
        now_us = self._clock.now_us()
        heartbeat = ProviderHeartbeat(
            provider_id=provider_id,
            received_time_us=now_us,
            provider_time_ms=provider_time_ms,
            is_up=state.is_up,
            timeout_ms=timeout_ms,
        )
        self._outlet.send(PROVIDERS_TOPIC, provider_id, heartbeat.SerializeToString())
        state.last_sign_us = now_us

    def refuse(self, refusal: FeedRefused, *, provider_id: str, raw: bytes) -> None:
        """Count a refusal and keep the raw input as a dead letter.

        Raises:
            OutletFull: If the log's queue is full.
        """
        letter = build_dead_letter(
            reason=refusal.reason,
            message=refusal.message[:512],
            source=provider_id,
            time_us=self._clock.now_us(),
            raw=raw[:RAW_BYTES_KEPT_MAX],
        )
        self._outlet.send(DEAD_LETTER_TOPIC, provider_id, letter.SerializeToString())
        REFUSED.labels(provider_id, refusal.reason).inc()

    def _state_of(self, provider_id: str) -> _ProviderState:
        state = self._state_by_provider.get(provider_id)
        if state is None:
            state = self._state_by_provider[provider_id] = _ProviderState(TAKEN.labels(provider_id), 0, {})
        return state


async def when_there_is_room(send: Callable[[], None]) -> None:
    """Call what sends to the log, again and again while the log's queue is full.

    Raises:
        OutletFull: If it stays full for 30 s.
    """
    for _ in range(ROOM_ATTEMPTS_MAX):
        try:
            return send()
        except OutletFull:
            await asyncio.sleep(ROOM_WAIT_S)
    return send()


def _note(update: FeedUpdate, state: _ProviderState) -> None:
    state.last_sequence = update.sequence
    state.recent_sequences[update.sequence] = None
    if len(state.recent_sequences) > SEQUENCES_REMEMBERED_MAX:
        del state.recent_sequences[next(iter(state.recent_sequences))]


def _expect_rising(update: FeedUpdate, state: _ProviderState) -> None:
    if update.sequence > state.last_sequence:
        return
    if update.sequence <= state.resumed_sequence or update.sequence in state.recent_sequences:
        raise MessageDuplicated(f"Sequence {update.sequence} was taken already")
    raise MessageOutOfOrder(f"Sequence must be above {state.last_sequence}, was {update.sequence}")
