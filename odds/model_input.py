"""What the models refuse: a batch that is malformed as a whole, and rows of a batch that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernel.errors import Category, DomainError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
RowFlags = NDArray[np.int8]


class ModelInputInvalid(DomainError):
    """A model was given something that cannot be; the message says what was expected, what was found and where."""

    reason = "MODEL_INPUT_INVALID"
    category = Category.MALFORMED


class RowFlag(IntEnum):
    """Why a row of a batch has no chances: they are NaN throughout it, the other rows are as if it were not there."""

    FINE = 0
    GOAL_MEANS_OUT_OF_RANGE = 1
    RHO_OUT_OF_RANGE = 2
    SCORE_IMPOSSIBLE = 3
    CLOCK_IMPOSSIBLE = 4
    RED_CARDS_IMPOSSIBLE = 5
    TOO_FEW_PRICES = 6
    PRICES_OUT_OF_RANGE = 7
    NOT_CONVERGED = 8
    FORECAST_OUT_OF_RANGE = 9
    TENNIS_SCORE_IMPOSSIBLE = 10
    POINTS_IMPOSSIBLE = 11
    INNINGS_IMPOSSIBLE = 12
    CHANCES_OUT_OF_RANGE = 13
    CHANCES_SUM_WRONG = 14
    RUNNERS_TOO_FEW = 15
    LINE_OUT_OF_RANGE = 16
    OUT_OF_REACH = 17


EXPECTED_BY_FLAG: Final = {
    RowFlag.GOAL_MEANS_OUT_OF_RANGE: "Goal means must be finite, from 0.0 to 12.0",
    RowFlag.RHO_OUT_OF_RANGE: "Rho must lie between max(-1/l, -1/m) and min(1/(l m), 1)",
    RowFlag.SCORE_IMPOSSIBLE: "Goals must be whole, from 0 to 20 a side, before half-time no more than now",
    RowFlag.CLOCK_IMPOSSIBLE: "The period must be one of normal time, its minutes finite and not before it began",
    RowFlag.RED_CARDS_IMPOSSIBLE: "Red cards must be whole, from 0 to 5 a side",
    RowFlag.TOO_FEW_PRICES: "As many prices as unknowns are needed",
    RowFlag.PRICES_OUT_OF_RANGE: "Fair probabilities must lie between 0.0 and 1.0",
    RowFlag.NOT_CONVERGED: "The steps allowed did not reach a minimum",
    RowFlag.FORECAST_OUT_OF_RANGE: (
        "Means must be finite, of runs above 0.0; standard deviations finite, 0.5 points or more; dispersions above "
        "1.0; innings of a ball or more"
    ),
    RowFlag.TENNIS_SCORE_IMPOSSIBLE: (
        "Sets, games and points must be 0 or more, and leave match, set and game still to be won"
    ),
    RowFlag.POINTS_IMPOSSIBLE: "Points must be 0 or more, seconds left from 0 to those of regulation",
    RowFlag.INNINGS_IMPOSSIBLE: (
        "Runs must be 0 or more, wickets 0 to 10, balls left from 0 to those of an innings, the target of a chase 1 or "
        "more"
    ),
    RowFlag.CHANCES_OUT_OF_RANGE: "Chances must be above 0.0 and below 1.0, only that of a lone runner 1.0",
    RowFlag.CHANCES_SUM_WRONG: "Chances to win a race must sum to 1.0, those on serve to between 0.0 and 2.0",
    RowFlag.RUNNERS_TOO_FEW: "A race must have as many runners as places are asked for",
    RowFlag.LINE_OUT_OF_RANGE: "Lines and handicaps must be finite",
    RowFlag.OUT_OF_REACH: "A chance to win must be one that the score and the forecast leave open",
}
"""What a row must be like not to get each flag."""

_FINE: Final = int(RowFlag.FINE)


def count_rows(*columns: NDArray[np.generic]) -> int:
    """Return how many rows columns have.

    Raises:
        ModelInputInvalid: If they do not all have as many.
    """
    counts = {len(column) for column in columns}
    if len(counts) != 1:
        raise ModelInputInvalid(f"Columns of one length were expected, their lengths were {sorted(counts)}")
    return counts.pop()


def flag_rows(row_count: int, checks: Sequence[tuple[RowFlag, Flags]]) -> RowFlags:
    """Flag every row with the first check that it fails.

    Args:
        row_count: How many rows there are.
        checks: A flag, and what is as it must be: shape (n_rows,), or with further axes along which all must be.
    """
    flags = np.zeros(row_count, dtype=np.int8)
    for flag, is_valid in reversed(checks):
        flags[~is_valid.all(axis=tuple(range(1, is_valid.ndim)))] = flag
    return flags


def find_fine(flags: RowFlags) -> NDArray[np.int64]:
    """Return the positions of the rows that are not flagged."""
    return np.flatnonzero(flags == _FINE)


def spread_rows(values: Floats, flags: RowFlags) -> Floats:
    """Return what was found for the rows not flagged at their places among all, NaN throughout the others.

    Args:
        values: The first axis being the rows not flagged.
        flags: A `RowFlag` for every row.
    """
    if len(values) == len(flags):
        return values
    spread = np.full((len(flags), *values.shape[1:]), np.nan)
    spread[flags == _FINE] = values
    return spread


def require(is_valid: NDArray[np.bool_] | np.bool_, *, expected: str, found: ArrayLike) -> None:
    """Refuse the whole of an input of which no part can be used alone.

    Args:
        is_valid: Any shape, the first axis being the row; no axes for a single value.
        expected: What must be, as a sentence's first half: "Serve probability must be above 0.0 and below 1.0".
        found: What is, of a shape that broadcasts to that of `is_valid`.

    Raises:
        ModelInputInvalid: With the first offending value and its row.
    """
    flags = np.asarray(is_valid)
    if flags.all():
        return
    position = tuple(int(index) for index in np.argwhere(~flags)[0])
    value = np.broadcast_to(np.asarray(found), flags.shape)[position]
    where = f" in row {position[0]}" if position else ""
    raise ModelInputInvalid(f"{expected}, was {value}{where}", figures={"row": str(position[0])} if position else None)
