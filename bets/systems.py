"""System bets: one line on every combination of chosen sizes out of a bet's legs, and what they return.

A line returns the product of its legs' factors, and a system the sum of its lines. Over all combinations of k legs that
sum is the k-th elementary symmetric polynomial of the factors, which a recurrence over the legs gives without going
through the combinations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from types import MappingProxyType
from typing import Final

from kernel.errors import Category, DomainError

LEGS_MAX: Final = 20
"""Such a system may have a million lines."""


class SystemMalformed(DomainError):
    """There are no such lines on so many legs."""

    reason = "SYSTEM_MALFORMED"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True)
class System:
    """Which lines a bet is on: all those of `fold_sizes` legs out of its legs, one unit of stake on each.

    Attributes:
        leg_count: 1 to 20.
        fold_sizes: How many legs a line may have, rising: (2, 3) for a trixie, (2,) for the doubles alone.

    Raises:
        SystemMalformed: If there are too few or too many legs, or no such lines on them.
    """

    leg_count: int
    fold_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.leg_count <= LEGS_MAX:
            raise SystemMalformed(f"A system must have 1 to {LEGS_MAX} legs, had {self.leg_count}")
        sizes = self.fold_sizes
        if not sizes or sizes != tuple(sorted(set(sizes))) or sizes[0] < 1 or sizes[-1] > self.leg_count:
            raise SystemMalformed(f"Fold sizes must rise, each 1 to {self.leg_count}, were {sizes[:LEGS_MAX]}")

    def line_count(self) -> int:
        """Return how many lines the bet is on: its stake in units."""
        return sum(comb(self.leg_count, size) for size in self.fold_sizes)

    def returned(self, factors: Sequence[Fraction]) -> Fraction:
        """Return what comes back of one unit on every line, exactly.

        Args:
            factors: What one unit staked on each leg comes to: 0 lost, 1 void, its decimal odds won.

        Raises:
            SystemMalformed: If there are more or fewer legs than the system has.
        """
        if len(factors) != self.leg_count:
            raise SystemMalformed(f"The system must have {self.leg_count} legs, {len(factors)} were given")
        sums_by_size = [Fraction(1)] + [Fraction(0)] * self.fold_sizes[-1]
        for factor in factors:
            # Lines with this leg are those of one leg fewer before it.
            for size in range(self.fold_sizes[-1], 0, -1):
                sums_by_size[size] += factor * sums_by_size[size - 1]
        return sum((sums_by_size[size] for size in self.fold_sizes), Fraction(0))


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
