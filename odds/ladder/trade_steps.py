"""The steps of the trade's own ladders, as the trade writes them: fractional and American odds."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray


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


def _milli(winnings: Fraction) -> int:
    """Return decimal odds in thousandths by what one unit wins, rounded down: towards the house."""
    return floor((1 + winnings) * 1_000)


def _winnings(american: int) -> Fraction:
    return Fraction(american, 100) if american > 0 else Fraction(100, -american)


def _freeze(steps: Iterable[int]) -> NDArray[np.uint32]:
    ladder = np.array(sorted(steps), dtype=np.uint32)
    ladder.flags.writeable = False
    return ladder


FRACTIONAL_LADDER: Final = _freeze(_milli(Fraction(*step)) for step in FRACTIONAL_STEPS)
"""The fractional steps as decimal odds times 1000, rounded down."""

AMERICAN_LADDER: Final = _freeze(_milli(_winnings(step)) for step in AMERICAN_STEPS)
"""The American steps as decimal odds times 1000, rounded down."""
