"""Rounds of our own games: the command that plays one, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.errors import Category, DomainError
from kernel.money import Money
from wallet.balance import Balance


class RoundUnknown(DomainError):
    """The player has no such round."""

    reason = "ROUND_UNKNOWN"
    category = Category.UNKNOWN


class CycleTooShort(DomainError):
    """A player's last spin is not long enough ago; it tells how long they have to wait."""

    reason = "GAME_CYCLE_TOO_SHORT"
    category = Category.RULE


class InsufficientFunds(DomainError):
    """A player has not the cash for a stake."""

    reason = "INSUFFICIENT_FUNDS"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it was played: what was drawn for what stake, and what it won.

    Attributes:
        game_code: Of which game.
        game_version: In which version.
        stops: Where each reel stopped.
        time_us: When it was committed, by the ledger's clock.
    """

    round_id: UUID
    player_id: UUID
    account_id: int
    game_code: str
    game_version: int
    stops: tuple[int, ...]
    stake: Money
    win: Money
    time_us: int


@dataclass(frozen=True, slots=True)
class SpinCommand:
    """A spin that has passed every check but the ledger's own, with what was drawn for it.

    What was drawn is shown to nobody before the ledger has kept it; where the request was answered before, it is
    forgotten.

    Attributes:
        fingerprint: Of game and stake (`kernel.commands.fingerprint_of`).
        stake_minor_max: The most stake that the ledger may take.
        cycle_ms: The ledger takes no stake sooner than so long after the player's last round.
    """

    request_id: UUID
    player_id: UUID
    account_id: int
    fingerprint: bytes
    game_code: str
    game_version: int
    stops: tuple[int, ...]
    stake: Money
    win: Money
    stake_minor_max: int
    cycle_ms: int


@dataclass(frozen=True, slots=True)
class Played:
    """The answer to a spin, the same for ever: its round, and the balance after it."""

    round: Round
    balance: Balance
