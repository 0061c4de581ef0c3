"""Reports of simulated providers as the feed's messages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from markets.layout import MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from simulation.providers import MarketQuote, ProviderReport
from wire.feed import build_quotes
from wire.results import build_market_result


def build_update(
    report: ProviderReport, description: fixture_pb2.FixtureDescription, *, fixture_id: str, sequence: int, time_ms: int
) -> feed_pb2.FeedUpdate:
    """Return the message for a report."""
    update = feed_pb2.FeedUpdate(
        fixture_id=fixture_id,
        sequence=sequence,
        provider_time_ms=time_ms,
        description=description,
        state=report.state,
        results=[build_result(market_id, outcomes) for market_id, outcomes in report.results.items()],
    )
    if report.quotes:
        update.quotes.CopyFrom(build_quote_columns(report.quotes))
    if report.is_bet_stop:
        update.bet_stop.SetInParent()
    return update


def build_quote_columns(quotes: tuple[MarketQuote, ...]) -> feed_pb2.Quotes:
    """Return the columns of a snapshot: a market without a price is suspended."""
    layout = MarketLayout.of_markets((quote.market_id, quote.outcome_ids) for quote in quotes)
    statuses = [
        book_pb2.MARKET_STATUS_OPEN if any(quote.decimal_odds) else book_pb2.MARKET_STATUS_SUSPENDED for quote in quotes
    ]
    odds = [round(price * 1000) if price else 0 for quote in quotes for price in quote.decimal_odds]
    return build_quotes(
        layout,
        market_statuses=np.array(statuses, dtype=np.uint8),
        decimal_odds_milli=np.array(odds, dtype=np.uint32),
        is_snapshot=True,
    )


def build_result(market_id: str, outcomes: Mapping[str, str]) -> feed_pb2.MarketResult:
    """Return the settlement of one market."""
    results = tuple(
        OutcomeResult(
            outcome_id,
            FACTOR_ONE_MICRO if result == "won" else 0,
            FACTOR_ONE_MICRO if result == "void" else 0,
            FACTOR_ONE_MICRO,
        )
        for outcome_id, result in outcomes.items()
    )
    return build_market_result(MarketResult(ResultKind.SETTLEMENT, market_id, results, certainty=CONFIRMED))
