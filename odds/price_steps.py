"""The steps between the figures of an explanation, taken again for whoever asks why a price is what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.book import Explanation
from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.removal import remove_margin
from odds.market_types import winner_counts_of

Floats = NDArray[np.float64]

SHIFT_DECIMALS: Final = 6
OVERROUND_DECIMALS: Final = 7
"""Blended probabilities and the overrounds wanted travel with about so many."""

_METHODS: Final = {method.value: method for method in MarginMethod}


@dataclass(frozen=True, slots=True, eq=False)
class PriceSteps:
    """How one market's prices were made; O outcomes, P providers.

    Attributes:
        provider_probabilities: Each provider's prices without its margin, shape (P, O); NaN where it quotes fewer
            outcomes than another does, or prices that no margin explains.
        shifts_logit: Fair less blended probability, as a difference of logits, shape (O,); NaN where either is.
        decimal_odds: With our margin, before the ladder, shape (O,); NaN where there are none.
    """

    provider_probabilities: Floats
    shifts_logit: Floats
    decimal_odds: Floats


def retrace(explanation: Explanation, market_index: int) -> PriceSteps:
    """Take the steps of one market again."""
    outcomes = slice(*explanation.layout.offsets[market_index : market_index + 2].tolist())
    fair = explanation.fair_probabilities[outcomes]
    blended = explanation.blended_probabilities[outcomes].astype(np.float64)
    wanted = round(float(explanation.wanted_overrounds[market_index]), OVERROUND_DECIMALS)
    return PriceSteps(
        provider_probabilities=_take_margins_out(explanation, market_index, outcomes),
        shifts_logit=np.round(_logits(fair) - _logits(blended), SHIFT_DECIMALS),
        decimal_odds=_put_margin_on(explanation, fair, wanted),
    )


def _take_margins_out(explanation: Explanation, market_index: int, outcomes: slice) -> Floats:
    width = outcomes.stop - outcomes.start
    odds_milli = np.array([provider.decimal_odds_milli[outcomes] for provider in explanation.providers])
    odds_milli = odds_milli.reshape(len(explanation.providers), width)
    probabilities = np.full(odds_milli.shape, np.nan)
    method = _METHODS.get(explanation.margin_removal)
    offered = (odds_milli > 0).sum(axis=1)
    is_whole = offered == offered.max(initial=0)
    if method is None or not is_whole.any():
        return probabilities
    rows = remove_margin(
        np.where(odds_milli > 0, odds_milli / 1_000.0, np.nan)[is_whole],
        method=method,
        winner_counts=float(winner_counts_of(explanation.layout)[market_index]),
        is_underround_solved=True,
    )
    probabilities[is_whole] = rows.probabilities
    return probabilities


def _put_margin_on(explanation: Explanation, fair: Floats, overround: float) -> Floats:
    method = _METHODS.get(explanation.margin_application)
    if method is None or np.isnan(overround):
        return np.full(fair.shape, np.nan)
    return np.asarray(1.0 / apply_margin(fair[None], overrounds=overround, method=method).probabilities[0])


def _logits(probabilities: Floats) -> Floats:
    is_inside = (probabilities > 0.0) & (probabilities < 1.0)
    inside = np.where(is_inside, probabilities, np.nan)
    return np.asarray(np.log(inside) - np.log1p(-inside))
