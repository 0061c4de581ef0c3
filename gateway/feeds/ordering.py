"""Sequences for feeds that have none, and what came too late."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.feeds.refusals import MessageMalformed

REMEMBERED_MAX: Final = 65_536
TIME_MS_MAX: Final = (1 << 43) - 1
STAMP_AHEAD_MS_MAX: Final = 60_000
"""A provider's clock may be wrong by so much. What is stamped later still would make all that comes after it late."""
_COUNTER_BITS: Final = 12


def expect_stamped(time_ms: int, *, now_us: int) -> int:
    """Return the time stamp of a message.

    Args:
        time_ms: As the provider told it, milliseconds since the Unix epoch, UTC.
        now_us: By our clock.

    Raises:
        MessageMalformed: If it is no time, or is yet to come.
    """
    latest_ms = min(TIME_MS_MAX, now_us // 1_000 + STAMP_AHEAD_MS_MAX)
    if not 0 <= time_ms <= latest_ms:
        raise MessageMalformed(f"Time stamp must be from 0 to {latest_ms} ms, our time and a minute, was {time_ms}")
    return time_ms


class SequenceClock:
    """Gives the messages of one provider sequences that rise and never repeat, like a hybrid logical clock.

    A sequence is the provider's own time stamp with room for 4,096 messages a millisecond; where that would not rise
    it is one more than the last. So the same messages in the same order get the same sequences in every run (a replay
    that is run again is idempotent), and a message that comes again within the last 65,536 gets the sequence it had.
    """

    def __init__(self) -> None:
        self._last_sequence = 0
        self._sequence_by_digest: dict[Hashable, int] = {}

    def assign(self, time_ms: int, digest: Hashable) -> tuple[int, bool]:
        """Return the sequence of a message, and whether it has been seen before.

        Raises:
            MessageMalformed: If the time stamp is no time.
        """
        known = self._sequence_by_digest.get(digest)
        if known is not None:
            return known, True
        sequence = self.next(time_ms)
        if len(self._sequence_by_digest) >= REMEMBERED_MAX:
            del self._sequence_by_digest[next(iter(self._sequence_by_digest))]
        self._sequence_by_digest[digest] = sequence
        return sequence, False

    def next(self, time_ms: int) -> int:
        """Return the sequence of a message that is known to be new.

        Raises:
            MessageMalformed: If the time stamp is no time.
        """
        if not 0 <= time_ms <= TIME_MS_MAX:
            raise MessageMalformed(f"Time stamp must be from 0 to {TIME_MS_MAX} ms, was {time_ms}")
        self._last_sequence = max(self._last_sequence + 1, time_ms << _COUNTER_BITS)
        return self._last_sequence


class NewestTimes:
    """The newest time stamp taken of each stream of messages whose order matters."""

    def __init__(self) -> None:
        self._time_ms_by_stream: dict[Hashable, int] = {}

    def of(self, stream: Hashable) -> int:
        """Return the newest time stamp of a stream, 0 for none."""
        return self._time_ms_by_stream.get(stream, 0)

    def is_late(self, stream: Hashable, time_ms: int) -> bool:
        """Return whether something newer was noted; else note this one."""
        newest_ms = self._time_ms_by_stream.pop(stream, 0)
        if len(self._time_ms_by_stream) >= REMEMBERED_MAX:
            del self._time_ms_by_stream[next(iter(self._time_ms_by_stream))]
        self._time_ms_by_stream[stream] = max(newest_ms, time_ms)
        return time_ms < newest_ms
