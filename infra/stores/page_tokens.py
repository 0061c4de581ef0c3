"""Tokens of pages of rows that are listed newest first: the time and the id of the last row of the page before."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from kernel.ids import IdMalformed

NEWEST: Final = (2**63 - 1, UUID(int=2**128 - 1))
"""Every row comes after it."""

_TOKEN: Final = re.compile(r"([0-9]{1,19})\.([0-9a-f]{32})", re.ASCII)


def build_token(time_us: int, row_id: UUID) -> str:
    """Return the token of the page behind a row."""
    return f"{time_us}.{row_id.hex}"


def parse_token(token: str) -> tuple[int, UUID]:
    """Return the time and the id of the row that a page begins behind.

    Raises:
        IdMalformed: If it is no token.
    """
    found = _TOKEN.fullmatch(token)
    if found is None or int(found[1]) > NEWEST[0]:
        raise IdMalformed(f"Page token must be one that a page before gave, was {token[:64]!r}")
    return int(found[1]), UUID(found[2])
