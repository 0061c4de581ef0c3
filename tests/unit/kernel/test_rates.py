"""Rates of the house, and what amounts are by them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from infra.dated import HouseRefused
from infra.rates import read_all_rates, read_rates
from infra.settings import HOUSE_DIR
from kernel.money import CurrencyMismatch, CurrencyUnknown
from kernel.rates import RATE_MICRO_MAX, RateMalformed, ReferenceRate

DAY = date(2026, 10, 30)
EDITION = '[[edition]]\nfrom = 2026-01-01\nreference_currency = "EUR"\nday = 2025-12-31\nsource = "a bank"\n'


def rate(currency: str, micro: int, reference: str = "EUR") -> ReferenceRate:
    return ReferenceRate(currency, reference, micro, DAY)


@pytest.mark.parametrize(
    ("told", "amount_minor", "down", "up"),
    [
        (rate("EUR", 1_000_000), 333, 333, 333),
        (rate("USD", 1_117_200), 100, 89, 90),  # 89.51
        (rate("JPY", 175_680_000), 1_000, 569, 570),  # 569.2; a yen has no parts
        (rate("KWD", 361_030), 1_000, 276, 277),  # 276.98; a dinar has a thousand
        (rate("HUF", 366_330_000), 1, 0, 1),
        (rate("EUR", 5_692, "JPY"), 1_000, 1_756, 1_757),  # 1756.8
        (rate("USD", 2_000_000), 100, 50, 50),
    ],
)
def test_an_amount_is_what_its_rate_says(told: ReferenceRate, amount_minor: int, down: int, up: int) -> None:
    assert (told.to_reference_down(amount_minor), told.to_reference_up(amount_minor)) == (down, up)


@pytest.mark.parametrize(
    ("currency", "micro", "error"),
    [
        ("USD", 0, RateMalformed),
        ("USD", -1, RateMalformed),
        ("USD", RATE_MICRO_MAX + 1, RateMalformed),
        ("EUR", 1_000_001, RateMalformed),
        ("EUX", 1_000_000, CurrencyUnknown),
    ],
)
def test_what_is_no_rate_is_refused(currency: str, micro: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        rate(currency, micro)


def test_the_house_has_rates_of_a_day_and_says_whose() -> None:
    first = read_rates(HOUSE_DIR, day=date(2026, 10, 30))
    rates = read_rates(HOUSE_DIR, day=date(2026, 10, 31))
    assert (first.day, rates.day) == (date(2025, 12, 31), DAY)
    assert rates.source.startswith("European Central Bank")
    assert rates.currencies[0] == rates.reference_currency == "EUR"
    assert rates.rate_of("USD") == rate("USD", 1_117_200)
    with pytest.raises(CurrencyMismatch) as refused:
        rates.rate_of("KWD")
    assert "GBP" in refused.value.figures["currencies"].split()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (EDITION + '[edition.units]\nUSD = "1,1"', "USD must be written as"),
        (EDITION + "[edition.units]\nUSD = 1.1", "USD must be written as"),
        (EDITION + '[edition.units]\nUSD = "1.1234567"', "USD must be written as"),
        (EDITION + '[edition.units]\nUSD = "0"', "must be 1 to"),
        (EDITION + '[edition.units]\nUSX = "1"', "ISO 4217"),
        (EDITION + 'units = 7\nsauce = "x"', "sauce is no name here"),
        (EDITION, "must say units"),
        (EDITION.replace("a bank", " ") + "[edition.units]", "must say who published"),
        (
            EDITION + "units = {}\n" + EDITION.replace("2026-01", "2026-02").replace("EUR", "USD") + "units = {}",
            "one reference currency",
        ),
        (EDITION.replace("2026-01-01", "2027-01-01") + "units = {}", "must hold an edition"),
    ],
)
def test_rates_that_cannot_be_are_refused_by_file_and_name(tmp_path: Path, told: str, words: str) -> None:
    folder = Path(shutil.copytree(HOUSE_DIR, tmp_path / "house"))
    (folder / "rates.toml").write_text(told, encoding="utf-8")
    with pytest.raises(HouseRefused, match=words) as refused:
        read_rates(folder, day=date(2026, 11, 30))
    assert "rates.toml" in str(refused.value)


def test_all_rates_that_ever_held_are_found(tmp_path: Path) -> None:
    assert list(read_all_rates(HOUSE_DIR)) == [date(2026, 1, 1), date(2026, 10, 31)]
