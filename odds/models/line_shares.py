"""What a line does to a stake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odds.model_input import RowFlags, spread_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineShares:
    """The chances that a stake on a line's upper side wins, comes back or loses.

    Each of shape (n_fixtures,); they sum to 1.0 within 1e-12, and are NaN in flagged rows.

    Attributes:
        over: The line is passed.
        push: It is met.
        under: It is not reached.
        flags: A `RowFlag` each.
    """

    over: Floats
    push: Floats
    under: Floats
    flags: RowFlags

    @classmethod
    def of_sound(cls, over: Floats, push: Floats, under: Floats, flags: RowFlags) -> LineShares:
        """Return the shares of all rows from those of the rows not flagged."""
        return cls(spread_rows(over, flags), spread_rows(push, flags), spread_rows(under, flags), flags)
