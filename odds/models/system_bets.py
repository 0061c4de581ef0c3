"""System bets: one unit on every combination of chosen sizes out of a bet's legs; what they return, or are worth.

A combination returns the product of its legs' factors, and a system the sum of its combinations. Over all combinations
of k legs that sum is the k-th elementary symmetric polynomial of the factors, which a recurrence over the legs gives
without going through the combinations.

The mean of a product of independent factors is the product of their means. So what settles a system from results also
gives its expected return from probabilities, and from both at once where some legs are settled: the fair value of a
bet that is open, for a cash-out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]

LEGS_MAX: Final = 20
"""Such a system may have a million combinations."""
DECIMAL_ODDS_MAX: Final = 1e6
"""Beyond any price quoted; keeps the product of all legs finite."""
ROUNDING_MAX: Final = 1e-9
"""By how much weights that were added up may exceed one."""


@dataclass(frozen=True, slots=True)
class System:
    """Which combinations a bet is on: all those of `fold_sizes` legs out of its legs, one unit on each.

    Attributes:
        leg_count: 1 to 20.
        fold_sizes: How many legs a combination may have, rising: (2, 3) for a trixie, (2,) for the doubles alone.

    Raises:
        ModelInputInvalid: If there are too few or too many legs, or no such combinations of them.
    """

    leg_count: int
    fold_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.leg_count <= LEGS_MAX:
            raise ModelInputInvalid(f"A system must have 1 to {LEGS_MAX} legs, had {self.leg_count}")
        sizes = self.fold_sizes
        if not sizes or sizes != tuple(sorted(set(sizes))) or sizes[0] < 1 or sizes[-1] > self.leg_count:
            raise ModelInputInvalid(f"Fold sizes must rise, each 1 to {self.leg_count}, were {sizes}")

    def combination_count(self) -> int:
        """Return on how many combinations the bet is: its stake in units."""
        return sum(comb(self.leg_count, size) for size in self.fold_sizes)


def _all_from(smallest_size: int, *, leg_count: int) -> System:
    return System(leg_count, tuple(range(smallest_size, leg_count + 1)))


SYSTEM_BY_NAME: Final[Mapping[str, System]] = MappingProxyType(
    {
        "double": _all_from(2, leg_count=2),
        "treble": _all_from(3, leg_count=3),
        "trixie": _all_from(2, leg_count=3),
        "patent": _all_from(1, leg_count=3),
        "yankee": _all_from(2, leg_count=4),
        "lucky15": _all_from(1, leg_count=4),
        "super_yankee": _all_from(2, leg_count=5),
        "lucky31": _all_from(1, leg_count=5),
        "heinz": _all_from(2, leg_count=6),
        "lucky63": _all_from(1, leg_count=6),
        "super_heinz": _all_from(2, leg_count=7),
        "goliath": _all_from(2, leg_count=8),
        "block_9": _all_from(2, leg_count=9),
    }
)
"""The systems that have names; a super yankee is a Canadian too."""


def leg_factors(decimal_odds: Floats, *, win_weights: Floats, void_weights: Floats) -> Floats:
    """Return what one unit staked on each leg comes to: what of it is void and, at the odds, what of it wins.

    Args:
        decimal_odds: Any shape, the first axis being the bet; each above 1.0, at most 1e6.
        win_weights: Same shape: which part of the stake wins, 0.5 where half of it is void or two share a dead heat;
            of a leg that is not settled, the mean of that, which for a leg that wins or loses is its fair probability.
        void_weights: Same shape: which part is given back, or the mean of that; 1.0 makes a leg count like odds of 1.0.

    Returns:
        Same shape, 0.0 or above.

    Raises:
        ModelInputInvalid: If shapes differ, odds are out of range or NaN, or weights are no parts of one stake.
    """
    if not decimal_odds.shape == win_weights.shape == void_weights.shape:
        shapes = (decimal_odds.shape, win_weights.shape, void_weights.shape)
        raise ModelInputInvalid(f"Odds and weights of one shape were expected, their shapes were {shapes}")
    is_quoted = (decimal_odds > 1.0) & (decimal_odds <= DECIMAL_ODDS_MAX)
    require(is_quoted, expected=f"Decimal odds must be above 1.0, at most {DECIMAL_ODDS_MAX:.0f}", found=decimal_odds)
    for name, weights in (("Win", win_weights), ("Void", void_weights)):
        require(np.asarray(weights >= 0.0), expected=f"{name} weights must be 0.0 or above", found=weights)
    sums = win_weights + void_weights
    require(sums <= 1.0 + ROUNDING_MAX, expected="Win and void weights must sum to at most 1.0", found=sums)
    return np.asarray(void_weights + win_weights * decimal_odds)


def system_returns(factors: Floats, system: System) -> Floats:
    """Return what systems come to with one unit on every combination; of mean factors, what they come to on average.

    The time is that of legs times the largest fold size, whatever the number of combinations.

    Args:
        factors: What one unit on each leg comes to, as `leg_factors` gives them, shape (n_bets, n_legs); where they are
            means, legs of one bet must be independent.
        system: Of all the bets.

    Returns:
        Shape (n_bets,); divided by `system.combination_count()` it is per unit staked. Accurate to about n_legs units
        in the last place, since nothing is subtracted.

    Raises:
        ModelInputInvalid: If a bet has another number of legs than the system, or a factor is out of range or NaN.
    """
    if factors.ndim != 2 or factors.shape[1] != system.leg_count:
        raise ModelInputInvalid(
            f"Factors of bets with {system.leg_count} legs were expected, their shape was {factors.shape}"
        )
    is_possible = (factors >= 0.0) & (factors <= DECIMAL_ODDS_MAX * (1.0 + ROUNDING_MAX))
    require(is_possible, expected=f"Factors must be 0.0 to {DECIMAL_ODDS_MAX:.0f}", found=factors)
    sums_by_size = np.zeros((system.fold_sizes[-1] + 1, len(factors)))
    sums_by_size[0] = 1.0
    for leg in factors.T:
        # Combinations with this leg are those of one leg fewer before it.
        sums_by_size[1:] += leg * sums_by_size[:-1]
    returns = np.zeros(len(factors))
    # One size after the other, as numpy's sum would not add a lone bet: a bet is worth the same in any company.
    for size in system.fold_sizes:
        returns += sums_by_size[size]
    return returns
