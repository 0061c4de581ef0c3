"""Money: integer minor units with a currency."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Category, DomainError


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

    def _expect_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"Amount must be in {self.currency}, was in {other.currency}")
