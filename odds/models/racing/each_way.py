"""What races have of their own when bets are paid: each-way terms, deductions for withdrawn runners, dead heats."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from markets.odds import ODDS_ONE_MILLI
from odds.model_input import ModelInputInvalid

DEDUCTION_BANDS: Final = (
    *((1_010, 90), (1_117, 85), (1_200, 80), (1_280, 75), (1_330, 70), (1_440, 65), (1_570, 60), (1_660, 55)),
    *((1_830, 50), (2_000, 45), (2_250, 40), (2_600, 35), (2_800, 30), (3_400, 25), (4_200, 20), (5_500, 15)),
    *((7_000, 10), (11_000, 5)),
)
"""Tattersalls Rule 4(c): decimal odds of the withdrawn runner in thousandths from which a deduction holds, and its
percentage: what its fractional bands begin with (2/17, 1/5, 2/7, 1/3, 4/9 ...) or its chart has, whichever is shorter.
A price between two bands belongs to the shorter one."""
DEDUCTION_ODDS_MAX_MILLI: Final = 15_000
"""A runner at longer odds is withdrawn without a deduction."""
DEDUCTION_MAX_PERCENT: Final = 90
SMALLEST_DEDUCTION_PERCENT: Final = 5


@dataclass(frozen=True, slots=True)
class EachWayTerms:
    """How many places are paid, and at which part of the winnings; no place is paid where `places` is 1."""

    places: int
    fraction: Fraction

    def __post_init__(self) -> None:
        if self.places < 1 or not 0 < self.fraction <= 1:
            raise ModelInputInvalid(f"Places of 1 or more and a fraction above 0 up to 1 were expected, was {self}")


WIN_ONLY: Final = EachWayTerms(1, Fraction(1))


def standard_terms(runners: int, *, is_handicap: bool) -> EachWayTerms:
    """Return the usual terms of a race.

    Raises:
        ModelInputInvalid: If fewer than two run.
    """
    if runners < 2:
        raise ModelInputInvalid(f"At least 2 runners were expected, was {runners}")
    if runners <= 4:
        return WIN_ONLY
    if runners <= 7:
        return EachWayTerms(2, Fraction(1, 4))
    if runners <= 11 or not is_handicap:
        return EachWayTerms(3, Fraction(1, 5))
    return EachWayTerms(3 if runners <= 15 else 4, Fraction(1, 4))


def deduction_percent(withdrawn_odds_milli: int, *, is_smallest_waived: bool) -> int:
    """Return what Rule 4 takes off winnings for a runner withdrawn at these odds.

    Args:
        withdrawn_odds_milli: Decimal odds times 1000 when it was withdrawn.
        is_smallest_waived: Whether the house waives the deduction of 5 %.

    Raises:
        ModelInputInvalid: If the odds are not above 1.
    """
    if withdrawn_odds_milli <= ODDS_ONE_MILLI:
        raise ModelInputInvalid(f"Odds above {ODDS_ONE_MILLI} thousandths were expected, was {withdrawn_odds_milli}")
    if withdrawn_odds_milli > DEDUCTION_ODDS_MAX_MILLI:
        return 0
    band = bisect_right(DEDUCTION_BANDS, (withdrawn_odds_milli, 100)) - 1
    percent = DEDUCTION_BANDS[max(band, 0)][1]
    return 0 if is_smallest_waived and percent == SMALLEST_DEDUCTION_PERCENT else percent


def sum_deductions(percents: list[int]) -> int:
    """Return the deduction for several withdrawn runners, at most 90 %."""
    return min(sum(percents), DEDUCTION_MAX_PERCENT)


def dead_heat_factor(position: int, *, tied: int, places: int) -> Fraction:
    """Return which part of a stake on one of the tied runners wins.

    Args:
        position: The first position they share: 1 for a tie for the win.
        tied: Runners that share it, 1 for no dead heat.
        places: Positions paid: 1 to win.
    """
    if position < 1 or tied < 1 or places < 1:
        raise ModelInputInvalid(f"Counts of 1 or more were expected, was {position}, {tied}, {places}")
    return Fraction(min(max(places - position + 1, 0), tied), tied)


def return_of(stake_minor: int, *, decimal_odds: Fraction, factor: Fraction, deducted_percent: int) -> Fraction:
    """Return what a stake comes to: its winning part at the odds, winnings after the deduction; exact.

    Raises:
        ModelInputInvalid: If more than the most is deducted, or less than nothing.
    """
    if not 0 <= deducted_percent <= DEDUCTION_MAX_PERCENT:
        raise ModelInputInvalid(f"Deductions from 0 to {DEDUCTION_MAX_PERCENT} % were expected, was {deducted_percent}")
    winnings = (decimal_odds - 1) * Fraction(100 - deducted_percent, 100)
    return stake_minor * factor * (1 + winnings)
