"""Markets in Unified Odds Feed messages: prices, and how they came out.

One market that does not have its form costs itself alone: it is refused, and suspended, since its old price is stale.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from gateway.feeds.refusals import FeedRefused, MessageMalformed, MessageOversized
from gateway.feeds.uof_catalogue import MARKET_STATUSES, canonical_market_id, canonical_outcome_id
from gateway.feeds.uof_values import (
    attribute,
    epoch_ms_of,
    factor_micro_of,
    integer_of,
    local_name,
    odds_milli_of,
)
from gateway.feeds.validation import MARKETS_MAX, NAME_LENGTH_MAX, OUTCOMES_MAX, RESULTS_MAX
from markets.layout import LayoutMalformed, MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from overround.feed.v1.feed_pb2 import MarketResult, OutcomeResult, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus

_KNOWN_IN_MARKET = frozenset({"outcome", "market_metadata"})
_WIN_FACTORS = {"1": FACTOR_ONE_MICRO, "0": 0, "-1": None}


@dataclass(slots=True)
class _Market:
    """Prices of one market."""

    status: MarketStatus.ValueType
    odds_milli_by_outcome: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class QuotesReading:
    """The prices of a message, read; a market that was refused is suspended.

    Attributes:
        quotes: None where there are none.
        refusals: Of markets that do not have their form.
        has_nameless: One of them does not tell which market it is: it may be any.
        unknown_part_count: Parts that nobody knows.
    """

    quotes: Quotes | None = None
    refusals: list[FeedRefused] = field(default_factory=list)
    has_nameless: bool = False
    unknown_part_count: int = 0


@dataclass(slots=True)
class ResultsReading:
    """The results of a message, read.

    Attributes:
        refusals: Of markets whose result does not have its form.
        refused_market_ids: Which they are.
        has_nameless: One of them does not tell which market it is: it may be any.
        unknown_part_count: Parts that nobody knows.
    """

    results: list[MarketResult] = field(default_factory=list)
    refusals: list[FeedRefused] = field(default_factory=list)
    refused_market_ids: list[str] = field(default_factory=list)
    has_nameless: bool = False
    unknown_part_count: int = 0


def quotes_from(message: etree._Element, *, is_suspended: bool) -> QuotesReading:
    """Return the prices in an `odds_change`.

    Args:
        message: The message.
        is_suspended: What prices depend on is not known: nothing of them may be bet on.
    """
    reading = QuotesReading()
    markets: dict[str, _Market] = {}
    for element in message.iterfind("{*}odds/{*}market"):
        market_id = ""
        try:
            number, market_id = _ids_of(element)
            if market_id in markets:
                raise MessageMalformed(f"A market must appear once, {market_id} did twice")
            markets[market_id] = _market_of(element, number, market_id)
        except MessageMalformed as refusal:
            reading.refusals.append(refusal)
            reading.has_nameless |= not market_id
            if market_id:
                markets[market_id] = _Market(MarketStatus.MARKET_STATUS_SUSPENDED)
        reading.unknown_part_count += sum(local_name(child) not in _KNOWN_IN_MARKET for child in element)
    if is_suspended:
        for market in markets.values():
            _suspend(market)
    try:
        reading.quotes = _pack_quotes(markets) if markets else None
    except FeedRefused as refusal:
        reading.refusals.append(refusal)
        reading.has_nameless = True
    return reading


def results_from(message: etree._Element, *, kind: ResultKind.ValueType) -> ResultsReading:
    """Return the result of each market of a message.

    Raises:
        MessageMalformed: If it names no market, or its certainty or its time window does not have its form.
        MessageOversized: If it names too many.
    """
    is_settlement = kind == ResultKind.RESULT_KIND_SETTLEMENT
    markets = message.findall("{*}outcomes/{*}market" if is_settlement else "{*}market")
    if not markets:
        raise MessageMalformed(f"{local_name(message)} must name a market")
    if len(markets) > RESULTS_MAX:
        raise MessageOversized(f"A message has at most {RESULTS_MAX} results, had {len(markets)}")
    common = _common_of(message, kind=kind)
    known = {"outcomes"} if is_settlement else {"market"}
    reading = ResultsReading(unknown_part_count=sum(local_name(child) not in known for child in message))
    for market in markets:
        market_id = ""
        try:
            number, market_id = _ids_of(market)
            result = MarketResult()
            result.CopyFrom(common)
            _read_result(market, number, market_id, result)
        except MessageMalformed as refusal:
            reading.refusals.append(refusal)
            reading.has_nameless |= not market_id
            reading.refused_market_ids += [market_id] if market_id else []
            continue
        if result.outcomes or not is_settlement:
            reading.results.append(result)
    return reading


def named_markets(message: etree._Element) -> Iterator[str]:
    """Yield the ids of the markets that a message of results names, as far as they can be read."""
    for market in message.iterfind(".//{*}market"):
        try:
            yield _ids_of(market)[1]
        except MessageMalformed:
            continue


def _market_of(element: etree._Element, number: str, market_id: str) -> _Market:
    market = _Market(_status_of(element))
    for outcome in element.iterfind("{*}outcome"):
        outcome_id = canonical_outcome_id(number, market_id, attribute(outcome, "id"))
        if outcome_id in market.odds_milli_by_outcome:
            raise MessageMalformed(f"An outcome of {market_id} must appear once, {outcome_id[:64]} did twice")
        is_offered = attribute(outcome, "active", "1") == "1"
        market.odds_milli_by_outcome[outcome_id] = odds_milli_of(outcome) if is_offered else 0
    return market


def _suspend(market: _Market) -> None:
    if market.status == MarketStatus.MARKET_STATUS_OPEN:
        market.status = MarketStatus.MARKET_STATUS_SUSPENDED


def _common_of(message: etree._Element, *, kind: ResultKind.ValueType) -> MarketResult:
    """Return what the results of a message have in common."""
    result = MarketResult(kind=kind)
    if kind == ResultKind.RESULT_KIND_SETTLEMENT:
        result.certainty = _certainty_of(message)
    elif kind != ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK:
        result.window_start_ms = epoch_ms_of(message, "start_time")
        result.window_end_ms = epoch_ms_of(message, "end_time")
        if 0 < result.window_end_ms < result.window_start_ms:
            raise MessageMalformed("A cancellation's window must not end before it starts")
    return result


def _read_result(market: etree._Element, number: str, market_id: str, result: MarketResult) -> None:
    result.market_id = market_id
    if result.kind == ResultKind.RESULT_KIND_SETTLEMENT:
        result.outcomes.extend(_decided_outcomes(market, number, market_id))
    elif result.kind != ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK:
        result.void_reason = attribute(market, "void_reason")[:NAME_LENGTH_MAX]


def _decided_outcomes(market: etree._Element, number: str, market_id: str) -> list[OutcomeResult]:
    decided = []
    named: set[str] = set()
    for outcome in market.iterfind("{*}outcome"):
        outcome_id = canonical_outcome_id(number, market_id, attribute(outcome, "id"))
        if outcome_id in named:
            raise MessageMalformed(f"A result of {market_id} must name an outcome once, {outcome_id[:64]} was twice")
        named.add(outcome_id)
        text = attribute(outcome, "result")
        if text not in _WIN_FACTORS:
            raise MessageMalformed(f"Result must be 0, 1 or -1, was {text[:32]!r}")
        win_factor_micro = _WIN_FACTORS[text]
        if win_factor_micro is None:  # not decided yet
            continue
        decided.append(
            OutcomeResult(
                outcome_id=outcome_id,
                win_factor_micro=win_factor_micro,
                void_factor_micro=factor_micro_of(outcome, "void_factor", 0),
                dead_heat_factor_micro=factor_micro_of(outcome, "dead_heat_factor", FACTOR_ONE_MICRO),
            )
        )
    return decided


def _certainty_of(message: etree._Element) -> int:
    certainty = integer_of(message, "certainty", 0)
    if certainty not in (0, 1, 2):
        raise MessageMalformed(f"Certainty must be 1 or 2, was {certainty}")
    return certainty


def _ids_of(market: etree._Element) -> tuple[str, str]:
    number = attribute(market, "id")
    return number, canonical_market_id(number, attribute(market, "specifiers"))


def _status_of(market: etree._Element) -> MarketStatus.ValueType:
    text = attribute(market, "status", "1")  # a missing status means active
    status = MARKET_STATUSES.get(text)
    if status is None:
        raise MessageMalformed(f"Market status must be from -4 to 1, was {text[:32]!r}")
    return status


def _pack_quotes(markets: dict[str, _Market]) -> Quotes:
    outcomes_by_market = [(market_id, tuple(market.odds_milli_by_outcome)) for market_id, market in markets.items()]
    odds_milli = [item for market in markets.values() for item in market.odds_milli_by_outcome.values()]
    if len(markets) > MARKETS_MAX or len(odds_milli) > OUTCOMES_MAX:
        raise MessageOversized(
            f"A message has at most {MARKETS_MAX} markets and {OUTCOMES_MAX} outcomes, "
            f"had {len(markets)} and {len(odds_milli)}"
        )
    try:
        layout = MarketLayout.of_markets(outcomes_by_market)
    except LayoutMalformed as error:
        raise MessageMalformed(error.message) from None
    return Quotes(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
        market_statuses=bytes(market.status for market in markets.values()),
        decimal_odds_milli=struct.pack(f"<{len(odds_milli)}I", *odds_milli),
    )
