"""The two kinds of failure: refusals that a caller handles, and broken invariants that nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum


class Category(Enum):
    """What kind of refusal it is: all that a door needs to know to tell it in its own protocol."""

    MALFORMED = "what was asked cannot be read, or can never be"
    UNAUTHENTICATED = "who asks is not known"
    FORBIDDEN = "who asks may not"
    UNKNOWN = "there is nothing of that name"
    CONFLICT = "something else has that name or place already"
    RULE = "a rule of the house, or how things stand, is against it"
    BUSY = "too much is asked at once; later it is taken"
    UNAVAILABLE = "something that this needs does not answer in time"
    BROKEN = "something is wrong on our side"


class DomainError(Exception):
    """A refusal with a stable reason; the message says what was expected and what was found.

    Attributes:
        reason: Upper snake case, never changed once published (protos/overround/common/v1/reason.proto).
        category: What kind of refusal it is.
        figures: What would be accepted, as strings by name ("stake_max_minor": "4210").
    """

    reason: str = "DOMAIN_ERROR"
    category: Category = Category.BROKEN

    def __init__(self, message: str, *, figures: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.figures: Mapping[str, str] = dict(figures or {})


class Part(StrEnum):
    """What may be away while the rest works."""

    ANCHORS = "ANCHORS"
    BOOKS = "BOOKS"
    EXCLUSION_REGISTER = "EXCLUSION_REGISTER"
    EXPLANATION = "EXPLANATION"
    HISTORY = "HISTORY"
    LEDGER = "LEDGER"
    LIABILITY = "LIABILITY"
    PRICING = "PRICING"
    RANDOMNESS = "RANDOMNESS"
    RISK = "RISK"
    SESSIONS = "SESSIONS"
    TRADING = "TRADING"


class Unavailable(DomainError):
    """Something did not answer in time; whether it did what was asked is found out by asking again.

    Attributes:
        what: Which part of the house.
    """

    category = Category.UNAVAILABLE

    def __init__(self, what: Part, message: str, *, figures: Mapping[str, str] | None = None) -> None:
        super().__init__(message, figures=figures)
        self.what = what
        self.reason = f"{what}_UNAVAILABLE"


class InvariantBroken(Exception):
    """Something that cannot be is: stop rather than go on wrongly. Caught at a process's edge only."""
