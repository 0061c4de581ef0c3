"""Odds in every format, case by case."""

from fractions import Fraction

import numpy as np
import pytest

from odds.ladder.formats import (
    AMERICAN_LADDER,
    AMERICAN_STEPS,
    FRACTIONAL_LADDER,
    FRACTIONAL_STEPS,
    OddsFormat,
    find_step_at_or_above,
    floor_milli,
    parse_odds,
    quote,
    quote_exactly,
    read,
    read_exactly,
    write_odds,
)
from odds.ladder.steps import BETFAIR_LADDER, FINE_LADDER
from odds.model_input import ModelInputInvalid

WRITTEN = {
    1_010: ("1.01", "1/100", "-10000", "0.01", "-100.00", "0.01"),
    1_500: ("1.50", "1/2", "-200", "0.50", "-2.00", "0.50"),
    1_909: ("1.909", "10/11", "-110", "0.909", "-1.100111", "0.909"),
    2_000: ("2.00", "1/1", "+100", "1.00", "1.00", "1.00"),
    2_100: ("2.10", "11/10", "+110", "1.10", "1.10", "-0.909091"),
    2_500: ("2.50", "6/4", "+150", "1.50", "1.50", "-0.666667"),
    5_450: ("5.45", "89/20", "+445", "4.45", "4.45", "-0.22472"),
    1_000_000: ("1000.00", "999/1", "+99900", "999.00", "999.00", "-0.001002"),
}


@pytest.mark.parametrize("decimal_odds_milli", WRITTEN)
def test_a_price_is_written_as_its_readers_expect(decimal_odds_milli: int) -> None:
    written = tuple(write_odds(decimal_odds_milli, odds_format) for odds_format in OddsFormat)
    assert written == WRITTEN[decimal_odds_milli]


@pytest.mark.parametrize("odds_format", OddsFormat)
@pytest.mark.parametrize("ladder", [BETFAIR_LADDER, FINE_LADDER], ids=["betfair", "fine"])
def test_every_step_of_a_ladder_comes_back_from_its_text(odds_format: OddsFormat, ladder: np.ndarray) -> None:
    for step in ladder.tolist():
        parsed = parse_odds(write_odds(step, odds_format), odds_format)
        on_trade_ladder = odds_format in {OddsFormat.FRACTIONAL, OddsFormat.AMERICAN} and floor_milli(parsed) == step
        assert on_trade_ladder or find_step_at_or_above(parsed, ladder) == step


@pytest.mark.parametrize("odds_format", OddsFormat)
def test_every_step_of_a_ladder_comes_back_exactly_as_a_fraction(odds_format: OddsFormat) -> None:
    for step in BETFAIR_LADDER.tolist():
        decimal_odds = Fraction(step, 1_000)
        assert read_exactly(quote_exactly(decimal_odds, odds_format), odds_format) == decimal_odds


def test_the_fractional_ladder_has_every_step_once_and_comes_back_from_its_text() -> None:
    assert len(FRACTIONAL_LADDER) == len(FRACTIONAL_STEPS)
    for (numerator, denominator), step in zip(FRACTIONAL_STEPS, FRACTIONAL_LADDER.tolist(), strict=True):
        assert write_odds(step, OddsFormat.FRACTIONAL) == f"{numerator}/{denominator}"
        assert floor_milli(parse_odds(f"{numerator}/{denominator}", OddsFormat.FRACTIONAL)) == step


def test_the_american_ladder_has_every_step_once_and_comes_back_from_its_text() -> None:
    assert len(AMERICAN_LADDER) == len(AMERICAN_STEPS)
    for price, step in zip(AMERICAN_STEPS, AMERICAN_LADDER.tolist(), strict=True):
        assert write_odds(step, OddsFormat.AMERICAN) == f"{price:+d}"
        assert floor_milli(parse_odds(f"{price:+d}", OddsFormat.AMERICAN)) == step


def test_evens_may_have_either_sign() -> None:
    for odds_format, evens in ((OddsFormat.AMERICAN, 100), (OddsFormat.INDONESIAN, 1), (OddsFormat.MALAY, 1)):
        assert read_exactly(Fraction(evens), odds_format) == read_exactly(Fraction(-evens), odds_format) == 2


@pytest.mark.parametrize(
    ("text", "odds_format"),
    [
        ("1.00", OddsFormat.DECIMAL),
        ("-2.00", OddsFormat.DECIMAL),
        ("0/1", OddsFormat.FRACTIONAL),
        ("5/0", OddsFormat.FRACTIONAL),
        ("5/2", OddsFormat.DECIMAL),
        ("+99", OddsFormat.AMERICAN),
        ("-99", OddsFormat.AMERICAN),
        ("0", OddsFormat.AMERICAN),
        ("0.99", OddsFormat.INDONESIAN),
        ("1.01", OddsFormat.MALAY),
        ("0.00", OddsFormat.MALAY),
        ("-0.01", OddsFormat.HONG_KONG),
        ("", OddsFormat.DECIMAL),
        ("nan", OddsFormat.DECIMAL),
        ("1e5", OddsFormat.DECIMAL),
        ("9" * 50, OddsFormat.DECIMAL),
    ],
)
def test_what_is_no_price_is_refused(text: str, odds_format: OddsFormat) -> None:
    with pytest.raises(ModelInputInvalid, match="expected, was"):
        parse_odds(text, odds_format)


def test_odds_of_one_are_refused_and_just_above_are_not() -> None:
    with pytest.raises(ModelInputInvalid, match="above 1, was 1"):
        quote_exactly(Fraction(1), OddsFormat.AMERICAN)
    assert quote_exactly(Fraction(1_001, 1_000), OddsFormat.AMERICAN) == -100_000


def test_odds_past_the_end_of_a_ladder_are_refused() -> None:
    assert find_step_at_or_above(Fraction(1_000), BETFAIR_LADDER) == 1_000_000
    with pytest.raises(ModelInputInvalid, match="1000000 thousandths"):
        find_step_at_or_above(Fraction(1_000_001, 1_000), BETFAIR_LADDER)


@pytest.mark.parametrize("odds_format", OddsFormat)
def test_a_batch_flags_what_is_no_price_and_keeps_the_rest(odds_format: OddsFormat) -> None:
    decimal_odds = np.array([[1.5, 1.0, np.nan], [2.0, 0.5, 7.25]])
    quoted = quote(decimal_odds, odds_format)
    np.testing.assert_array_equal(np.isnan(quoted), [[False, True, True], [False, True, False]])
    np.testing.assert_allclose(read(quoted, odds_format)[~np.isnan(quoted)], [1.5, 2.0, 7.25], rtol=1e-15)
    bad = {OddsFormat.AMERICAN: [99.0, -99.0, 0.0], OddsFormat.INDONESIAN: [0.5, 0.0, np.nan]}
    assert np.isnan(read(np.array(bad.get(odds_format, [0.0, np.nan, -5.0])), odds_format)).all()
