"""Units of odds and of parts of a stake, and what a stake comes to at a price."""

from __future__ import annotations

from typing import Final

ODDS_ONE_MILLI: Final = 1_000
"""Decimal odds of one, in thousandths: the stake comes back, and nothing beside it."""

FACTOR_ONE_MICRO: Final = 1_000_000
"""A factor of one, in millionths: the whole of a stake."""


def potential_return_minor(stake_minor: int, *decimal_odds_milli: int) -> int:
    """Return what a line pays if its legs win: its stake times the odds of each, rounded down once, at the end."""
    numerator, denominator = stake_minor, 1
    for odds_milli in decimal_odds_milli:
        numerator *= odds_milli
        denominator *= ODDS_ONE_MILLI
    return numerator // denominator
