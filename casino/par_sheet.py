"""The PAR sheet of a slot: what it returns, how often and how unevenly, from every way in which its reels can stop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import sqrt
from typing import Final

from casino.slot import GameMalformed, SlotGame

CYCLE_MAX: Final = 50_000_000
"""So many ways to stop are gone through one by one, and no more."""
Z_95: Final = 1.96


@dataclass(frozen=True, slots=True)
class ParSheet:
    """What a whole cycle comes to, in units of the stake.

    Attributes:
        cycle: Equally likely ways to stop.
        hits: How many of them win anything.
        rtp: Mean of the win.
        second_moment: Mean of the square of the win.
        win_max: The most that is won.
        win_max_ways: In how many ways.
    """

    cycle: int
    hits: int
    rtp: Fraction
    second_moment: Fraction
    win_max: Fraction
    win_max_ways: int

    @property
    def variance(self) -> Fraction:
        """Return the variance of the win."""
        return self.second_moment - self.rtp**2

    @property
    def deviation(self) -> float:
        """Return the standard deviation of the win."""
        return sqrt(self.variance)

    @property
    def volatility_index(self) -> float:
        """Return the half-width of what 95 % of single spins come to."""
        return Z_95 * self.deviation

    def spins_within(self, tolerance: float) -> int:
        """Return after how many spins the return is within a tolerance of the RTP, with 95 %."""
        return round((self.volatility_index / tolerance) ** 2)


def par_sheet_of(game: SlotGame) -> ParSheet:
    """Return the sheet, by going through every way to stop.

    Raises:
        GameMalformed: If there are more than CYCLE_MAX.
    """
    if game.cycle > CYCLE_MAX:
        raise GameMalformed(f"{game.code} must have at most {CYCLE_MAX} ways to stop, has {game.cycle}")
    unit = game.stake_unit_minor
    ways = Counter(game.win_minor(stops, unit) for stops in product(*(range(len(reel)) for reel in game.reels)))
    most = max(ways)
    return ParSheet(
        cycle=game.cycle,
        hits=game.cycle - ways[0],
        rtp=Fraction(sum(win * count for win, count in ways.items()), game.cycle * unit),
        second_moment=Fraction(sum(win**2 * count for win, count in ways.items()), game.cycle * unit**2),
        win_max=Fraction(most, unit),
        win_max_ways=ways[most],
    )
