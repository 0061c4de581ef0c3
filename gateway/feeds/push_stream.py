"""One provider's stream: what is on its way to the log, and up to where all of it is there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final

from gateway.feeds.ports import Cursor, Provider, StreamSuperseded
from kernel.errors import Category, DomainError
from kernel.log import Chained
from overround.feed.v1.feed_service_pb2 import PushRefusal

REFUSALS_WAITING_MAX: Final = 1_000


class Confirmation(Chained):
    """Called, from any thread, when an update has arrived or is lost; without those before it, it is not to go out."""

    __slots__ = ("_sequence", "_stream")

    def __init__(self, stream: PushStream, sequence: int) -> None:
        self._stream = stream
        self._sequence = sequence

    def __call__(self, error: Exception | None) -> None:
        """Take in how it ended."""
        self._stream.confirm(self._sequence, error)

    @property
    def is_broken(self) -> bool:
        """Return whether an update before it was lost."""
        return self._stream.is_broken


class StreamIdle(DomainError):
    """Nothing came on a stream for too long."""

    reason = "STREAM_IDLE"
    category = Category.UNAVAILABLE


class PushStream:
    """The updates of one stream between the intake and their acknowledgement.

    Updates come in rising sequence and are confirmed in any order, from the outlet's thread; `acknowledged_sequence` is
    the highest one with everything before it confirmed. At most `in_flight_max` are on their way at a time. Once one is
    lost the stream is broken: it ends, and the next one brings again everything from there on.
    """

    def __init__(
        self, provider: Provider, cursor: Cursor, *, in_log: Collection[int], in_flight_max: int, now_s: float
    ) -> None:
        self.provider = provider
        self.epoch = cursor.epoch
        self.acknowledged_sequence = cursor.acknowledged_sequence
        self.last_message_s = now_s
        self.failure: Exception | None = None
        self.is_broken = False
        self.refusals: deque[PushRefusal] = deque()
        self.news = asyncio.Event()
        self.reading: asyncio.Task[None] | None = None
        self.ending: asyncio.Task[None] | None = None
        self._in_log = frozenset(in_log)
        self._in_log_highest = max(in_log, default=0)
        self._fixtures_sent_again: set[str] = set()
        self._in_flight_max = in_flight_max
        self._is_confirmed_by_sequence: dict[int, bool] = {}
        self._fixture_by_sequence: dict[int, str] = {}
        self._confirmations: deque[tuple[int, Exception | None]] = deque()
        self._outstanding = 0
        self._is_drain_due = False
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def is_settled(self) -> bool:
        """Whether the log has all that was sent."""
        return not self._is_confirmed_by_sequence

    @property
    def lost(self) -> dict[int, str]:
        """Return the fixtures of what is not known to be in the log, by sequence, in their order."""
        return {
            sequence: self._fixture_by_sequence[sequence]
            for sequence, is_confirmed in self._is_confirmed_by_sequence.items()
            if not is_confirmed
        }

    async def wait_until_quiet(self) -> None:
        """Wait until nothing is on its way any more, arrived or lost."""
        while self._outstanding > 0:
            self.news.clear()
            await self.news.wait()

    def is_in_log(self, sequence: int, fixture_id: str = "") -> bool:
        """Return whether an earlier stream, that broke off, brought this one into the log, with those before it.

        What is sent now comes behind it: an update behind it of the same fixture has to be sent again as well.
        """
        return sequence in self._in_log and fixture_id not in self._fixtures_sent_again

    async def wait_for_room(self) -> None:
        """Wait until another update may be sent."""
        while self.failure is None and (
            len(self._is_confirmed_by_sequence) >= self._in_flight_max or len(self.refusals) >= REFUSALS_WAITING_MAX
        ):
            self._room.clear()
            await self._room.wait()

    def confirmation_of(self, sequence: int) -> Confirmation:
        """Return what to call, from any thread, when an update has arrived or is lost."""
        return Confirmation(self, sequence)

    def note_sent(self, sequence: int, fixture_id: str = "") -> None:
        """Note an update that is now on its way; in the same turn of the event loop in which it was sent."""
        self._is_confirmed_by_sequence[sequence] = False
        self._fixture_by_sequence[sequence] = fixture_id
        self._outstanding += 1
        if fixture_id and sequence < self._in_log_highest:
            self._fixtures_sent_again.add(fixture_id)

    def note_arrived(self, sequence: int) -> None:
        """Note an update that the log has already."""
        self._is_confirmed_by_sequence[sequence] = True
        self._advance()

    def refuse(self, refusal: PushRefusal) -> None:
        """Note a refusal for the next response."""
        self.refusals.append(refusal)
        self.news.set()

    def take_refusals(self) -> list[PushRefusal]:
        """Return the refusals since the last call."""
        refusals = list(self.refusals)
        self.refusals.clear()
        self._room.set()
        return refusals

    def fail(self, error: Exception) -> None:
        """End the stream with this error."""
        self.failure = self.failure or error
        self.news.set()
        self._room.set()

    def supersede(self) -> None:
        """End the stream since a newer one of the same provider has begun."""
        self.fail(StreamSuperseded(f"A newer stream of {self.provider.provider_id} has begun"))

    def confirm(self, sequence: int, error: Exception | None) -> None:
        """Note, from any thread, that an update has arrived or is lost."""
        if error is not None:
            self.is_broken = True
        # The flag is lowered before the queue is emptied, so none is left behind.
        self._confirmations.append((sequence, error))
        if not self._is_drain_due and not self._loop.is_closed():
            self._is_drain_due = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._is_drain_due = False
        while self._confirmations:
            sequence, error = self._confirmations.popleft()
            self._outstanding -= 1
            if error is None:
                self._is_confirmed_by_sequence[sequence] = True
            else:
                self.fail(error)
        self._advance()

    def _advance(self) -> None:
        waiting = self._is_confirmed_by_sequence
        while waiting:
            sequence = next(iter(waiting))
            if not waiting[sequence]:
                break
            del waiting[sequence]
            self._fixture_by_sequence.pop(sequence, None)
            self.acknowledged_sequence = sequence
        self._room.set()
        self.news.set()
