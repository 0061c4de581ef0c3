"""What a player has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash of one account; the version rises by one with every movement."""

    available_minor: int
    held_minor: int
    currency: str
    account_version: int
