"""Each-way bets: their terms, their fair price, and what they return after withdrawals and dead heats."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.odds import ODDS_ONE_MILLI
from odds.model_input import ModelInputInvalid

Floats = NDArray[np.float64]

ROUNDING_MAX: Final = 1e-9
"""By how much chances that were added up may be out of range."""

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


def fair_each_way_odds(win_probabilities: Floats, place_probabilities: Floats, terms: EachWayTerms) -> Floats:
    """Return the decimal odds at which both halves of an each-way bet together return the stake on average.

    Args:
        win_probabilities: Any shape; NaN where there is no runner.
        place_probabilities: Same shape, at least the chances to win.
        terms: Of the race; they must pay places.

    Returns:
        Same shape, above 1.0 where a price can do that, else NaN: also where there are no such chances.

    Raises:
        ModelInputInvalid: If the terms pay to win only.
    """
    if terms.places == 1:
        raise ModelInputInvalid("Terms that pay places were expected, was win only")
    fraction = float(terms.fraction)
    win, placed = _chances(win_probabilities, place_probabilities)
    odds = (2.0 - (1.0 - fraction) * placed) / (win + fraction * placed)
    return np.where(odds > 1.0, odds, np.nan)


def each_way_value(
    decimal_odds: Floats, win_probabilities: Floats, place_probabilities: Floats, terms: EachWayTerms
) -> Floats:
    """Return what one unit staked each way, half to win and half to be placed, returns on average.

    Args:
        decimal_odds: Any shape, above 1.0.
        win_probabilities: Same shape; NaN where there is no runner.
        place_probabilities: Same shape, at least the chances to win.
        terms: Of the race.

    Returns:
        Same shape; NaN where there are no such odds or chances.
    """
    odds = np.where((decimal_odds > 1.0) & np.isfinite(decimal_odds), decimal_odds, np.nan)
    win, placed = _chances(win_probabilities, place_probabilities)
    place_odds = 1.0 + (odds - 1.0) * float(terms.fraction)
    return np.asarray((odds * win + place_odds * placed) / 2.0)


def _chances(win_probabilities: Floats, place_probabilities: Floats) -> tuple[Floats, Floats]:
    """Return the chances to win and to be placed, NaN where they cannot be together."""
    spare = place_probabilities - win_probabilities
    is_valid = (win_probabilities > 0.0) & (spare >= -ROUNDING_MAX) & (place_probabilities <= 1.0 + ROUNDING_MAX)
    return np.where(is_valid, win_probabilities, np.nan), np.where(is_valid, place_probabilities, np.nan)


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


def each_way_return_minor(
    stake_each_minor: int,
    *,
    decimal_odds_milli: int,
    terms: EachWayTerms,
    position: int,
    tied: int,
    deducted_percent: int,
) -> int:
    """Return what both parts of an each-way bet come to, rounded down once.

    Args:
        stake_each_minor: Stake of each part.
        decimal_odds_milli: Decimal odds to win, times 1000.
        terms: Places paid, and at which part of the winnings.
        position: Where the runner finished, the first of the positions shared in a dead heat.
        tied: Runners that share it, 1 for no dead heat.
        deducted_percent: What Rule 4 takes off winnings.
    """
    odds = Fraction(decimal_odds_milli, ODDS_ONE_MILLI)
    won = return_of(
        stake_each_minor,
        decimal_odds=odds,
        factor=dead_heat_factor(position, tied=tied, places=1),
        deducted_percent=deducted_percent,
    )
    placed = return_of(
        stake_each_minor,
        decimal_odds=1 + (odds - 1) * terms.fraction,
        factor=dead_heat_factor(position, tied=tied, places=terms.places),
        deducted_percent=deducted_percent,
    )
    return floor(won + placed)
