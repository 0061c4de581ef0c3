"""The command that places a bet, and the one answer it gets for ever."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bets.bet import Bet, Leg
from kernel.money import Money
from wallet.balance import Balance


@dataclass(frozen=True, slots=True)
class BetRefusal:
    """Why a bet was not taken, and what would be; figures that are not the trouble are None."""

    reason: str
    message: str
    stake_max_minor: int | None = None
    stake_min_minor: int | None = None
    decimal_odds_milli: int | None = None
    book_version: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceCommand:
    """A bet that has passed every check but the player's funds, or a refusal that must be remembered.

    Attributes:
        fingerprint: 32 bytes over the business fields of the request (`kernel.commands.fingerprint_of`).
        refusal: Set where the checks before the ledger refused: then that answer is stored and nothing moves.
    """

    request_id: UUID
    player_id: UUID
    cash_account_id: int
    fingerprint: bytes
    legs: tuple[Leg, ...]
    stake: Money
    refusal: BetRefusal | None


@dataclass(frozen=True, slots=True)
class BetAnswer:
    """The answer to a place command: a bet with the balance after it, or a refusal.

    Attributes:
        bet: The bet as it was accepted, whatever has happened to it since.
        is_replay: Whether the answer was given before.
    """

    bet: Bet | None
    refusal: BetRefusal | None
    balance: Balance | None
    is_replay: bool
