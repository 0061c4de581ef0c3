"""What a bettor asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from bets.bet import SINGLE, Line
from kernel.commands import fingerprint_of
from kernel.errors import Category, DomainError
from kernel.money import Money


class SlipUnsupported(DomainError):
    """A slip has another number of bets than is taken on one; the call decided nothing."""

    reason = "SLIP_UNSUPPORTED"
    category = Category.MALFORMED


class PricePolicy(IntEnum):
    """What the bettor agrees to when the price has moved. Numbers travel on the wire."""

    NONE = 1
    BETTER_ONLY = 2
    ANY = 3


@dataclass(frozen=True, slots=True)
class LegRequest:
    """A selection asked for, with the price and the version of the book that the bettor saw."""

    fixture_id: str
    market_id: str
    outcome_id: str
    decimal_odds_milli: int
    book_version: int


@dataclass(frozen=True, slots=True)
class BetRequest:
    """A bet asked for: its lines are combinations of its legs, and each has the same stake."""

    legs: tuple[LegRequest, ...]
    lines: tuple[Line, ...]
    line_stake: Money

    @property
    def stake(self) -> Money:
        """Return what it costs: the stake of all its lines."""
        return Money(self.line_stake.amount_minor * len(self.lines), self.line_stake.currency)

    @property
    def is_single(self) -> bool:
        """Return whether it is one line of one leg."""
        return self.lines == SINGLE and len(self.legs) == 1


@dataclass(frozen=True, slots=True)
class SlipRequest:
    """Bets asked for together; the request id is the client's, one for each press of the button."""

    request_id: UUID
    bets: tuple[BetRequest, ...]
    price_policy: PricePolicy

    def fingerprint(self) -> bytes:
        """Hash what makes this request another one than a repeat."""
        return fingerprint_of("place", *(field for bet in self.bets for field in self._fields(bet)))

    def _fields(self, bet: BetRequest) -> Iterator[str | int]:
        yield bet.line_stake.amount_minor
        yield bet.line_stake.currency
        yield int(self.price_policy)
        for leg in bet.legs:
            yield from (leg.fixture_id, leg.market_id, leg.outcome_id, leg.decimal_odds_milli, leg.book_version)
        if not bet.is_single:  # those are written as ever, so that a request from before is known again
            yield from (f"legs {len(bet.legs)}", *(f"line {line}" for line in bet.lines))
