"""Any price in any format and back."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odds.ladder.formats import OddsFormat, parse_odds, quote, quote_exactly, read, read_exactly, write_odds

formats = st.sampled_from(OddsFormat)
prices = st.fractions(min_value=Fraction(1_001, 1_000), max_value=100_000)


@given(prices, formats)
def test_an_exact_price_comes_back_exactly(decimal_odds: Fraction, odds_format: OddsFormat) -> None:
    assert read_exactly(quote_exactly(decimal_odds, odds_format), odds_format) == decimal_odds


@given(st.integers(1_001, 10_000_000), formats)
def test_a_text_is_within_a_thousandth_above_the_price_or_promises_less(milli: int, odds_format: OddsFormat) -> None:
    parsed = parse_odds(write_odds(milli, odds_format), odds_format)
    assert 1 < parsed < Fraction(milli + 1, 1_000)


@given(st.lists(prices, min_size=1, max_size=20), formats)
def test_a_batch_agrees_with_the_exact_price(decimal_odds: list[Fraction], odds_format: OddsFormat) -> None:
    given_odds = np.array([float(price) for price in decimal_odds])
    quoted = quote(given_odds, odds_format)
    exact = [float(quote_exactly(Fraction(price), odds_format)) for price in given_odds.tolist()]
    np.testing.assert_allclose(quoted, exact, rtol=1e-14)
    np.testing.assert_allclose(read(quoted, odds_format), given_odds, rtol=1e-14)


@given(prices, prices, formats)
def test_a_higher_price_is_better_in_every_format(one: Fraction, other: Fraction, odds_format: OddsFormat) -> None:
    low, high = sorted((quote_exactly(one, odds_format), quote_exactly(other, odds_format)))
    below, above = sorted((one, other))
    if odds_format in {OddsFormat.DECIMAL, OddsFormat.FRACTIONAL, OddsFormat.HONG_KONG}:
        assert (low, high) == (quote_exactly(below, odds_format), quote_exactly(above, odds_format))
    elif low * high > 0:
        assert (quote_exactly(below, odds_format), quote_exactly(above, odds_format)) == (low, high)
