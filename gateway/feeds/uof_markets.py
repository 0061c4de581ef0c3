"""Markets in Unified Odds Feed messages: prices, and how they came out."""

from __future__ import annotations

import struct

from lxml import etree

from gateway.feeds.refusals import MessageMalformed
from gateway.feeds.uof_catalogue import MARKET_STATUSES, canonical_market_id, canonical_outcome_id
from gateway.feeds.uof_values import FACTOR_ONE, attribute, factor_micro_of, integer_of, local_name, odds_milli_of
from odds.layout import LayoutMalformed, MarketLayout
from overround.feed.v1.feed_pb2 import MarketResult, OutcomeResult, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus

_KNOWN_IN_MARKET = frozenset({"outcome", "market_metadata"})
_WIN_FACTORS = {"1": FACTOR_ONE, "0": 0, "-1": None}


def quotes_from(message: etree._Element) -> tuple[Quotes | None, int]:
    """Return the prices in an `odds_change`, None where it has none, and how many parts of them nobody knows.

    Raises:
        MessageMalformed: If a market does not have its form or appears twice.
    """
    markets: list[tuple[str, list[str]]] = []
    statuses = bytearray()
    odds_milli: list[int] = []
    unknown = 0
    for market in message.iterfind("{*}odds/{*}market"):
        number, market_id = _ids_of(market)
        statuses.append(_status_of(market))
        outcome_ids = []
        for outcome in market:
            if local_name(outcome) != "outcome":
                unknown += local_name(outcome) not in _KNOWN_IN_MARKET
                continue
            outcome_ids.append(canonical_outcome_id(number, market_id, attribute(outcome, "id")))
            odds_milli.append(odds_milli_of(outcome) if attribute(outcome, "active", "1") == "1" else 0)
        markets.append((market_id, outcome_ids))
    if not markets:
        return None, unknown
    return _pack_quotes(markets, bytes(statuses), odds_milli), unknown


def results_from(message: etree._Element, *, kind: ResultKind.ValueType) -> tuple[list[MarketResult], int]:
    """Return the result of each market of a message, and how many parts of it nobody knows.

    Raises:
        MessageMalformed: If a market, a factor or the time window does not have its form.
    """
    is_settlement = kind == ResultKind.RESULT_KIND_SETTLEMENT
    markets = message.findall("{*}outcomes/{*}market" if is_settlement else "{*}market")
    if not markets:
        raise MessageMalformed(f"{local_name(message)} must name a market")
    results = [_result_of(market, message, kind=kind) for market in markets]
    known = {"outcomes"} if is_settlement else {"market"}
    unknown = sum(local_name(child) not in known for child in message)
    return [result for result in results if result.outcomes or not is_settlement], unknown


def _result_of(market: etree._Element, message: etree._Element, *, kind: ResultKind.ValueType) -> MarketResult:
    number, market_id = _ids_of(market)
    result = MarketResult(kind=kind, market_id=market_id)
    if kind == ResultKind.RESULT_KIND_SETTLEMENT:
        result.certainty = _certainty_of(message)
        result.outcomes.extend(_decided_outcomes(market, number, market_id))
    elif kind != ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK:
        result.window_start_ms = integer_of(message, "start_time", 0)
        result.window_end_ms = integer_of(message, "end_time", 0)
        result.void_reason = attribute(market, "void_reason")
    return result


def _decided_outcomes(market: etree._Element, number: str, market_id: str) -> list[OutcomeResult]:
    decided = []
    for outcome in market.iterfind("{*}outcome"):
        text = attribute(outcome, "result")
        if text not in _WIN_FACTORS:
            raise MessageMalformed(f"Result must be 0, 1 or -1, was {text[:32]!r}")
        win_factor_micro = _WIN_FACTORS[text]
        if win_factor_micro is None:  # not decided yet
            continue
        decided.append(
            OutcomeResult(
                outcome_id=canonical_outcome_id(number, market_id, attribute(outcome, "id")),
                win_factor_micro=win_factor_micro,
                void_factor_micro=factor_micro_of(outcome, "void_factor", 0),
                dead_heat_factor_micro=factor_micro_of(outcome, "dead_heat_factor", FACTOR_ONE),
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


def _pack_quotes(markets: list[tuple[str, list[str]]], statuses: bytes, odds_milli: list[int]) -> Quotes:
    try:
        layout = MarketLayout.of_markets(markets)
    except LayoutMalformed as error:
        raise MessageMalformed(error.message) from None
    return Quotes(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
        market_statuses=statuses,
        decimal_odds_milli=struct.pack(f"<{len(odds_milli)}I", *odds_milli),
    )
