"""The explanation of prices as it is answered: rows to read instead of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Self

import numpy as np
from numpy.typing import NDArray

from odds.fixture.book import Explanation, StopFlag
from odds.pricing.price_steps import retrace
from overround.odds.v1 import book_pb2
from overround.trading.v1 import trading_service_pb2
from wire.books import build_figures


def build_explained(
    explanation: Explanation, market_indices: Sequence[int]
) -> trading_service_pb2.ExplainPriceResponse:
    """Return the answer about some markets of a version."""
    columns = _OutcomeColumns.of(explanation, market_indices)
    return trading_service_pb2.ExplainPriceResponse(
        fixture_id=explanation.fixture_id,
        version=explanation.version,
        published_time_us=explanation.published_time_us,
        margin_removal=explanation.margin_removal,
        margin_application=explanation.margin_application,
        ladder=explanation.ladder,
        markets=[_build_market(explanation, index, columns) for index in market_indices],
        figures=build_figures(explanation.figures),
    )


@dataclass(frozen=True, slots=True)
class _OutcomeColumns:
    """What an answer says of outcomes, as plain numbers; None where there is none. By provider first where it is."""

    outcome_ids: Sequence[str]
    offered_odds_milli: Sequence[Sequence[int]]
    offered_probabilities: Sequence[Sequence[float | None]]
    blended: Sequence[float | None]
    fair: Sequence[float | None]
    shifts: Sequence[float | None]
    exact_odds: Sequence[float | None]
    odds_milli: Sequence[int]

    @classmethod
    def of(cls, explanation: Explanation, market_indices: Sequence[int]) -> Self:
        steps = retrace(explanation, market_indices)
        return cls(
            outcome_ids=explanation.layout.outcome_ids,
            offered_odds_milli=[provider.decimal_odds_milli.tolist() for provider in explanation.providers],
            offered_probabilities=[_numbers(column) for column in steps.provider_probabilities],
            blended=_numbers(explanation.blended_probabilities),
            fair=_numbers(explanation.fair_probabilities),
            shifts=_numbers(steps.shifts_logit),
            exact_odds=_numbers(steps.decimal_odds),
            odds_milli=explanation.decimal_odds_milli.tolist(),
        )


def _build_market(
    explanation: Explanation, index: int, columns: _OutcomeColumns
) -> trading_service_pb2.ExplainedMarket:
    begin, end = explanation.layout.offsets[index : index + 2].tolist()
    return trading_service_pb2.ExplainedMarket(
        market_id=explanation.layout.market_ids[index],
        status=book_pb2.MarketStatus.ValueType(explanation.market_statuses[index]),
        suspension_reason=book_pb2.SuspensionReason.ValueType(explanation.suspension_reasons[index]),
        price_source=book_pb2.PriceSource.ValueType(explanation.price_sources[index]),
        overround_wanted=_numbers(explanation.wanted_overrounds[index : index + 1])[0],
        overround=_numbers(explanation.overrounds[index : index + 1])[0],
        providers=_build_providers(explanation, index),
        outcomes=[_build_outcome(explanation, cell, columns) for cell in range(begin, end)],
    )


def _build_providers(explanation: Explanation, market_index: int) -> Iterator[trading_service_pb2.ExplainedProvider]:
    for provider, weights in zip(explanation.providers, explanation.weights, strict=True):
        yield trading_service_pb2.ExplainedProvider(
            provider_id=provider.provider_id,
            weight=float(weights[market_index]),
            received_time_us=provider.received_time_us,
            status=book_pb2.MarketStatus.ValueType(provider.market_statuses[market_index]),
            is_behind=provider.is_behind,
            is_bet_stopped=bool(provider.bet_stops[market_index] & StopFlag.STOPPED),
        )


def _build_outcome(
    explanation: Explanation, cell: int, columns: _OutcomeColumns
) -> trading_service_pb2.ExplainedOutcome:
    return trading_service_pb2.ExplainedOutcome(
        outcome_id=columns.outcome_ids[cell],
        provider_prices=[
            trading_service_pb2.ProviderPrice(
                provider_id=provider.provider_id,
                decimal_odds_milli=odds_milli[cell],
                fair_probability=probabilities[cell],
            )
            for provider, odds_milli, probabilities in zip(
                explanation.providers, columns.offered_odds_milli, columns.offered_probabilities, strict=True
            )
            if odds_milli[cell]
        ],
        blended_probability=columns.blended[cell],
        fair_probability=columns.fair[cell],
        shift_logit=columns.shifts[cell],
        decimal_odds_before_ladder=columns.exact_odds[cell],
        decimal_odds_milli=columns.odds_milli[cell],
    )


def _numbers(column: NDArray[np.floating]) -> list[float | None]:
    """Return what optional fields hold: nothing for NaN, single-precision numbers as they are written shortest."""
    numbers = column.tolist() if column.dtype == np.float64 else column.astype(np.str_).astype(np.float64).tolist()
    return [None if isnan(number) else number for number in numbers]
