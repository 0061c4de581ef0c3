"""A bet: what was staked on what, and everything that happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias
from uuid import UUID

from kernel.money import Money

Line: TypeAlias = tuple[int, ...]
"""A combination of a bet's legs that wins together: their places in the bet, ascending."""

SINGLE: Final[tuple[Line, ...]] = ((0,),)
"""The lines of a single."""


class BetStatus(IntEnum):
    """Where a bet stands."""

    OPEN = 1
    SETTLED = 2
    VOID = 3


class BetEventKind(IntEnum):
    """What can happen to a bet."""

    ACCEPTED = 1
    SETTLED = 2
    SETTLEMENT_ROLLED_BACK = 3
    VOIDED = 4
    VOID_ROLLED_BACK = 5

    @property
    def is_opening(self) -> bool:
        """Return whether the bet is open after it, so that the house may lose by it again."""
        return self not in {BetEventKind.SETTLED, BetEventKind.VOIDED}


@dataclass(frozen=True, slots=True)
class Leg:
    """One selection of a bet, at the price at which it was taken."""

    fixture_id: str
    market_id: str
    outcome_id: str
    decimal_odds_milli: int
    book_version: int
    is_in_play: bool
    fixture_name: str


@dataclass(frozen=True, slots=True)
class BetEvent:
    """Something that happened to a bet; the amount is what the player was credited, negative if debited."""

    kind: BetEventKind
    time_us: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet in the ledger; its events are oldest first, and each of its lines has the same share of the stake."""

    bet_id: UUID
    player_id: UUID
    request_id: UUID
    legs: tuple[Leg, ...]
    lines: tuple[Line, ...]
    stake: Money
    potential_return_minor: int
    status: BetStatus
    return_minor: int
    placed_time_us: int
    settled_time_us: int | None
    events: tuple[BetEvent, ...]
