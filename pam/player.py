"""A player, as the platform knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import ClassVar
from uuid import UUID

from kernel.errors import Category, DomainError


class PlayerRole(IntEnum):
    """What a person may do."""

    BETTOR = 1
    TRADER = 2


class PlayerStatus(IntEnum):
    """Whether a player may bet."""

    ACTIVE = 1
    BLOCKED = 2


class PlayerBlocked(DomainError):
    """What was asked for is not for a player who is blocked."""

    reason = "PLAYER_BLOCKED"
    category = Category.FORBIDDEN
    words: ClassVar[str] = "Player must not be blocked, is: ask whoever runs this place"

    def __init__(self) -> None:
        super().__init__(self.words)


class PlayerExcluded(DomainError):
    """What was asked for is not for a player who excluded themselves."""

    reason = "PLAYER_EXCLUDED"
    category = Category.FORBIDDEN

    def __init__(self, until_us: int) -> None:
        super().__init__(
            f"Player must not have excluded themselves, has until {_time_words(until_us)} at least; nobody can end "
            "that before",
            figures={"until_us": str(until_us)},
        )


class PlayerTimedOut(DomainError):
    """What was asked for is not for a player who stepped back for a while."""

    reason = "PLAYER_TIMED_OUT"
    category = Category.FORBIDDEN

    def __init__(self, until_us: int) -> None:
        super().__init__(
            f"Player must not have stepped back, has until {_time_words(until_us)}", figures={"until_us": str(until_us)}
        )


class PlayerUnknown(DomainError):
    """Nobody has that name."""

    reason = "PLAYER_UNKNOWN"
    category = Category.UNKNOWN


class UsernameTaken(DomainError):
    """Another player has that name."""

    reason = "USERNAME_TAKEN"
    category = Category.CONFLICT


@dataclass(frozen=True, slots=True)
class Player:
    """Who plays, and the cash account that their stakes come from.

    Attributes:
        session_epoch: How often all their sessions were ended: those opened under another number are over.
        jurisdiction: By whose rules they play.
        timed_out_until_us: Until when they stepped back; 0 for never.
        excluded_until_us: Until when at least they excluded themselves; 0 for never.
    """

    player_id: UUID
    username: str
    role: PlayerRole
    status: PlayerStatus
    currency: str
    cash_account_id: int
    registered_time_us: int
    session_epoch: int
    jurisdiction: str = "default"
    timed_out_until_us: int = 0
    excluded_until_us: int = 0


@dataclass(frozen=True, slots=True)
class StoredPlayer:
    """A player with the Argon2id hash that a password is verified against; the hash is never logged or sent."""

    player: Player
    password_hash: str


def _time_words(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us // 1_000_000, tz=UTC):%Y-%m-%d %H:%M} UTC"
