"""Money: integer minor units with a currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Category, DomainError

MINOR_DIGITS_COMMON: Final = 2
_CURRENCIES_BY_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    MINOR_DIGITS_COMMON: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
        CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD
        KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
        THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
}
MINOR_DIGITS: Final = {name: digits for digits, names in _CURRENCIES_BY_DIGITS.items() for name in names.split()}
"""Digits of the minor unit of every currency, by ISO 4217."""


class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met."""

    reason = "CURRENCY_MISMATCH"
    category = Category.MALFORMED


class AmountOutOfRange(DomainError):
    """An amount is smaller or larger than what is taken."""

    reason = "AMOUNT_OUT_OF_RANGE"
    category = Category.MALFORMED


class CurrencyUnknown(DomainError):
    """A currency that nobody knows here: an amount of it says nothing."""

    reason = "CURRENCY_UNKNOWN"
    category = Category.BROKEN


def minor_digits_of(currency: str) -> int:
    """Return the digits of its minor unit.

    Raises:
        CurrencyUnknown: If there is no such currency.
    """
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        raise CurrencyUnknown(f"Currency must be one of ISO 4217, was {currency[:16]!r}")
    return digits


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
