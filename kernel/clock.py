"""Time as a parameter."""

from __future__ import annotations

import time
from typing import Final, Protocol


class Clock(Protocol):
    """What tells the time; production uses SystemClock, tests their own."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some fixed moment, never falling."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000

    def monotonic_s(self) -> float:
        """Return seconds since some fixed moment, never falling."""
        return time.monotonic()


SYSTEM_CLOCK: Final = SystemClock()
"""For those whom nobody gives another."""
