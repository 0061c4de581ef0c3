"""Ids: what they look like and where they come from."""

from __future__ import annotations

import re
import uuid
from typing import Final

from kernel.errors import Category, DomainError

NAME_RULE: Final = "1 to 200 printable ASCII characters without blanks"
"""What the id of a fixture, a market, an outcome or a participant must be."""

_NAME = re.compile(r"[!-~]{1,200}", re.ASCII)


class IdMalformed(DomainError):
    """An id does not have the form it must have."""

    reason = "ID_MALFORMED"
    category = Category.MALFORMED


def parse_uuid(text: str, *, field: str) -> uuid.UUID:
    """Return the UUID written in `text`.

    Raises:
        IdMalformed: If it is none; the message names `field`.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise IdMalformed(f"{field} must be a UUID, was {text[:64]!r}") from None


def is_name(text: str) -> bool:
    """Return whether a fixture, a market, an outcome or a participant may have this id."""
    return _NAME.fullmatch(text) is not None
