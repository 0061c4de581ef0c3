"""What moved a player's cash, a line for each movement, the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from kernel.ids import IdMalformed

_TOKEN: Final = re.compile(r"(\d{1,18})\.(-?\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of a cash account.

    Attributes:
        account_version: Of the account after it; versions have no gap, so none is missing between two.
        amount_minor: Below zero where it was paid from the account.
        kind: As transfers have it: "stake", "payout", "refund", "deposit", "rollback".
        subject_id: What it was for, as a bet; None where that has no id.
    """

    account_version: int
    amount_minor: int
    currency: str
    kind: str
    transfer_id: UUID
    subject_id: UUID | None
    time_us: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement, and the balance after it, what is held included."""

    movement: Movement
    balance_minor: int


@dataclass(frozen=True, slots=True)
class StatementPlace:
    """Where a page begins: what came before that version, which left that balance."""

    account_version: int
    balance_minor: int

    @property
    def token(self) -> str:
        """Return it as a client is given it."""
        return f"{self.account_version}.{self.balance_minor}"

    @classmethod
    def parse(cls, token: str) -> Self:
        """Return the place that a token names.

        Raises:
            IdMalformed: If it is none.
        """
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise IdMalformed(f"Page token must be one that a page before gave, was {token[:64]!r}")
        return cls(int(found[1]), int(found[2]))


def write_lines(movements: Iterable[Movement], *, balance_minor: int) -> Sequence[StatementLine]:
    """Return the lines of movements.

    Args:
        movements: The newest first, without a gap.
        balance_minor: After the first of them.
    """
    lines = []
    for movement in movements:
        lines.append(StatementLine(movement, balance_minor))
        balance_minor -= movement.amount_minor
    return lines
