"""The explanation of prices as it is answered: rows to read instead of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from odds.book import Explanation
from odds.price_steps import PriceSteps, retrace
from overround.odds.v1 import book_pb2
from overround.trading.v1 import trading_service_pb2
from wire.books import build_goal_means


def build_explained(
    explanation: Explanation, market_indices: Iterable[int]
) -> trading_service_pb2.ExplainPriceResponse:
    """Return the answer about some markets of a version."""
    return trading_service_pb2.ExplainPriceResponse(
        fixture_id=explanation.fixture_id,
        version=explanation.version,
        published_time_us=explanation.published_time_us,
        margin_removal=explanation.margin_removal,
        goal_means=build_goal_means(explanation.goal_means),
        margin_application=explanation.margin_application,
        ladder=explanation.ladder,
        markets=[_build_market(explanation, index) for index in market_indices],
    )


def _build_market(explanation: Explanation, index: int) -> trading_service_pb2.ExplainedMarket:
    return trading_service_pb2.ExplainedMarket(
        market_id=explanation.layout.market_ids[index],
        status=book_pb2.MarketStatus.ValueType(explanation.market_statuses[index]),
        suspension_reason=book_pb2.SuspensionReason.ValueType(explanation.suspension_reasons[index]),
        price_source=book_pb2.PriceSource.ValueType(explanation.price_sources[index]),
        overround_wanted=_number(explanation.wanted_overrounds, index),
        overround=_number(explanation.overrounds, index),
        providers=[
            trading_service_pb2.ExplainedProvider(
                provider_id=provider.provider_id,
                weight=float(weights[index]),
                received_time_us=provider.received_time_us,
                status=book_pb2.MarketStatus.ValueType(provider.market_statuses[index]),
                is_behind=provider.is_behind,
                is_bet_stopped=bool(provider.bet_stops[index]),
            )
            for provider, weights in zip(explanation.providers, explanation.weights, strict=True)
        ],
        outcomes=_build_outcomes(explanation, index),
    )


def _build_outcomes(explanation: Explanation, market_index: int) -> Iterator[trading_service_pb2.ExplainedOutcome]:
    steps = retrace(explanation, market_index)
    begin = int(explanation.layout.offsets[market_index])
    for place, outcome_id in enumerate(explanation.layout.outcome_ids_of(market_index)):
        yield trading_service_pb2.ExplainedOutcome(
            outcome_id=outcome_id,
            provider_prices=_build_prices(explanation, steps, begin, place),
            blended_probability=_number(explanation.blended_probabilities, begin + place),
            fair_probability=_number(explanation.fair_probabilities, begin + place),
            shift_logit=_number(steps.shifts_logit, place),
            decimal_odds_before_ladder=_number(steps.decimal_odds, place),
            decimal_odds_milli=int(explanation.decimal_odds_milli[begin + place]),
        )


def _build_prices(
    explanation: Explanation, steps: PriceSteps, begin: int, place: int
) -> Iterator[trading_service_pb2.ProviderPrice]:
    for provider, probabilities in zip(explanation.providers, steps.provider_probabilities, strict=True):
        decimal_odds_milli = int(provider.decimal_odds_milli[begin + place])
        if decimal_odds_milli:
            yield trading_service_pb2.ProviderPrice(
                provider_id=provider.provider_id,
                decimal_odds_milli=decimal_odds_milli,
                fair_probability=_number(probabilities, place),
            )


def _number(column: NDArray[np.floating], index: int) -> float | None:
    """Return what an optional field holds: nothing for NaN, a single-precision number as it is written shortest."""
    value = column[index]
    return None if np.isnan(value) else float(str(value))
