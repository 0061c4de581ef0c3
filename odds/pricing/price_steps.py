"""The steps between the figures of an explanation, taken again for whoever asks why a price is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.fixture.book import Explanation
from odds.fixture.winners import winners_of_provider
from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.removal import remove_margin
from odds.pricing.blending import to_logits

Floats = NDArray[np.float64]

SHIFT_DECIMALS: Final = 6
OVERROUND_DECIMALS: Final = 7
"""Blended probabilities and the overrounds wanted travel with about so many."""

_METHODS: Final = {method.value: method for method in MarginMethod}


@dataclass(frozen=True, slots=True, eq=False)
class PriceSteps:
    """How prices were made; columns of all O outcomes of the fixture, P providers. NaN in markets not asked for.

    Attributes:
        provider_probabilities: Each provider's prices without its margin, shape (P, O); NaN where it quotes fewer
            outcomes of the market than another does, or prices that no margin explains.
        shifts_logit: Fair less blended probability, as a difference of logits, shape (O,); NaN where either is.
        decimal_odds: With our margin, before the ladder, shape (O,); NaN where there are none.
    """

    provider_probabilities: Floats
    shifts_logit: Floats
    decimal_odds: Floats


def retrace(explanation: Explanation, market_indices: Sequence[int]) -> PriceSteps:
    """Take the steps of some markets again, those of one width in one batch."""
    layout = explanation.layout
    blended = explanation.blended_probabilities.astype(np.float64)
    provider_probabilities = np.full((len(explanation.providers), layout.outcome_count), np.nan)
    decimal_odds = np.full(layout.outcome_count, np.nan)
    asked = np.array(market_indices, dtype=np.int64)
    widths = layout.outcome_counts[asked]
    for width in np.unique(widths).tolist():
        markets = asked[widths == width]
        cells = layout.offsets[markets][:, None] + np.arange(width)
        provider_probabilities[:, cells] = _take_margins_out(explanation, markets, cells)
        decimal_odds[cells] = _put_margin_on(explanation, markets, cells)
    return PriceSteps(
        provider_probabilities=provider_probabilities,
        shifts_logit=np.round(_logits(explanation.fair_probabilities) - _logits(blended), SHIFT_DECIMALS),
        decimal_odds=decimal_odds,
    )


def _take_margins_out(explanation: Explanation, markets: NDArray[np.int64], cells: NDArray[np.int64]) -> Floats:
    """Return probabilities of shape (P, markets, width)."""
    odds_milli = np.array([provider.decimal_odds_milli[cells] for provider in explanation.providers])
    odds_milli = odds_milli.reshape(len(explanation.providers), *cells.shape)
    probabilities = np.full(odds_milli.shape, np.nan)
    method = _METHODS.get(explanation.margin_removal)
    offered = (odds_milli > 0).sum(axis=2)
    winner_counts = np.array(
        [winners_of_provider(provider, explanation.layout)[markets] for provider in explanation.providers]
    ).reshape(offered.shape)
    is_whole = (offered > 0) & (offered == offered.max(axis=0, initial=0)) & ~np.isnan(winner_counts)
    if method is None or not is_whole.any():
        return probabilities
    rows = remove_margin(
        np.where(odds_milli > 0, odds_milli / 1_000.0, np.nan)[is_whole],
        method=method,
        winner_counts=winner_counts[is_whole],
        is_underround_solved=True,
    )
    probabilities[is_whole] = rows.probabilities
    return probabilities


def _put_margin_on(explanation: Explanation, markets: NDArray[np.int64], cells: NDArray[np.int64]) -> Floats:
    """Return decimal odds of shape (markets, width)."""
    decimal_odds = np.full(cells.shape, np.nan)
    method = _METHODS.get(explanation.margin_application)
    wanted = explanation.wanted_overrounds[markets].astype(np.float64).round(OVERROUND_DECIMALS)
    is_priced = ~np.isnan(wanted)
    if method is not None and is_priced.any():
        fair = explanation.fair_probabilities[cells][is_priced]
        decimal_odds[is_priced] = 1.0 / apply_margin(fair, overrounds=wanted[is_priced], method=method).probabilities
    return decimal_odds


def _logits(probabilities: Floats) -> Floats:
    is_inside = (probabilities > 0.0) & (probabilities < 1.0)
    return to_logits(np.where(is_inside, probabilities, np.nan))
