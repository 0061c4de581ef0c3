"""The intake: what every door for feeds shares, from a normalised update to the log.

Writes: feed.updates.v1, keyed by fixture_id; feed.providers.v1, keyed by provider_id; feed.dead-letter, keyed by
provider_id.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from prometheus_client import Counter

from gateway.feeds.reading import Reading
from gateway.feeds.refusals import FeedRefused, MessageDuplicated, MessageOutOfOrder, join_refusals
from gateway.feeds.sieve import UpdateSieve
from kernel.clock import Clock
from kernel.log import DeliveryFailed, OnDelivery, Outlet, OutletFull
from overround.feed.v1.feed_pb2 import BetStop, FeedUpdate, ProviderHeartbeat
from wire.feed import build_dead_letter
from wire.topics import FEED_DEAD_LETTERS, FEED_PROVIDERS, FEED_UPDATES

RAW_BYTES_KEPT_MAX: Final = 900_000
SIGN_INTERVAL_S: Final = 1.0
"""Spaced by a clock that is never put back: a sign that is due must not wait for a wall clock to catch up."""
REPEATED_SIGN_INTERVAL_S: Final = 0.1
SEQUENCES_REMEMBERED_MAX: Final = 16_384
ROOM_WAIT_S: Final = 0.01
NOTHING_OWED: Final[Mapping[int, str]] = MappingProxyType({})
ROOM_ATTEMPTS_MAX: Final = 3_000

Answer = TypeVar("Answer")

TAKEN = Counter("overround_feed_updates_taken", "Updates passed to the log", ["provider"])
REFUSED = Counter("overround_feed_refused", "Input refused", ["provider", "reason"])
UNKNOWN_PARTS = Counter("overround_feed_unknown_parts", "Parts of messages that nobody knows", ["provider"])


@dataclass(slots=True)
class _ProviderState:
    """What the intake knows of one provider.

    Attributes:
        seen_sequence: The highest that ever was on its way to the log, as far as this gateway knows.
        says_up: What the provider itself last said; it need not say anything to be up.
        owed: Fixtures of updates that were lost, by sequence: the provider has to send them again before any other.
        is_catching_up: Something up to `seen_sequence` is lost, or may be, and not known to be in the log again.
    """

    taken: Counter
    last_sequence: int
    recent_sequences: dict[int, None]
    resumed_sequence: int = 0
    epoch: int = 0
    seen_sequence: int = 0
    says_up: bool = True
    is_catching_up: bool = False
    owed: dict[int, str] = field(default_factory=dict)
    last_sign_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one reading."""

    update_count: int
    refusals: tuple[FeedRefused, ...]


class Intake:
    """Checks updates, stamps them, passes them to the log; keeps what it refuses as dead letters.

    Sequences of a provider must rise. Nothing is younger than its arrival, whatever a provider's clock says. An update
    is itself a sign of life, so that one a second goes out with them.
    """

    def __init__(self, *, outlet: Outlet, clock: Clock) -> None:
        self._outlet = outlet
        self._clock = clock
        self._sieve = UpdateSieve()
        self._state_by_provider: dict[str, _ProviderState] = {}

    def resume(
        self,
        provider_id: str,
        *,
        sequence: int,
        epoch: int = 0,
        seen_sequence: int = 0,
        owed: Mapping[int, str] = NOTHING_OWED,
        last_sign: ProviderHeartbeat | None = None,
    ) -> None:
        """Expect sequences of a provider above `sequence` from here on.

        Args:
            provider_id: Whose stream begins.
            sequence: Up to where all of it is in the log.
            epoch: Of the stream.
            seen_sequence: The highest that the log has; it counts as down until all before it is there.
            owed: Fixtures by sequence of what has to come again before anything behind it.
            last_sign: Its last sign of life, of whatever gateway, with what it said of itself.
        """
        state = self._state_of(provider_id)
        state.seen_sequence = max(seen_sequence, state.last_sequence, state.seen_sequence)
        # Another gateway may have lost what the log never saw: then something has to come again before all is well.
        has_lost = last_sign is not None and last_sign.says_up and not last_sign.is_up
        state.is_catching_up = sequence < state.seen_sequence or has_lost
        state.last_sequence = state.resumed_sequence = sequence
        state.epoch = epoch
        state.owed = {lost: fixture_id for lost, fixture_id in {**state.owed, **owed}.items() if lost > sequence}
        state.recent_sequences.clear()
        if last_sign is not None:
            state.says_up = last_sign.says_up if last_sign.HasField("says_up") else last_sign.is_up

    def sign_catching_up(self, provider_id: str, *, timeout_ms: int) -> None:
        """Say of a provider that has to send something again that it counts as down until then."""
        if self._state_of(provider_id).is_catching_up:
            with suppress(OutletFull, DeliveryFailed):  # each of its updates says so as well
                self.sign_life(provider_id, provider_time_ms=0, timeout_ms=timeout_ms)

    def note_loss(self, provider_id: str, lost: Mapping[int, str], *, timeout_ms: int) -> None:
        """Note what was lost on its way, fixtures by sequence: nothing of the provider comes before it is sent again.

        The provider counts as down until everything that was seen is in the log.
        """
        state = self._state_of(provider_id)
        state.owed |= lost
        state.seen_sequence = max(state.seen_sequence, state.last_sequence)
        state.is_catching_up = True
        self.sign_catching_up(provider_id, timeout_ms=timeout_ms)

    def stops_before(self, update: FeedUpdate, *, provider_id: str) -> list[FeedUpdate]:
        """Return what to take in the stead of what was lost, where a provider goes on without sending it again.

        Nobody knows what it said: its fixtures are stopped until the provider tells all of it anew.
        """
        state = self._state_of(provider_id)
        if update.sequence <= state.seen_sequence:
            return []
        return [
            FeedUpdate(fixture_id=fixture_id, sequence=sequence, bet_stop=BetStop(), is_state_refused=True)
            for sequence, fixture_id in sorted(state.owed.items())
        ]

    def note_in_log(self, provider_id: str, *, sequence: int, timeout_ms: int) -> None:
        """Note that all of a provider up to a sequence is in the log, which may end what `note_loss` began."""
        state = self._state_of(provider_id)
        if state.is_catching_up and sequence >= state.seen_sequence and sequence > state.resumed_sequence:
            state.is_catching_up = False
            with suppress(OutletFull):  # the next update or sign says it
                self.sign_life(provider_id, provider_time_ms=0, timeout_ms=timeout_ms)

    def has_come_again(self, provider_id: str, *, sequence: int) -> bool:
        """Return whether the log holds nothing of a provider beyond a sequence, of this stream or of one before."""
        return sequence >= self._state_of(provider_id).seen_sequence

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
        refusals, letters = list(reading.refusals), list(reading.refusals)
        for heartbeat in reading.heartbeats:
            await when_there_is_room(partial(self.take_heartbeat, heartbeat, timeout_ms=timeout_ms))
        taken_count = 0
        for update in reading.updates:
            try:
                parts = await when_there_is_room(partial(self.take_update, update, timeout_ms=timeout_ms))
                taken_count += 1
            except FeedRefused as refusal:
                parts = (refusal,)
            refusals += parts
            letters += [join_refusals(parts)] if parts else []
        for refused in letters:
            await when_there_is_room(partial(self.refuse, refused, provider_id=reading.provider_id, raw=raw))
        if reading.unknown_part_count:
            UNKNOWN_PARTS.labels(reading.provider_id).inc(reading.unknown_part_count)
        return Taken(taken_count, tuple(refusals))

    def take_update(
        self, update: FeedUpdate, *, timeout_ms: int, on_delivery: OnDelivery | None = None
    ) -> tuple[FeedRefused, ...]:
        """Check one update and pass on what is right of it; return why the rest is refused.

        `on_delivery` is called from another thread once the log has it. Whoever called decides whether to `refuse` for
        good what is not passed on.

        Raises:
            FeedRefused: If nothing of it is passed on.
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(update.provider_id)
        update, refusals = self._sieve.sift(update)
        _expect_rising(update, state)
        update.received_time_us = self._clock.now_us()
        update.provider_time_ms = min(update.provider_time_ms, update.received_time_us // 1_000)
        update.epoch, update.is_catching_up = state.epoch, state.is_catching_up
        self._outlet.send(FEED_UPDATES.name, update.fixture_id, update.SerializeToString(), on_delivery)
        _note(update, state)
        state.taken.inc()
        if self._clock.monotonic_s() - state.last_sign_s >= SIGN_INTERVAL_S:
            with suppress(OutletFull):  # the next update says it
                self.sign_life(update.provider_id, provider_time_ms=update.provider_time_ms, timeout_ms=timeout_ms)
        return refusals

    def take_heartbeat(self, heartbeat: ProviderHeartbeat, *, timeout_ms: int) -> None:
        """Pass on what a provider says about itself.

        Raises:
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(heartbeat.provider_id)
        if state.says_up != heartbeat.is_up:
            state.says_up, state.last_sign_s = heartbeat.is_up, -math.inf  # due, also if it cannot go out now
        if self._clock.monotonic_s() - state.last_sign_s < REPEATED_SIGN_INTERVAL_S:
            return
        self.sign_life(heartbeat.provider_id, provider_time_ms=heartbeat.provider_time_ms, timeout_ms=timeout_ms)

    def sign_life(self, provider_id: str, *, provider_time_ms: int, timeout_ms: int) -> None:
        """Say that a provider is there; it is up unless it last said otherwise, or has to send something again.

        Raises:
            OutletFull: If the log's queue is full.
        """
        state = self._state_of(provider_id)
        now_us = self._clock.now_us()
        heartbeat = ProviderHeartbeat(
            provider_id=provider_id,
            received_time_us=now_us,
            provider_time_ms=min(provider_time_ms, now_us // 1_000),
            is_up=state.says_up and not state.is_catching_up,
            timeout_ms=timeout_ms,
            epoch=state.epoch,
            says_up=state.says_up,
        )
        self._outlet.send(FEED_PROVIDERS.name, provider_id, heartbeat.SerializeToString())
        state.last_sign_s = self._clock.monotonic_s()

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
        self._outlet.send(FEED_DEAD_LETTERS.name, provider_id, letter.SerializeToString())
        REFUSED.labels(provider_id, refusal.reason).inc()

    def _state_of(self, provider_id: str) -> _ProviderState:
        state = self._state_by_provider.get(provider_id)
        if state is None:
            state = self._state_by_provider[provider_id] = _ProviderState(TAKEN.labels(provider_id), 0, {})
        return state


async def when_there_is_room(send: Callable[[], Answer]) -> Answer:
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
    state.owed.pop(update.sequence, None)
    state.recent_sequences[update.sequence] = None
    if len(state.recent_sequences) > SEQUENCES_REMEMBERED_MAX:
        del state.recent_sequences[next(iter(state.recent_sequences))]


def _expect_rising(update: FeedUpdate, state: _ProviderState) -> None:
    if state.owed and update.sequence > (owed := min(state.owed)):
        raise MessageOutOfOrder(f"Sequence {owed} was lost: everything from there on must be sent again, in order")
    if update.sequence > state.last_sequence:
        return
    if update.sequence <= state.resumed_sequence or update.sequence in state.recent_sequences:
        raise MessageDuplicated(f"Sequence {update.sequence} was taken already")
    raise MessageOutOfOrder(f"Sequence must be above {state.last_sequence}, was {update.sequence}")
