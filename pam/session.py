"""A session: proof that somebody logged in, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.errors import Category, DomainError
from pam.player import Player


class SessionRequired(DomainError):
    """The call needs the token of a session that has not expired."""

    reason = "SESSION_REQUIRED"
    category = Category.UNAUTHENTICATED


class TraderRequired(DomainError):
    """The call is for the trading desk."""

    reason = "TRADER_REQUIRED"
    category = Category.FORBIDDEN


class BettorRequired(DomainError):
    """The call is for those who bet."""

    reason = "BETTOR_REQUIRED"
    category = Category.FORBIDDEN


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is kept: whose it is, and nothing of what may change about them.

    Attributes:
        session_epoch: The player's when they logged in; the session is over once theirs is another.
        opened_time_us: When they logged in.
        expires_time_us: When it ends unless it is used before.
    """

    player_id: UUID
    session_epoch: int
    opened_time_us: int
    expires_time_us: int


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, as they were when the session was last looked up.

    Attributes:
        opened_time_us: When they logged in; a session lives only so long, however much it is used.
        expires_time_us: When it ends unless it is used before.
    """

    player: Player
    opened_time_us: int
    expires_time_us: int
