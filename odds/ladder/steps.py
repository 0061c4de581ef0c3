"""Price ladders: the odds that may be quoted, and rounding onto them towards the house, which is downwards."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.ladder.trade_steps import AMERICAN_LADDER, FRACTIONAL_LADDER

# A computed price that misses a step by less than this many thousandths is on it.
STEP_TOLERANCE_MILLI: Final = 1e-6


def build_ladder(*bands: tuple[int, int, int]) -> NDArray[np.uint32]:
    """Return rising decimal odds times 1000 from bands of (from, to, step), each band without its end but the last."""
    steps = [np.arange(begin, end, step, dtype=np.uint32) for begin, end, step in bands]
    ladder = np.concatenate([*steps, np.array([bands[-1][1]], dtype=np.uint32)])
    ladder.flags.writeable = False
    return ladder


BETFAIR_LADDER: Final = build_ladder(
    (1_010, 2_000, 10),
    (2_000, 3_000, 20),
    (3_000, 4_000, 50),
    (4_000, 6_000, 100),
    (6_000, 10_000, 200),
    (10_000, 20_000, 500),
    (20_000, 30_000, 1_000),
    (30_000, 50_000, 2_000),
    (50_000, 100_000, 5_000),
    (100_000, 1_000_000, 10_000),
)

FINE_LADDER: Final = build_ladder(
    (1_010, 5_000, 10),
    (5_000, 10_000, 50),
    (10_000, 20_000, 100),
    (20_000, 50_000, 500),
    (50_000, 100_000, 1_000),
    (100_000, 1_000_000, 5_000),
)

LADDERS: Final = {
    "fine": FINE_LADDER,
    "betfair": BETFAIR_LADDER,
    "fractional": FRACTIONAL_LADDER,
    "american": AMERICAN_LADDER,
}


def round_down(decimal_odds: NDArray[np.float64], ladder: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the highest step at or below each price, in thousandths.

    Args:
        decimal_odds: Any shape; NaN where there is no price.
        ladder: Rising decimal odds times 1000.

    Returns:
        Same shape; 0 where there is no price or it is below the lowest step; the highest step for all above it.
    """
    odds_milli = np.where(np.isnan(decimal_odds), 0.0, decimal_odds * 1_000.0 + STEP_TOLERANCE_MILLI)
    positions = ladder.searchsorted(odds_milli, side="right")
    # The one before the first is the last: what is under the lowest step is looked up there, and is no price.
    return np.where(positions > 0, ladder.take(positions - 1, mode="wrap"), np.uint32(0))


def round_up(decimal_odds: NDArray[np.float64], ladder: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the lowest step at or above each price, in thousandths: for floors, never for prices.

    Args:
        decimal_odds: Any shape; NaN where there is no price.
        ladder: Rising decimal odds times 1000.

    Returns:
        Same shape; 0 where there is no price; the highest step for all above it.
    """
    odds_milli = np.where(np.isnan(decimal_odds), 0.0, decimal_odds * 1_000.0 - STEP_TOLERANCE_MILLI)
    positions = np.minimum(np.searchsorted(ladder, odds_milli, side="left"), len(ladder) - 1)
    return np.where(np.isnan(decimal_odds), 0, ladder[positions]).astype(np.uint32)
