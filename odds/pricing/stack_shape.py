"""Which columns of a batch belong together: fixtures, their markets, and the markets' outcomes, behind each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from markets.layout import MarketLayout
from odds.fixture.winners import winner_counts_of

Integers = NDArray[np.int64]

# Markets are priced together with those of up to the same width; all together while that wastes little.
WIDTHS: Final = (4, 32, 256)
CELLS_UNGROUPED_MAX: Final = 4_096
FIXTURES_CACHED_MAX: Final = 4
"""Batches of so few fixtures come again with the same layouts."""
SHAPES_CACHED_MAX: Final = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class MarketGroup:
    """Markets of about the same width.

    Attributes:
        markets: Which of the batch's these are.
        cells: Where their outcomes stand, shape (markets, width); one past the end for padding.
    """

    markets: Integers
    cells: Integers


@dataclass(frozen=True, slots=True, eq=False)
class StackShape:
    """Where fixtures, markets and outcomes stand: M markets and O outcomes in all.

    Attributes:
        market_offsets: Where each fixture's markets begin, shape (fixtures + 1,).
        fixture_outcome_offsets: The same for outcomes.
        outcome_counts: Shape (M,).
        outcome_offsets: Where each market's outcomes begin, shape (M,).
        winner_counts: How many outcomes win by the markets' types, shape (M,).
        fixture_of_market: Shape (M,).
        market_of_outcome: Shape (O,).
        groups: Markets by width; none of fewer than two outcomes.
    """

    market_offsets: Integers
    fixture_outcome_offsets: Integers
    outcome_counts: Integers
    outcome_offsets: Integers
    winner_counts: NDArray[np.float64]
    fixture_of_market: Integers
    market_of_outcome: Integers
    groups: tuple[MarketGroup, ...]

    @property
    def market_count(self) -> int:
        """Return M."""
        return len(self.fixture_of_market)

    @property
    def outcome_count(self) -> int:
        """Return O."""
        return len(self.market_of_outcome)

    def to_markets(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat values of fixtures, on the last axis, for each of their markets."""
        return values.take(self.fixture_of_market, axis=-1)

    def to_outcomes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat values of markets for each of their outcomes."""
        return values.take(self.market_of_outcome)

    def any_in_markets(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether any outcome of each market has the flag; not in a market without outcomes."""
        running = _running_counts(flags)
        return np.asarray(running[self.outcome_offsets + self.outcome_counts] > running[self.outcome_offsets])

    def any_in_fixtures(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether any market of each fixture has the flag; not in a fixture without markets."""
        running = _running_counts(flags)
        return np.asarray(running[self.market_offsets[1:]] > running[self.market_offsets[:-1]])

    def sum_in_markets(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over the outcomes of each market; 0.0 in a market without outcomes."""
        return np.bincount(self.market_of_outcome, values, minlength=self.market_count).astype(np.float64, copy=False)


def shape_of(layouts: Sequence[MarketLayout]) -> StackShape:
    """Return the shape of a batch whose fixtures have these layouts."""
    return _cached_shape(tuple(layouts)) if len(layouts) <= FIXTURES_CACHED_MAX else _shape(layouts)


@lru_cache(maxsize=SHAPES_CACHED_MAX)
def _cached_shape(layouts: tuple[MarketLayout, ...]) -> StackShape:
    return _shape(layouts)


def _shape(layouts: Sequence[MarketLayout]) -> StackShape:
    market_offsets = _offsets([layout.market_count for layout in layouts])
    outcome_counts = np.concatenate([layout.outcome_counts for layout in layouts]).astype(np.int64)
    offsets = np.cumsum(outcome_counts) - outcome_counts
    return StackShape(
        market_offsets=market_offsets,
        fixture_outcome_offsets=_offsets([layout.outcome_count for layout in layouts]),
        outcome_counts=outcome_counts,
        outcome_offsets=offsets,
        winner_counts=np.concatenate([winner_counts_of(layout) for layout in layouts]),
        fixture_of_market=np.repeat(np.arange(len(layouts)), np.diff(market_offsets)),
        market_of_outcome=np.repeat(np.arange(len(outcome_counts)), outcome_counts),
        groups=tuple(
            MarketGroup(markets, _cells(offsets[markets], outcome_counts[markets], width, int(outcome_counts.sum())))
            for markets, width in _by_width(outcome_counts)
        ),
    )


def _by_width(outcome_counts: Integers) -> list[tuple[Integers, int]]:
    """Return groups of market indices, each with the width its rows are padded to."""
    widest = int(outcome_counts.max(initial=0))
    is_small = widest * len(outcome_counts) <= CELLS_UNGROUPED_MAX
    widths = [widest] if is_small else [*(width for width in WIDTHS if width < widest), widest]
    classes = np.searchsorted(widths, outcome_counts)
    groups = [(np.flatnonzero(classes == index), width) for index, width in enumerate(widths)]
    return [(markets, width) for markets, width in groups if len(markets) and width >= 2]


def _cells(offsets: Integers, outcome_counts: Integers, width: int, padding: int) -> Integers:
    places = np.arange(width)
    return np.where(places < outcome_counts[:, None], offsets[:, None] + places, padding)


def _offsets(counts: list[int]) -> Integers:
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _running_counts(flags: NDArray[np.bool_]) -> Integers:
    running = np.zeros(len(flags) + 1, dtype=np.int64)
    flags.cumsum(out=running[1:])
    return running
