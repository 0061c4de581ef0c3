"""What legs of one fixture are quoted at together: their joint chance, with the margin that each of them carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from kernel.errors import Category, DomainError
from markets.fixture import MarketStatus
from markets.odds import ODDS_ONE_MILLI
from odds.fixture.book import Explanation, PriceSource
from odds.ladder.steps import round_down
from odds.models.builder_legs import LEGS_MAX, BuilderLeg, JointDistribution, LegNotCombinable


class LegNotOffered(DomainError):
    """A leg's market takes no bets now, or its outcome has no price."""

    reason = "LEG_NOT_OFFERED"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class QuotedLegs:
    """What a bet builder is quoted at.

    Attributes:
        decimal_odds_milli: Never below those of one of its legs.
        redundant: Legs that the others imply: they change nothing, and carry no margin.
        further: Legs on offer that can be added.
    """

    decimal_odds_milli: int
    redundant: tuple[BuilderLeg, ...]
    further: tuple[BuilderLeg, ...]


def quote_legs(
    joint: JointDistribution, explanation: Explanation, legs: Sequence[BuilderLeg], *, ladder: NDArray[np.uint32]
) -> QuotedLegs:
    """Quote legs that must all win.

    A leg's margin is what its price in the book is short of its fair one, as a factor; those of legs that others do not
    imply multiply. So a lone leg has the price that it has in the book, and a leg more never makes the odds shorter.

    Args:
        joint: The distribution that the book was read from.
        explanation: Of the book: its prices, and what they were read from.
        legs: As the bettor chose them.
        ladder: Rising decimal odds times 1000.

    Raises:
        LegNotOffered: If a market takes no bets, or an outcome has no price.
        LegNotCombinable: If a market is not priced from the joint distribution now, or as `JointDistribution` says;
            its other refusals likewise.
        MarketUnknown: If the book has no such market.
        OutcomeUnknown: If a market has no such outcome.
    """
    price = joint.price_legs(legs)
    odds_milli = [_offered_odds_milli(explanation, leg) for leg in legs]
    implied = [
        ODDS_ONE_MILLI / odds / joint.price_legs([leg]).fair_probability
        for leg, odds in zip(legs, odds_milli, strict=True)
        if leg not in price.redundant
    ]
    together = 1.0 / (price.fair_probability * prod(implied))
    rounded = int(round_down(np.array([together]), ladder)[0])
    further = _further(joint, explanation, legs) if len(legs) < LEGS_MAX else ()
    return QuotedLegs(max(rounded, *odds_milli), price.redundant, further)


def _offered_odds_milli(explanation: Explanation, leg: BuilderLeg) -> int:
    layout = explanation.layout
    market = layout.market_index(leg.market_id)
    odds_milli = int(explanation.decimal_odds_milli[layout.outcome_index(leg.market_id, leg.outcome_id)])
    if explanation.market_statuses[market] != MarketStatus.OPEN or odds_milli <= ODDS_ONE_MILLI:
        raise LegNotOffered(f"A leg must be on offer, {leg.market_id} {leg.outcome_id} is not now")
    if explanation.price_sources[market] != PriceSource.GOALS:
        raise LegNotCombinable(f"A leg's market must be priced with the others, {leg.market_id} is priced by itself")
    return odds_milli


def _further(joint: JointDistribution, explanation: Explanation, legs: Sequence[BuilderLeg]) -> tuple[BuilderLeg, ...]:
    layout = explanation.layout
    is_open = (explanation.market_statuses == MarketStatus.OPEN) & (explanation.price_sources == PriceSource.GOALS)
    odds_milli = explanation.decimal_odds_milli.tolist()
    offered = {
        BuilderLeg(layout.market_ids[market], layout.outcome_ids[place])
        for market in np.flatnonzero(is_open).tolist()
        for place in range(layout.offsets[market], layout.offsets[market + 1])
        if odds_milli[place] > ODDS_ONE_MILLI
    }
    return tuple(one.leg for one in joint.next_legs(legs, offered))
