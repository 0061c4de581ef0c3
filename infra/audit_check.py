"""One invariant of the ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant.

    Attributes:
        name: The invariant, as people say it.
        counted: SQL that counts what was looked at.
        violations: SQL with a row for each violation, whose only column says what is wrong.
        tables: Common table expressions that it reads, one on the other.
    """

    name: str
    counted: str
    violations: str
    tables: tuple[str, ...] = ()
