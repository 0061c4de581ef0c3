"""One invariant of the ledger, and what was found of it."""

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


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check looked at and what it found; None where it was skipped."""

    name: str
    checked_count: int | None
    violations: tuple[str, ...]
    remark: str = ""
