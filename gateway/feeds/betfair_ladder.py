"""Prices at which an exchange lets people back, kept from differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

LEVELS_MAX: Final = 1_024
PRICE_MIN: Final = 1.001
PRICE_MAX: Final = 1_000.0


class Ladder:
    """Prices at which the exchange lets people back, with the size at each; the highest is the best.

    A difference that cannot be read leaves its place in doubt until a later one says what stands there: the exchange
    does not say anything twice.
    """

    __slots__ = ("_doubts", "_price_by_level", "_size_by_price", "best")

    def __init__(self) -> None:
        self.best = 0.0
        self._size_by_price: dict[float, float] = {}
        self._price_by_level: dict[int, float] = {}
        self._doubts: set[float | None] = set()

    @property
    def is_doubtful(self) -> bool:
        """Return whether something it was told could not be read, and was not told again since."""
        return bool(self._doubts)

    def set_sizes(self, deltas: Any) -> bool:
        """Take [price, size] deltas, a size of 0 removes the price; return whether all could be read."""
        return self._take(deltas, self._set_size)

    def set_levels(self, deltas: Any) -> bool:
        """Take [level, price, size] deltas, a size of 0 empties the level; return whether all could be read."""
        is_read = self._take(deltas, self._set_level)
        self.best = max(self._price_by_level.values(), default=0.0)
        return is_read

    def _take(self, deltas: Any, take_one: Callable[..., None]) -> bool:
        is_list = isinstance(deltas, list)
        is_read = is_list or self._doubt(None)
        for delta in deltas if is_list else ():
            try:
                if delta != []:  # says nothing
                    take_one(*delta)
            except (TypeError, ValueError):
                is_read = self._doubt(delta)
        return is_read

    def _set_size(self, price: float, size: float) -> None:
        sizes = self._size_by_price
        if size > 0:
            _expect(PRICE_MIN <= price <= PRICE_MAX and (len(sizes) < LEVELS_MAX or price in sizes))
            sizes[price] = size
            self.best = max(self.best, price)
        else:
            _expect(size == 0 and price >= 0)
            if sizes.pop(price, None) is not None and price == self.best:
                self.best = max(sizes, default=0.0)
        self._doubts.discard(price)

    def _set_level(self, level: float, price: float, size: float) -> None:
        place = int(level)
        _expect(0 <= place < LEVELS_MAX and place == level)
        if size > 0:
            _expect(PRICE_MIN <= price <= PRICE_MAX)
            self._price_by_level[place] = price
        else:
            _expect(size == 0)
            self._price_by_level.pop(place, None)
        self._doubts.discard(place)

    def _doubt(self, delta: Any) -> bool:
        """Note that nobody knows what stands at the place of a delta, at any if it names none; never read."""
        place = delta[0] if isinstance(delta, list) else None
        is_named = isinstance(place, int | float) and len(self._doubts) < LEVELS_MAX
        self._doubts.add(place if is_named else None)
        return False


def _expect(is_sound: bool) -> None:
    if not is_sound:
        raise ValueError("a delta is out of its range")
