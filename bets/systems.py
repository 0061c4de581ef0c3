"""System bets: one line on every combination of chosen sizes out of a bet's legs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from types import MappingProxyType
from typing import Final

from bets.bet import Line
from kernel.errors import Category, DomainError

LEGS_MAX: Final = 20
LINES_MAX: Final = 512


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
        SystemMalformed: If there are too few or too many legs, no such lines on them, or too many.
    """

    leg_count: int
    fold_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.leg_count <= LEGS_MAX:
            raise SystemMalformed(f"A system must have 1 to {LEGS_MAX} legs, had {self.leg_count}")
        sizes = self.fold_sizes
        if not sizes or sizes != tuple(sorted(set(sizes))) or sizes[0] < 1 or sizes[-1] > self.leg_count:
            raise SystemMalformed(f"Fold sizes must rise, each 1 to {self.leg_count}, were {sizes[:LEGS_MAX]}")
        if self.line_count() > LINES_MAX:
            raise SystemMalformed(f"A system must have at most {LINES_MAX} lines, had {self.line_count()}")

    def line_count(self) -> int:
        """Return how many lines the bet is on: its stake in units."""
        return sum(comb(self.leg_count, size) for size in self.fold_sizes)

    def lines(self) -> Iterator[Line]:
        """Yield the lines, the shorter ones first."""
        for size in self.fold_sizes:
            yield from combinations(range(self.leg_count), size)


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
