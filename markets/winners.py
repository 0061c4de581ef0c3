"""Which outcomes of a market can win together, and what is owed at most.

Outcomes that are won in part count for their parts: two halves of a line are one winner, a dead heat shares what its
places would get. Stakes given back beside a winner, of a runner that was withdrawn, are not in it: the reductions that
its withdrawal makes stand against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from typing import Final, Self

SETS_CACHED_MAX: Final = 1_024
ALL_MAY_WIN: Final = 2**31 - 1
"""More winners than any market has outcomes."""


@dataclass(frozen=True, slots=True)
class Winners:
    """Which outcomes of a market can win together: any so many, or those of one of its sets.

    Attributes:
        count_max: How many win together at most.
        sets: Outcomes of which one set wins as a whole or in part; empty where any can win together. An outcome that
            none of them names may win beside each of them: nobody knows better.
    """

    count_max: int
    sets: tuple[frozenset[str], ...] = ()

    @classmethod
    def together(cls, *sets: Iterable[str]) -> Self:
        """Return the winners of a market of which one of these sets wins."""
        distinct = tuple(frozenset(outcome_ids) for outcome_ids in sets)
        return cls(max(map(len, distinct)), distinct)

    @property
    def count(self) -> int | None:
        """Return how many outcomes win whatever happens; None where that differs, or nobody knows."""
        counts = {len(outcome_ids) for outcome_ids in self.sets} or {self.count_max}
        return None if len(counts) > 1 or self.count_max == ALL_MAY_WIN else self.count_max

    def of_any_names(self) -> Winners:
        """Return the same of outcomes that have other names than the sets."""
        return Winners(self.count_max)

    def owed_minor_max(self, owed_minor: Mapping[str, int]) -> int:
        """Return the most that is owed, by what is owed on each outcome if it wins."""
        if not self.sets:
            return sum(nlargest(self.count_max, owed_minor.values()))
        return self._owed_beside_minor(owed_minor) + max(_sum_of(owed_minor, outcome_ids) for outcome_ids in self.sets)

    def owed_minor_max_if_wins(self, outcome_id: str, owed_minor: Mapping[str, int]) -> int:
        """Return the most that is owed should the outcome win."""
        if not self.sets:
            others = [owed for other_id, owed in owed_minor.items() if other_id != outcome_id]
            return owed_minor.get(outcome_id, 0) + sum(nlargest(self.count_max - 1, others))
        # One that no set names may win beside each of them.
        holding = [outcome_ids for outcome_ids in self.sets if outcome_id in outcome_ids] or self.sets
        return self._owed_beside_minor(owed_minor) + max(_sum_of(owed_minor, outcome_ids) for outcome_ids in holding)

    def _owed_beside_minor(self, owed_minor: Mapping[str, int]) -> int:
        named = _named_by(self.sets)
        return sum(owed for outcome_id, owed in owed_minor.items() if outcome_id not in named)


ONE_WINNER: Final = Winners(1)
ANY_WINNERS: Final = Winners(ALL_MAY_WIN)
"""Of a market nobody knows: all of its outcomes may win together."""


def worst_loss_minor(owed_minor: Mapping[str, int], *, stake_minor: int, winners: Winners) -> int:
    """Return the largest amount a market of these stakes could lose us, zero if every result pays us."""
    return max(0, winners.owed_minor_max(owed_minor) - stake_minor)


@lru_cache(maxsize=SETS_CACHED_MAX)
def _named_by(sets: tuple[frozenset[str], ...]) -> frozenset[str]:
    return frozenset().union(*sets)


def _sum_of(owed_minor: Mapping[str, int], outcome_ids: Iterable[str]) -> int:
    return sum(owed_minor.get(outcome_id, 0) for outcome_id in outcome_ids)
