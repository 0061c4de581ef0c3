"""Layouts: which markets and outcomes the columns of a book or of quotes stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from kernel.errors import Category, DomainError

MARKETS_MAX = 4_096
OUTCOMES_MAX = 32_768

_ITEM = "\x1e"
_PART = b"\x1d"


class LayoutMalformed(DomainError):
    """Columns do not line up."""

    reason = "LAYOUT_MALFORMED"
    category = Category.MALFORMED


class MarketUnknown(DomainError):
    """The fixture has no such market."""

    reason = "MARKET_UNKNOWN"
    category = Category.UNKNOWN


class OutcomeUnknown(DomainError):
    """The market has no such outcome."""

    reason = "OUTCOME_UNKNOWN"
    category = Category.UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class MarketLayout:
    """Markets and their outcomes, in the order of every column; the first is the main market.

    Attributes:
        outcome_counts: Outcomes of each market, uint16.
        outcome_ids: Flattened in market order.
        offsets: Where each market's outcomes begin in an outcome column, one more than there are markets, int64.
        layout_hash: Equal for equal layouts; travels in their stead.
    """

    market_ids: tuple[str, ...]
    outcome_counts: NDArray[np.uint16]
    outcome_ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    layout_hash: int
    index_by_market_id: dict[str, int]

    @classmethod
    def of(cls, market_ids: Sequence[str], outcome_counts: Sequence[int], outcome_ids: Sequence[str]) -> MarketLayout:
        """Build a layout.

        Raises:
            LayoutMalformed: If the columns do not line up, an id appears twice, or there are too many.
        """
        _expect_bounded(len(market_ids), len(outcome_ids))
        if len(outcome_counts) != len(market_ids) or sum(outcome_counts) != len(outcome_ids):
            raise LayoutMalformed(
                f"{len(market_ids)} markets must have as many outcome counts that sum to {len(outcome_ids)} outcomes, "
                f"had {len(outcome_counts)} that sum to {sum(outcome_counts)}"
            )
        index_by_market_id = {market_id: index for index, market_id in enumerate(market_ids)}
        if len(index_by_market_id) != len(market_ids):
            raise LayoutMalformed("Market ids of a layout must differ, one appears twice")
        counts = np.asarray(outcome_counts, dtype="<u2")
        offsets = np.zeros(len(market_ids) + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        _expect_outcomes_differ(outcome_ids, offsets.tolist())
        layout_hash = hash_layout(market_ids, counts.tobytes(), outcome_ids)
        return cls(tuple(market_ids), counts, tuple(outcome_ids), offsets, layout_hash, index_by_market_id)

    @classmethod
    def of_markets(cls, markets: Iterable[tuple[str, Sequence[str]]]) -> MarketLayout:
        """Build a layout from pairs of market id and outcome ids."""
        pairs = list(markets)
        outcome_ids = list(chain.from_iterable(outcomes for _, outcomes in pairs))
        return cls.of([market_id for market_id, _ in pairs], [len(outcomes) for _, outcomes in pairs], outcome_ids)

    @property
    def market_count(self) -> int:
        """Return how many markets there are."""
        return len(self.market_ids)

    @property
    def outcome_count(self) -> int:
        """Return how many outcomes all markets have together."""
        return len(self.outcome_ids)

    def market_index(self, market_id: str) -> int:
        """Return where a market stands in market columns.

        Raises:
            MarketUnknown: If it is not in the layout.
        """
        try:
            return self.index_by_market_id[market_id]
        except KeyError:
            raise MarketUnknown(f"Market must be one of the fixture's, was {market_id[:64]!r}") from None

    def outcome_ids_of(self, market_index: int) -> tuple[str, ...]:
        """Return the outcome ids of one market."""
        return self.outcome_ids[self.offsets[market_index] : self.offsets[market_index + 1]]

    def outcome_index(self, market_id: str, outcome_id: str) -> int:
        """Return where an outcome stands in outcome columns.

        Raises:
            MarketUnknown: If the market is not in the layout.
            OutcomeUnknown: If the market has no such outcome.
        """
        market_index = self.market_index(market_id)
        try:
            return int(self.offsets[market_index]) + self.outcome_ids_of(market_index).index(outcome_id)
        except ValueError:
            raise OutcomeUnknown(f"Outcome must be one of {market_id}'s, was {outcome_id[:64]!r}") from None


def hash_layout(market_ids: Iterable[str], packed_outcome_counts: bytes, outcome_ids: Iterable[str]) -> int:
    """Return the first eight bytes of the layout's BLAKE2b digest, read as a little-endian integer."""
    text = b"".join(
        (_ITEM.join(market_ids).encode(), _PART, packed_outcome_counts, _PART, _ITEM.join(outcome_ids).encode())
    )
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def _expect_bounded(market_count: int, outcome_count: int) -> None:
    if market_count > MARKETS_MAX or outcome_count > OUTCOMES_MAX:
        raise LayoutMalformed(
            f"A layout holds at most {MARKETS_MAX} markets and {OUTCOMES_MAX} outcomes, "
            f"was given {market_count} and {outcome_count}"
        )


def _expect_outcomes_differ(outcome_ids: Sequence[str], offsets: list[int]) -> None:
    for begin, end in pairwise(offsets):
        if len(set(outcome_ids[begin:end])) != end - begin:
            raise LayoutMalformed("Outcome ids of a market must differ, one appears twice")
