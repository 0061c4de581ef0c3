"""What a model refuses: a row of its input that cannot be."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernel.errors import DomainError


class ModelInputInvalid(DomainError):
    """A model was given something that cannot be; the message says what was expected, what was found and where."""

    reason: ClassVar[str] = "MODEL_INPUT_INVALID"


def require(is_valid: NDArray[np.bool_] | np.bool_, *, expected: str, found: ArrayLike) -> None:
    """Refuse the batch if any of it is not valid.

    Args:
        is_valid: Any shape, the first axis being the batch; no axes for a single value.
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
