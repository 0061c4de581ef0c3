"""The reasons that a caller can be refused for, as the contract publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kernel.errors import Category
from overround.common.v1 import reason_pb2

_PREFIX: Final = "REASON_"

CATEGORY_BY_REASON: Final[Mapping[str, Category]] = {
    value.name.removeprefix(_PREFIX): Category[
        reason_pb2.Category.Name(value.GetOptions().Extensions[reason_pb2.category]).removeprefix("CATEGORY_")
    ]
    for value in reason_pb2.Reason.DESCRIPTOR.values
    if value.number != reason_pb2.REASON_UNSPECIFIED
}
"""By reason; what is not here is told to nobody."""
