"""The two kinds of failure: refusals that a caller handles, and broken invariants that nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class DomainError(Exception):
    """A refusal with a stable reason; the message says what was expected and what was found.

    Attributes:
        reason: Upper snake case, never changed once published.
        figures: What would be accepted, as strings by name ("stake_max_minor": "4210").
    """

    reason: ClassVar[str] = "DOMAIN_ERROR"

    def __init__(self, message: str, *, figures: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.figures: Mapping[str, str] = dict(figures or {})


class InvariantBroken(Exception):
    """Something that cannot be is: stop rather than go on wrongly. Caught at a process's edge only."""
