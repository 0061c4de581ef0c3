"""Money: integer minor units with a currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Category, DomainError

MINOR_DIGITS_COMMON: Final = 2
MINOR_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits of the minor unit by currency, where they are not the common two."""


class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met."""

    reason = "CURRENCY_MISMATCH"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        """Add an amount of the same currency.

        Raises:
            CurrencyMismatch: If the currencies differ.
        """
        self._expect_same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Subtract an amount of the same currency.

        Raises:
            CurrencyMismatch: If the currencies differ.
        """
        self._expect_same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __str__(self) -> str:
        """Return the amount as people write it: "EUR 12.50"."""
        digits = MINOR_DIGITS.get(self.currency, MINOR_DIGITS_COMMON)
        sign, figures = "-" if self.amount_minor < 0 else "", f"{abs(self.amount_minor):0{digits + 1}}"
        cut = len(figures) - digits
        return f"{self.currency} {sign}{figures[:cut]}{'.' if digits else ''}{figures[cut:]}"

    def _expect_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"Amount must be in {self.currency}, was in {other.currency}")
