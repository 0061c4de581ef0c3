"""Amounts as people write them."""

from __future__ import annotations

import pytest

from kernel.money import Money


@pytest.mark.parametrize(
    ("amount_minor", "currency", "words"),
    [
        (0, "EUR", "EUR 0.00"),
        (5, "EUR", "EUR 0.05"),
        (50_000, "EUR", "EUR 500.00"),
        (-5, "EUR", "EUR -0.05"),
        (1_234, "JPY", "JPY 1234"),
        (0, "JPY", "JPY 0"),
        (12, "KWD", "KWD 0.012"),
        (2**63 - 1, "EUR", "EUR 92233720368547758.07"),
    ],
)
def test_an_amount_is_written_with_its_currency_and_the_digits_that_it_has(
    amount_minor: int, currency: str, words: str
) -> None:
    assert str(Money(amount_minor, currency)) == words
