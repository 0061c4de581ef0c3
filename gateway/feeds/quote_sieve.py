"""Quotes of which some markets are wrong: those are suspended, and the others are taken as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.feeds.refusals import FeedRefused, MessageMalformed
from gateway.feeds.validation import check_cells, check_id, check_size
from markets.layout import LayoutMalformed, MarketLayout
from overround.feed.v1.feed_pb2 import Quotes
from overround.odds.v1.book_pb2 import MarketStatus
from wire.layouts import BYTE, COUNT, ODDS, expect_layout_hash, pack, unpack

_SUSPENDED: Final = np.uint8(MarketStatus.MARKET_STATUS_SUSPENDED)


@dataclass(frozen=True, slots=True)
class SiftedQuotes:
    """What is left of quotes.

    Attributes:
        quotes: Without what is wrong.
        refusals: What was wrong with each market.
        suspended_market_ids: Markets that are in the quotes, suspended; one whose own id is wrong is in nobody's book.
    """

    quotes: Quotes
    refusals: Sequence[FeedRefused]
    suspended_market_ids: Sequence[str]


def sift_markets(quotes: Quotes) -> SiftedQuotes:
    """Return quotes without what is wrong with single markets.

    Raises:
        MessageOversized: If there are too many.
        MessageMalformed: If it cannot be told what belongs to which market.
    """
    check_size(quotes)
    columns = _Columns.of(quotes)
    sifting = _Sifting(columns)
    for index in range(len(columns.market_ids)):
        sifting.take(index)
    return sifting.result(quotes)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The columns of quotes, in line, whatever they hold."""

    market_ids: Sequence[str]
    outcome_ids: Sequence[str]
    offsets: Sequence[int]
    market_statuses: NDArray[np.uint8]
    decimal_odds_milli: NDArray[np.uint32]
    starting_odds_milli: NDArray[np.uint32] | None
    winner_counts: NDArray[np.uint8] | None

    @classmethod
    def of(cls, quotes: Quotes) -> _Columns:
        markets, outcomes = len(quotes.market_ids), len(quotes.outcome_ids)
        try:
            expect_layout_hash(quotes)
            counts = unpack(quotes.outcome_counts, COUNT, length=markets, name="outcome_counts")
            offsets = [0, *np.cumsum(counts, dtype=np.int64).tolist()]
            if offsets[-1] != outcomes:
                raise LayoutMalformed(f"outcome_counts must sum to {outcomes} outcomes, summed to {offsets[-1]}")
            winners, starting = quotes.winner_counts, quotes.starting_odds_milli
            return cls(
                list(quotes.market_ids),
                list(quotes.outcome_ids),
                offsets,
                unpack(quotes.market_statuses, BYTE, length=markets, name="market_statuses"),
                unpack(quotes.decimal_odds_milli, ODDS, length=outcomes, name="decimal_odds_milli"),
                unpack(starting, ODDS, length=outcomes, name="starting_odds_milli") if starting else None,
                unpack(winners, BYTE, length=markets, name="winner_counts") if winners else None,
            )
        except LayoutMalformed as error:
            raise MessageMalformed(error.message) from None


class _Sifting:
    """Markets taken one by one."""

    def __init__(self, columns: _Columns) -> None:
        self._columns = columns
        self._occurrences = Counter(columns.market_ids)
        self._markets: dict[str, Sequence[str]] = {}
        self._kept: list[int] = []
        self._kept_outcomes: list[int] = []
        self._suspended: dict[str, None] = {}
        self._refusals: list[FeedRefused] = []

    def take(self, index: int) -> None:
        market_id = self._columns.market_ids[index]
        begin, end = self._columns.offsets[index : index + 2]
        try:
            check_id(market_id, "market_id")
        except FeedRefused as refusal:
            self._refusals.append(refusal)
            return
        try:
            self._check(index, begin, end)
        except FeedRefused as refusal:
            self._refusals.append(type(refusal)(f"{market_id}: {refusal.message}"))
            if market_id not in self._markets:
                self._keep(index, market_id, range(0))
            self._suspended[market_id] = None
        else:
            self._keep(index, market_id, range(begin, end))

    def result(self, quotes: Quotes) -> SiftedQuotes:
        columns = self._columns
        layout = MarketLayout.of_markets(self._markets.items())
        is_suspended = np.array([market_id in self._suspended for market_id in self._markets], dtype=bool)
        statuses = np.where(is_suspended, _SUSPENDED, columns.market_statuses[self._kept])
        left = Quotes(
            layout_hash=layout.layout_hash,
            market_ids=layout.market_ids,
            outcome_counts=layout.outcome_counts.tobytes(),
            outcome_ids=layout.outcome_ids,
            market_statuses=pack(statuses, BYTE),
            decimal_odds_milli=pack(columns.decimal_odds_milli[self._kept_outcomes], ODDS),
            is_snapshot=quotes.is_snapshot,
        )
        if columns.starting_odds_milli is not None:
            left.starting_odds_milli = pack(columns.starting_odds_milli[self._kept_outcomes], ODDS)
        if columns.winner_counts is not None:
            left.winner_counts = pack(columns.winner_counts[self._kept], BYTE)
        return SiftedQuotes(left, self._refusals, list(self._suspended))

    def _check(self, index: int, begin: int, end: int) -> None:
        columns = self._columns
        if self._occurrences[columns.market_ids[index]] > 1:
            raise MessageMalformed("Market ids of a layout must differ, one appears twice")
        outcome_ids = columns.outcome_ids[begin:end]
        for outcome_id in outcome_ids:
            check_id(outcome_id, "outcome_id")
        if len(set(outcome_ids)) != len(outcome_ids):
            raise MessageMalformed("Outcome ids of a market must differ, one appears twice")
        check_cells(columns.market_statuses[index : index + 1].tobytes(), columns.decimal_odds_milli[begin:end])

    def _keep(self, index: int, market_id: str, outcomes: range) -> None:
        self._markets[market_id] = [self._columns.outcome_ids[outcome] for outcome in outcomes]
        self._kept.append(index)
        self._kept_outcomes.extend(outcomes)
