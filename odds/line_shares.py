"""What a line does to a stake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LineShares:
    """The chances that a stake on a line's upper side wins, comes back or loses.

    Each of shape (n_fixtures,); they sum to 1.0 within 1e-12.
    """

    over: NDArray[np.float64]
    push: NDArray[np.float64]
    under: NDArray[np.float64]
