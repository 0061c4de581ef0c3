"""Figures of the last seconds: how many, what share, how slow. Bounded, and cheap enough to note every price."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernel.clock import Clock

LATENCY_BINS: Final = 160
# Bins grow by a tenth each, from 0.1 ms to some 400 s; a quantile is right to within ten per cent.
_BIN_GROWTH_LOG: Final = math.log(1.1)
_LATENCY_MS_MIN: Final = 0.1


class RollingCount:
    """How many things happened in each of the last seconds."""

    def __init__(self, clock: Clock, *, window_s: int) -> None:
        self._clock = clock
        self._window_s = window_s
        self._counts: NDArray[np.int64] = np.zeros(window_s + 1, dtype=np.int64)
        self._second = int(clock.monotonic_s())

    def add(self, count: int) -> None:
        """Count things that happened now."""
        self._counts[self._advance()] += count

    def total(self) -> int:
        """Return how many happened in the whole seconds of the window, the running one left out."""
        running = self._advance()
        return int(self._counts.sum() - self._counts[running])

    def rate_per_s(self) -> float:
        """Return how many happened a second."""
        return self.total() / self._window_s

    def _advance(self) -> int:
        second = int(self._clock.monotonic_s())
        size = len(self._counts)
        for passed in range(max(self._second + 1, second - size + 1), second + 1):
            self._counts[passed % size] = 0
        self._second = max(self._second, second)
        return self._second % size


class RollingLatency:
    """How long things took in the last seconds."""

    def __init__(self, clock: Clock, *, window_s: int) -> None:
        self._clock = clock
        self._bins: NDArray[np.int64] = np.zeros((window_s, LATENCY_BINS), dtype=np.int64)
        self._second = int(clock.monotonic_s())

    def add(self, latency_ms: float) -> None:
        """Note how long something took that has just ended."""
        ratio = max(latency_ms, _LATENCY_MS_MIN) / _LATENCY_MS_MIN
        index = min(int(math.log(ratio) / _BIN_GROWTH_LOG), LATENCY_BINS - 1)
        self._bins[self._advance(), index] += 1

    def quantile_ms(self, quantile: float) -> float:
        """Return the upper end of the bin that holds the quantile; NaN if nothing was noted."""
        self._advance()
        cumulative = self._bins.sum(axis=0).cumsum()
        if cumulative[-1] == 0:
            return math.nan
        index = int(np.searchsorted(cumulative, quantile * cumulative[-1]))
        return _LATENCY_MS_MIN * math.exp(_BIN_GROWTH_LOG * (index + 1))

    def _advance(self) -> int:
        second = int(self._clock.monotonic_s())
        size = len(self._bins)
        for passed in range(max(self._second + 1, second - size + 1), second + 1):
            self._bins[passed % size] = 0
        self._second = max(self._second, second)
        return self._second % size


class DeskFigures:
    """What the strip of the desk shows of this gateway's work."""

    def __init__(self, clock: Clock) -> None:
        self._prices = RollingCount(clock, window_s=1)
        self._price_latency = RollingLatency(clock, window_s=60)
        self._bets = RollingCount(clock, window_s=10)
        self._bets_answered = RollingCount(clock, window_s=60)
        self._bets_accepted = RollingCount(clock, window_s=60)
        self._bet_latency = RollingLatency(clock, window_s=60)

    def note_book(self, moved_count: int, latency_ms: float | None) -> None:
        """Note how many prices a book moved, and how long after the feed update that made it; None if none did."""
        self._prices.add(moved_count)
        if latency_ms is not None:
            self._price_latency.add(latency_ms)

    def note_bet(self, latency_ms: float, *, is_accepted: bool) -> None:
        """Note a bet that was answered, and how long that took without the in-play delay."""
        self._bets.add(1)
        self._bets_answered.add(1)
        self._bets_accepted.add(int(is_accepted))
        self._bet_latency.add(latency_ms)

    @property
    def prices_per_second(self) -> float:
        """Prices that changed in the last second."""
        return self._prices.rate_per_s()

    @property
    def bets_per_second(self) -> float:
        """Bets answered a second, over ten seconds."""
        return self._bets.rate_per_s()

    @property
    def accepted_ratio(self) -> float:
        """Share of the bets answered in the last minute that was accepted; NaN if there was none."""
        answered = self._bets_answered.total()
        return self._bets_accepted.total() / answered if answered else math.nan

    @property
    def bet_p99_ms(self) -> float:
        """99th percentile of the time to answer a bet in the last minute; NaN if there was none."""
        return self._bet_latency.quantile_ms(0.99)

    @property
    def price_p99_ms(self) -> float:
        """99th percentile of feed to book in the last minute, of books that a feed made; NaN if there was none."""
        return self._price_latency.quantile_ms(0.99)
