"""The currencies of the tests' house, and what holds for bets in them."""

from __future__ import annotations

from collections.abc import Mapping

from bets.acceptance import Terms, terms_by_currency
from infra.rates import read_rates
from infra.settings import TEST_HOUSE_DIR
from risk.limits import LimitTable

RATES = read_rates(TEST_HOUSE_DIR)
EURO = RATES.rate_of("EUR")


def terms(table: LimitTable) -> Mapping[str, Terms]:
    """Return the terms of limits in euros."""
    return terms_by_currency(table, RATES)
