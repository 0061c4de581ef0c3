"""A session: proof that somebody logged in, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.errors import DomainError
from pam.player import Player


class SessionRequired(DomainError):
    """The call needs the token of a session that has not expired."""

    reason: ClassVar[str] = "SESSION_REQUIRED"


class TraderRequired(DomainError):
    """The call is for the trading desk."""

    reason: ClassVar[str] = "TRADER_REQUIRED"


class SessionsUnavailable(DomainError):
    """Whether there is such a session cannot be found out now."""

    reason: ClassVar[str] = "SESSIONS_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, as they were at log-in.

    Attributes:
        opened_time_us: When they logged in; a session lives only so long, however much it is used.
        expires_time_us: When it ends unless it is used before.
    """

    player: Player
    opened_time_us: int
    expires_time_us: int
