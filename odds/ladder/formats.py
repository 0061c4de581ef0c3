"""Odds as people write them: decimal, fractional, American, Hong Kong, Indonesian, Malay.

All of them say what one unit staked wins. Exact conversions are fractions, batched ones float64; the integer form is
decimal odds in thousandths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from itertools import chain
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid

Floats = NDArray[np.float64]

WRITTEN_DECIMALS_MAX: Final = 6
"""Digits after the point of a written Indonesian or Malay price: enough to tell all steps up to 1000.0 apart."""

_WRITTEN = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?(?:/\d{1,12})?")


class OddsFormat(StrEnum):
    """How a price is written."""

    DECIMAL = "decimal"
    """What one unit staked returns, stake included: 2.50."""
    FRACTIONAL = "fractional"
    """Winnings over stake: 6/4."""
    AMERICAN = "american"
    """Winnings of a stake of 100 (+150), or below evens the stake that wins 100 (-200)."""
    HONG_KONG = "hong_kong"
    """Winnings of one unit: 1.50."""
    INDONESIAN = "indonesian"
    """American odds over 100: 1.50, -2.00."""
    MALAY = "malay"
    """Winnings of one unit up to evens (0.50), above it the stake that wins one unit, negative (-0.667)."""


def _fractions(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (step.split("/") for step in text.split())
    return tuple((int(numerator), int(denominator)) for numerator, denominator in pairs)


FRACTIONAL_STEPS: Final = _fractions("""
    1/100 1/50 1/33 1/25 1/20 1/16 1/14 1/12 1/11 1/10 1/9 1/8 1/7 2/13 1/6 2/11 1/5 2/9 1/4 2/7 3/10 1/3 4/11 2/5 4/9
    1/2 8/15 4/7 8/13 4/6 8/11 4/5 5/6 10/11 20/21 1/1 21/20 11/10 6/5 5/4 11/8 6/4 13/8 7/4 15/8 2/1 85/40 9/4 5/2
    11/4 3/1 10/3 7/2 4/1 9/2 5/1 11/2 6/1 13/2 7/1 15/2 8/1 17/2 9/1 10/1 11/1 12/1 14/1 16/1 18/1 20/1 22/1 25/1 28/1
    33/1 40/1 50/1 66/1 80/1 100/1 125/1 150/1 200/1 250/1 300/1 400/1 500/1 750/1 999/1
""")
"""The fractional prices of the trade, rising, written as the trade writes them."""

AMERICAN_STEPS: Final = tuple(
    chain(
        (-10_000,),
        range(-5_000, -2_000, 500),
        range(-2_000, -1_000, 100),
        range(-1_000, -500, 50),
        range(-500, -300, 20),
        range(-300, -100, 5),
        range(100, 300, 5),
        range(300, 500, 20),
        range(500, 1_000, 50),
        range(1_000, 2_000, 100),
        range(2_000, 5_001, 500),
        (7_500, 10_000),
    )
)
"""American prices in the steps of the trade, rising in what they win."""


def quote_exactly(decimal_odds: Fraction, odds_format: OddsFormat) -> Fraction:
    """Return decimal odds in another format, exactly.

    Raises:
        ModelInputInvalid: If the odds are not above 1.
    """
    if decimal_odds <= 1:
        raise ModelInputInvalid(f"Decimal odds must be above 1, was {decimal_odds}")
    winnings = decimal_odds - 1
    match odds_format:
        case OddsFormat.DECIMAL:
            return decimal_odds
        case OddsFormat.FRACTIONAL | OddsFormat.HONG_KONG:
            return winnings
        case OddsFormat.AMERICAN:
            return 100 * winnings if winnings >= 1 else -100 / winnings
        case OddsFormat.INDONESIAN:
            return winnings if winnings >= 1 else -1 / winnings
        case OddsFormat.MALAY:
            return winnings if winnings <= 1 else -1 / winnings


def read_exactly(quoted: Fraction, odds_format: OddsFormat) -> Fraction:
    """Return decimal odds from another format, exactly.

    Evens may be written with either sign: +100 or -100.

    Raises:
        ModelInputInvalid: If no price is written like that: American +99, Malay 1.2.
    """
    size = abs(quoted)
    match odds_format:
        case OddsFormat.DECIMAL:
            is_price, winnings = quoted > 1, quoted - 1
        case OddsFormat.FRACTIONAL | OddsFormat.HONG_KONG:
            is_price, winnings = quoted > 0, quoted
        case OddsFormat.AMERICAN:
            is_price, winnings = size >= 100, _win_of_signed(quoted / 100)
        case OddsFormat.INDONESIAN:
            is_price, winnings = size >= 1, _win_of_signed(quoted)
        case OddsFormat.MALAY:
            is_price, winnings = 0 < size <= 1, _win_of_signed(quoted)
    if not is_price:
        raise ModelInputInvalid(f"A price in {odds_format} odds was expected, was {quoted}")
    return 1 + winnings


def quote(decimal_odds: Floats, odds_format: OddsFormat) -> Floats:
    """Return decimal odds in another format.

    Args:
        decimal_odds: Any shape, each above 1.0; NaN where there is none.
        odds_format: The format wanted.

    Returns:
        Same shape, within a few units in the last place; NaN where there are no odds above 1.0.
    """
    winnings = np.where(decimal_odds > 1.0, decimal_odds - 1.0, np.nan)
    match odds_format:
        case OddsFormat.DECIMAL:
            return np.where(decimal_odds > 1.0, decimal_odds, np.nan)
        case OddsFormat.FRACTIONAL | OddsFormat.HONG_KONG:
            return winnings
        case OddsFormat.AMERICAN:
            return 100.0 * np.where(winnings >= 1.0, winnings, -1.0 / winnings)
        case OddsFormat.INDONESIAN:
            return np.where(winnings >= 1.0, winnings, -1.0 / winnings)
        case OddsFormat.MALAY:
            return np.where(winnings <= 1.0, winnings, -1.0 / winnings)


def read(quoted: Floats, odds_format: OddsFormat) -> Floats:
    """Return decimal odds from another format.

    Args:
        quoted: Any shape; NaN where there is none.
        odds_format: How they are written; fractional odds as a quotient.

    Returns:
        Same shape; NaN where no price is written like that.
    """
    size = np.abs(quoted)
    signed = np.where(quoted > 0.0, quoted, -1.0 / np.where(quoted < 0.0, quoted, np.nan))
    match odds_format:
        case OddsFormat.DECIMAL:
            return np.where(quoted > 1.0, quoted, np.nan)
        case OddsFormat.FRACTIONAL | OddsFormat.HONG_KONG:
            return np.where(quoted > 0.0, 1.0 + quoted, np.nan)
        case OddsFormat.AMERICAN:
            return np.where(size >= 100.0, 1.0 + np.where(quoted > 0.0, signed / 100.0, signed * 100.0), np.nan)
        case OddsFormat.INDONESIAN:
            return np.where(size >= 1.0, 1.0 + signed, np.nan)
        case OddsFormat.MALAY:
            return np.where(size <= 1.0, 1.0 + signed, np.nan)


def write_odds(decimal_odds_milli: int, odds_format: OddsFormat) -> str:
    """Write odds as text.

    A step of the trade's own ladder is written as the trade writes it ("4/6", "-110"). Anything else is exact, or where
    it has no end rounded so that the text promises less than the odds do.

    Args:
        decimal_odds_milli: Decimal odds times 1000, above 1000.
        odds_format: How to write them.
    """
    quoted = quote_exactly(Fraction(decimal_odds_milli, 1_000), odds_format)
    match odds_format:
        case OddsFormat.FRACTIONAL:
            numerator, denominator = _FRACTION_BY_MILLI.get(decimal_odds_milli, (quoted.numerator, quoted.denominator))
            return f"{numerator}/{denominator}"
        case OddsFormat.AMERICAN:
            return f"{_AMERICAN_BY_MILLI.get(decimal_odds_milli, floor(quoted)):+d}"
        case _:
            return _write_decimals(quoted)


def parse_odds(text: str, odds_format: OddsFormat) -> Fraction:
    """Return the exact decimal odds that a text stands for.

    Raises:
        ModelInputInvalid: If it is no price in that format.
    """
    if not _WRITTEN.fullmatch(text) or ("/" in text and odds_format is not OddsFormat.FRACTIONAL):
        raise ModelInputInvalid(f"A price in {odds_format} odds was expected, was {text[:40]!r}")
    numerator, _, denominator = text.partition("/")
    if denominator and int(denominator) == 0:
        raise ModelInputInvalid(f"A fraction with a denominator above 0 was expected, was {text!r}")
    return read_exactly(Fraction(numerator) / int(denominator or 1), odds_format)


def floor_milli(decimal_odds: Fraction) -> int:
    """Return decimal odds in thousandths, rounded down: towards the house."""
    return floor(decimal_odds * 1_000)


def find_step_at_or_above(decimal_odds: Fraction, ladder: NDArray[np.uint32]) -> int:
    """Return the ladder's step that was written as these odds: the lowest one at or above them, in thousandths.

    Args:
        decimal_odds: Read from a text that promises at most what the step does, and more than the step below.
        ladder: Rising decimal odds times 1000.

    Raises:
        ModelInputInvalid: If they are above the ladder's last step.
    """
    position = int(np.searchsorted(ladder, -floor(-decimal_odds * 1_000), side="left"))
    if position == len(ladder):
        raise ModelInputInvalid(f"Decimal odds of at most {int(ladder[-1])} thousandths expected, was {decimal_odds}")
    return int(ladder[position])


def _win_of_signed(quoted: Fraction) -> Fraction:
    return quoted if quoted > 0 else -1 / (quoted or Fraction(-1))


def _write_decimals(quoted: Fraction) -> str:
    digits = f"{floor(quoted * 10**WRITTEN_DECIMALS_MAX):+0{WRITTEN_DECIMALS_MAX + 2}d}"
    whole, part = digits[1:-WRITTEN_DECIMALS_MAX], digits[-WRITTEN_DECIMALS_MAX:].rstrip("0")
    return f"{'-' if quoted < 0 else ''}{int(whole)}.{part:0<2}"


_FRACTION_BY_MILLI: Final = {floor_milli(1 + Fraction(*step)): step for step in FRACTIONAL_STEPS}
_AMERICAN_BY_MILLI: Final = {
    floor_milli(read_exactly(Fraction(step), OddsFormat.AMERICAN)): step for step in AMERICAN_STEPS
}


def _freeze(steps: Iterable[int]) -> NDArray[np.uint32]:
    ladder = np.array(sorted(steps), dtype=np.uint32)
    ladder.flags.writeable = False
    return ladder


FRACTIONAL_LADDER: Final = _freeze(_FRACTION_BY_MILLI)
"""The fractional steps as decimal odds times 1000, rounded down."""

AMERICAN_LADDER: Final = _freeze(_AMERICAN_BY_MILLI)
"""The American steps as decimal odds times 1000, rounded down."""
