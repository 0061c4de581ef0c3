"""Ids: what they look like and where they come from."""

from __future__ import annotations

import uuid

from kernel.errors import Category, DomainError


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
