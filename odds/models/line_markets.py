"""Markets of two outcomes on a line, whatever is counted: where they stand, what they are worth, how they come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.layout import MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CERTAIN: Final = 1e-9
"""Chances nearer to none or all are none or all: what is decided adds up to nearly that."""

Sides = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class LineMarkets:
    """Markets of a type in a layout.

    Attributes:
        lines: Of each.
        upper: Where the outcomes stand that win above the line, among the layout's.
        lower: Where the others stand.
        markets: Where the markets stand.
        is_quoted: Whether it is a provider's, and not our own alone.
    """

    lines: Floats
    upper: Integers
    lower: Integers
    markets: Integers
    is_quoted: NDArray[np.bool_]

    def nearest_to_even(self, blended: Floats) -> tuple[float, float]:
        """Return the line that providers quote nearest to even and the chance of above, NaN where they quote none."""
        overs = np.where(self.is_quoted, blended[self.upper], np.nan)
        if np.isnan(overs).all():
            return np.nan, np.nan
        nearest = int(np.nanargmin(np.abs(overs - 0.5)))
        return float(self.lines[nearest]), float(overs[nearest])


_NOWHERE: Final = np.zeros(0, dtype=np.int64)
NO_LINES: Final = LineMarkets(np.zeros(0), _NOWHERE, _NOWHERE, _NOWHERE, np.zeros(0, dtype=np.bool_))


def line_markets(layout: MarketLayout, own_markets: bytes, sides: Mapping[str, Sides]) -> dict[str, LineMarkets]:
    """Return the markets on whole and half lines by type, every type of `sides` with what it has.

    Args:
        layout: Of a fixture.
        own_markets: 1 for markets that we offer ourselves, one a market; empty for none.
        sides: By type of market, the outcome that wins above the line and the one below.
    """
    found: dict[str, list[tuple[float, int, int, int, bool]]] = {name: [] for name in sides}
    for place, market_id in enumerate(layout.market_ids):
        market = market_of(market_id)
        if market.name not in sides or market.line is None or not (2 * market.line).is_integer():
            continue
        above, below = sides[market.name]
        if set(layout.outcome_ids_of(place)) == {above, below}:
            places = (layout.outcome_index(market_id, above), layout.outcome_index(market_id, below), place)
            found[market.name].append((market.line, *places, not (own_markets and own_markets[place])))
    return {name: _columns(rows) for name, rows in found.items()}


def shares(above: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Return the chances of either side of what is not handed back; NaN where all is."""
    above, below = rounded(above), rounded(below)
    with np.errstate(invalid="ignore", divide="ignore"):
        return above / (above + below), below / (above + below)


def rounded(chances: Floats | float) -> Floats:
    """Return chances, those next to none or all made so."""
    return np.where(np.less(chances, CERTAIN), 0.0, np.where(np.greater(chances, 1.0 - CERTAIN), 1.0, chances))


def decide_line(market_id: str, outcome_ids: tuple[str, ...], distance: float, sides: Sides) -> MarketResult:
    """Return the result of a market by how far above its line the count was; on it, stakes are given back."""
    return won_by(market_id, outcome_ids, sides[0] if distance > 0 else sides[1], is_pushed=distance == 0)


def won_by(market_id: str, outcome_ids: tuple[str, ...], won: str, *, is_pushed: bool = False) -> MarketResult:
    """Return the settlement of a market that one outcome has won, or of which all stakes are given back."""
    void = FACTOR_ONE_MICRO if is_pushed else 0
    outcomes = tuple(
        OutcomeResult(item, FACTOR_ONE_MICRO if item == won and not is_pushed else 0, void, FACTOR_ONE_MICRO)
        for item in outcome_ids
    )
    return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED)


def void(market_id: str, reason: str) -> MarketResult:
    """Return the cancellation of a market."""
    return MarketResult(ResultKind.CANCEL, market_id, void_reason=reason)


def _columns(rows: list[tuple[float, int, int, int, bool]]) -> LineMarkets:
    if not rows:
        return NO_LINES
    lines, upper, lower, markets, is_quoted = zip(*rows, strict=True)
    return LineMarkets(np.array(lines), np.array(upper), np.array(lower), np.array(markets), np.array(is_quoted))
