"""A player, as the platform knows them."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    player_id: UUID
    username: str
    role: PlayerRole
    status: PlayerStatus
    currency: str
    cash_account_id: int
    registered_time_us: int
    session_epoch: int


@dataclass(frozen=True, slots=True)
class StoredPlayer:
    """A player with the Argon2id hash that a password is verified against; the hash is never logged or sent."""

    player: Player
    password_hash: str
