"""What is said over and over is told once in a while."""

from __future__ import annotations

import math
from collections.abc import Hashable

from kernel.clock import Clock


class Seldom:
    """Says whether something is due to be told again, by what it is about."""

    def __init__(self, clock: Clock, *, interval_s: float, keys_max: int) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._keys_max = keys_max
        self._told_s: dict[Hashable, float] = {}

    def is_due(self, key: Hashable) -> bool:
        """Return whether it was not told for the interval, and note that it is told now."""
        now_s = self._clock.monotonic_s()
        told_s = self._told_s.pop(key, -math.inf)
        is_due = now_s - told_s >= self._interval_s
        self._told_s[key] = now_s if is_due else told_s
        if len(self._told_s) > self._keys_max:
            del self._told_s[next(iter(self._told_s))]
        return is_due
