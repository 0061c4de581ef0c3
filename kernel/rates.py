"""What currencies are in the one that the house reckons its risk in: by dated rates, in whole minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from kernel.errors import Category, DomainError
from kernel.money import CurrencyMismatch, minor_digits_of

RATE_UNIT_DIGITS: Final = 6
RATE_UNIT_MICRO: Final = 10**RATE_UNIT_DIGITS
RATE_MICRO_MAX: Final = 10**13
"""Ten million of a unit: dearer than any that was ever quoted, and every amount still fits into 64 bits."""


class RateMalformed(DomainError):
    """A rate cannot be one."""

    reason = "RATE_MALFORMED"
    category = Category.BROKEN


@dataclass(frozen=True, slots=True)
class ReferenceRate:
    """What one unit of the reference currency is in a currency.

    Amounts are rounded as who asks says, for nothing but that tells which way is safe: what we may owe goes up, what
    we have goes down.

    Attributes:
        currency: Whose amounts it converts.
        reference_currency: In which they are put.
        rate_micro: Millionths of a unit of the currency.
        day: Of which the rate is; None for bets of before rates were kept.
    """

    currency: str
    reference_currency: str
    rate_micro: int
    day: date | None
    _minor: int = field(init=False, repr=False, compare=False)
    _reference_minor: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out how many minor units of the one are how many of the other.

        Raises:
            CurrencyUnknown: If there is no such currency.
            RateMalformed: If it is out of bounds, or a currency is not one of itself.
        """
        if not 0 < self.rate_micro <= RATE_MICRO_MAX:
            raise RateMalformed(f"A rate must be 1 to {RATE_MICRO_MAX} millionths, was {self.rate_micro}")
        if self.is_identity and self.rate_micro != RATE_UNIT_MICRO:
            raise RateMalformed(f"One {self.currency} must be one {self.currency}, was {self.rate_micro} millionths")
        minor = 10 ** minor_digits_of(self.currency) * self.rate_micro
        object.__setattr__(self, "_minor", minor)
        object.__setattr__(self, "_reference_minor", 10 ** minor_digits_of(self.reference_currency) * RATE_UNIT_MICRO)

    @property
    def is_identity(self) -> bool:
        """Return whether nothing is converted."""
        return self.currency == self.reference_currency

    def to_reference_down(self, amount_minor: int) -> int:
        """Return an amount in the reference currency, at most what it is."""
        return amount_minor if self.is_identity else amount_minor * self._reference_minor // self._minor

    def to_reference_up(self, amount_minor: int) -> int:
        """Return an amount in the reference currency, at least what it is."""
        return amount_minor if self.is_identity else -(-amount_minor * self._reference_minor // self._minor)

    def from_reference_down(self, amount_minor: int) -> int:
        """Return an amount of the reference currency in this one, at most what it is."""
        return amount_minor if self.is_identity else amount_minor * self._minor // self._reference_minor

    def from_reference_up(self, amount_minor: int) -> int:
        """Return an amount of the reference currency in this one, at least what it is."""
        return amount_minor if self.is_identity else -(-amount_minor * self._minor // self._reference_minor)


@dataclass(frozen=True, slots=True)
class Rates:
    """The currencies in which players may hold accounts, with their rates; the reference currency is one of them.

    Attributes:
        reference_currency: In which limits are stated, and risk is reckoned.
        day: Of which the rates are.
        source: Who published them.
        rate_micro_by_currency: Of every other currency: see `ReferenceRate`.
    """

    reference_currency: str
    day: date
    source: str
    rate_micro_by_currency: Mapping[str, int]

    def __post_init__(self) -> None:
        """Check the rates.

        Raises:
            CurrencyUnknown: If there is no such currency.
            RateMalformed: If a rate is none, or its source is not said.
        """
        if not self.source.strip():
            raise RateMalformed("Rates must say who published them, do not")
        for currency in (self.reference_currency, *self.rate_micro_by_currency):
            self.rate_of(currency)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Return all currencies, the reference currency first."""
        return (self.reference_currency, *sorted(self.rate_micro_by_currency.keys() - {self.reference_currency}))

    def rate_of(self, currency: str) -> ReferenceRate:
        """Return the rate of a currency.

        Raises:
            CurrencyMismatch: If players have no accounts in it.
        """
        units = {self.reference_currency: RATE_UNIT_MICRO} | dict(self.rate_micro_by_currency)
        rate_micro = units.get(currency)
        if rate_micro is None:
            raise CurrencyMismatch(
                f"Currency must be one of {', '.join(self.currencies)}, was {currency[:16]!r}",
                figures={"currencies": " ".join(self.currencies)},
            )
        return ReferenceRate(currency, self.reference_currency, rate_micro, self.day)
