"""What a bettor asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from kernel.commands import fingerprint_of
from kernel.money import Money


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
    """A bet as asked for; the request id is the client's, one for each press of the button."""

    request_id: UUID
    legs: tuple[LegRequest, ...]
    stake: Money
    price_policy: PricePolicy

    def fingerprint(self) -> bytes:
        """Hash what makes this request another one than a repeat."""
        legs = (
            field
            for leg in self.legs
            for field in (leg.fixture_id, leg.market_id, leg.outcome_id, leg.decimal_odds_milli, leg.book_version)
        )
        return fingerprint_of("place", self.stake.amount_minor, self.stake.currency, int(self.price_policy), *legs)
