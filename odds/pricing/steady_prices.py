"""Prices that stay where they are while what they are rounded from moves by less than a tick.

Rounding alone makes a price flicker between two steps of the ladder where what it is made from stands near the higher
one. So a published price is kept until that is a whole step away, on either side: on the way up it is as soon as it
rounds to the next step, on the way down the price is kept one step longer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from odds.pricing.policy import PricingPolicy
from odds.pricing.stacking import Stack

Floats = NDArray[np.float64]
Milli = NDArray[np.uint32]


def hold_prices(
    made: Milli,
    published: Milli,
    *,
    fair: Floats,
    overrounds: Floats,
    wanted_overrounds: Floats,
    stack: Stack,
    policy: PricingPolicy,
) -> tuple[Milli, Floats]:
    """Keep published prices that the new ones are just below.

    Never is a price kept that leaves a stake more than the policy allows, or that, with the others kept in its market,
    takes the market below its overround by more than the policy tolerates: then all its prices are the new ones.

    Args:
        made: New prices, decimal odds times 1000, shape (O,); 0 for none.
        published: Those of the last books, shape (O,); 0 for none.
        fair: Fair probabilities of the new prices, shape (O,).
        overrounds: What the new prices sum to, shape (M,).
        wanted_overrounds: What they were to sum to, shape (M,).
        stack: The fixtures.
        policy: What is tolerated.

    Returns:
        Prices and what they sum to.
    """
    lower = np.flatnonzero((made < published) & (made > 0))
    if not len(lower):
        return made, overrounds
    ladder = policy.ladder_steps
    steps = np.minimum(np.searchsorted(ladder, published[lower]), len(ladder) - 1)
    is_next = (ladder[steps] == published[lower]) & (ladder[np.maximum(steps, 1) - 1] == made[lower])
    returned = fair[lower] * published[lower] / 1_000.0
    near = lower[is_next & (returned <= policy.kept_return_max)]
    markets = stack.shape.market_of_outcome[near]
    given = np.bincount(markets, 1_000.0 / made[near] - 1_000.0 / published[near], minlength=len(overrounds))
    is_kept = overrounds - given >= wanted_overrounds - policy.kept_overround_tolerance * stack.winner_counts
    near = near[is_kept[markets]]
    prices = made.copy()
    prices[near] = published[near]
    return prices, np.where(is_kept, overrounds - given, overrounds)
