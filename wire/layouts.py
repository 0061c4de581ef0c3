"""Layouts on the wire, and numpy arrays from and to packed columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from markets.layout import LayoutMalformed, MarketLayout, hash_layout

LAYOUTS_CACHED_MAX: Final = 65_536

COUNT: Final = np.dtype("<u2")
BYTE: Final = np.dtype("u1")
ODDS: Final = np.dtype("<u4")
VERSION: Final = np.dtype("<u8")
PROBABILITY: Final = np.dtype("<f8")
WEIGHT: Final = np.dtype("<f4")
SHOWN_PROBABILITY: Final = np.dtype("<f4")


class HasLayout(Protocol):
    """A message with layout columns: Quotes, Book, PriceExplanation."""

    @property
    def layout_hash(self) -> int:
        """Return the digest of the layout."""
        ...

    @property
    def outcome_counts(self) -> bytes:
        """Return the packed outcome counts."""
        ...

    @property
    def market_ids(self) -> Collection[str]:
        """Return the market ids."""
        ...

    @property
    def outcome_ids(self) -> Collection[str]:
        """Return the outcome ids, flattened in market order."""
        ...


_layouts: dict[int, MarketLayout] = {}


def unpack(column: bytes, dtype: np.dtype[Any], *, length: int, name: str) -> NDArray[Any]:
    """Return a packed column as a read-only array without copying.

    Raises:
        LayoutMalformed: If it does not hold `length` items.
    """
    if len(column) != length * dtype.itemsize:
        raise LayoutMalformed(f"{name} must have {length * dtype.itemsize} bytes, had {len(column)}")
    return np.frombuffer(column, dtype)


def unpack_or(missing: float, column: bytes, dtype: np.dtype[Any], *, length: int, name: str) -> NDArray[Any]:
    """Return a packed column, or one full of `missing` where a message from before it was sent has none.

    Raises:
        LayoutMalformed: If it is there and does not hold `length` items.
    """
    return unpack(column, dtype, length=length, name=name) if column else np.full(length, missing, dtype=dtype)


def pack(column: NDArray[Any], dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of an array as a packed column."""
    return column.tobytes() if column.dtype is dtype else column.astype(dtype).tobytes()


def layout_of(message: HasLayout) -> MarketLayout:
    """Return the layout of a message; the same object for the same layout hash while it is cached.

    The ids of a layout seen before are not read again: a message from outside goes through `expect_layout_hash` first.

    Raises:
        LayoutMalformed: If columns do not line up, or the hash is not that of the ids.
    """
    layout = _layouts.get(message.layout_hash)
    if layout is None:
        return _read_layout(message)
    if message.outcome_counts != layout.outcome_counts.tobytes() or len(message.outcome_ids) != layout.outcome_count:
        raise LayoutMalformed(f"Layout hash {message.layout_hash:#x} must stand for one layout, stood for two")
    return layout


def expect_layout_hash(message: HasLayout) -> None:
    """Check that the layout hash of a message is that of its ids.

    Raises:
        LayoutMalformed: If it is not.
    """
    found = hash_layout(message.market_ids, message.outcome_counts, message.outcome_ids)
    if found != message.layout_hash:
        raise LayoutMalformed(f"Layout hash must be {found:#x} for these ids, was {message.layout_hash:#x}")


def remember_layout(layout: MarketLayout) -> MarketLayout:
    """Return the cached layout that equals this one, which it becomes if there is none."""
    if len(_layouts) >= LAYOUTS_CACHED_MAX:
        _forget(list(_layouts)[: LAYOUTS_CACHED_MAX // 2])
    return _layouts.setdefault(layout.layout_hash, layout)


def _read_layout(message: HasLayout) -> MarketLayout:
    counts = unpack(message.outcome_counts, COUNT, length=len(message.market_ids), name="outcome_counts").tolist()
    layout = MarketLayout.of(list(message.market_ids), counts, list(message.outcome_ids))
    if layout.layout_hash != message.layout_hash:
        raise LayoutMalformed(
            f"Layout hash must be {layout.layout_hash:#x} for these ids, was {message.layout_hash:#x}"
        )
    return remember_layout(layout)


def _forget(layout_hashes: Iterable[int]) -> None:
    for layout_hash in layout_hashes:
        _layouts.pop(layout_hash, None)
