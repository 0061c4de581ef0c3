"""What the house decided, read from its dated files, and what of it is refused."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from infra.dated import HouseRefused
from infra.house import read_house, read_payments
from infra.settings import HOUSE_DIR, TEST_HOUSE_DIR, SettingsRefused, load_settings
from markets.fixture import FixtureDescription, FixtureStatus
from markets.layout import MarketLayout
from odds.margin.rules import MarginRule, Phase
from odds.pricing.policy import PricingPolicy
from odds.sports.registry import PRICERS

DAY = date(2026, 11, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HOUSE_DIR, tmp_path / "house"))


def write(folder: Path, file: str, told: str) -> None:
    (folder / f"{file}.toml").write_text(told, encoding="utf-8")


def test_an_edition_holds_from_its_day_on_until_the_next(folder: Path) -> None:
    write(
        folder,
        "margins",
        "[[edition]]\nfrom = 2026-01-01\noverround = 1.04\n[[edition]]\nfrom = 2026-12-01\noverround = 1.07\n",
    )
    assert read_house(folder, day=date(2026, 11, 30)).pricing.overround == 1.04
    assert read_house(folder, day=date(2026, 12, 1)).pricing.overround == 1.07
    with pytest.raises(HouseRefused, match=r"limits\.toml must hold an edition for 2025-12-31, had 2026-01-01"):
        read_house(folder, day=date(2025, 12, 31))


def test_where_a_file_is_silent_the_domain_says_what_holds(folder: Path) -> None:
    for file in ("margins", "offers", "providers"):
        write(folder, file, "[[edition]]\nfrom = 2026-01-01\n")
    write(folder, "competitions", "[[edition]]\nfrom = 2026-01-01\n[edition.tiers]\n")
    told, silent = read_house(folder, day=DAY).pricing, PricingPolicy()
    names = set(PricingPolicy.__slots__) - {"start_guard"}
    assert {name: getattr(told, name) for name in names} == {name: getattr(silent, name) for name in names}
    assert told.start_guard.tolerance_us == silent.start_guard.tolerance_us


def test_names_become_the_types_of_the_domain(folder: Path) -> None:
    pricing = read_house(folder, day=DAY).pricing
    assert MarginRule(1.055, sport="football", tier="top", phase=Phase.IN_PLAY) in pricing.margin_rules
    assert pricing.tier_by_competition["Bundesliga"] == "top"
    assert "correct_score" in pricing.own_offers["football"]


def test_a_sport_that_nobody_named_is_priced_wide_and_offered_with_nothing_of_ours(folder: Path) -> None:
    pricing = read_house(folder, day=DAY).pricing
    result = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])

    def wanted(sport: str) -> float:
        return float(pricing.wanted_overrounds(result, FixtureDescription(sport), is_in_play=True)[0])

    assert max(wanted(sport) for sport in PRICERS) < wanted("kabaddi") == pricing.overround
    assert pricing.own_offers.keys() <= PRICERS.keys()
    overdue_us = pricing.start_guard.overdue_from_us(FixtureStatus.PRE_MATCH, sport="kabaddi", start_time_ms=1_000)
    assert overdue_us == 1_000_000, "at its start, to the microsecond"


def test_the_tests_have_a_house_that_offers_nothing_of_its_own() -> None:
    assert load_settings("test").house_dir == TEST_HOUSE_DIR
    assert read_house(TEST_HOUSE_DIR).pricing.own_offers == {}
    assert read_house(TEST_HOUSE_DIR).limits == read_house(HOUSE_DIR).limits


def test_in_production_the_house_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused, match="OVERROUND_HOUSE_DIR"):
        load_settings("production")
    monkeypatch.setenv("OVERROUND_HOUSE_DIR", "/etc/overround/house")
    assert load_settings("production").house_dir == Path("/etc/overround/house")


EDITION = "[[edition]]\nfrom = 2026-01-01\n"
BETS = """
stake_minor_min = 1
stake_minor_max = 1
payout_minor_max = 1
market_loss_minor_max = 1
side_market_factor_milli = 1
in_play_factor_milli = 1
"""
REFUSED = {
    "no TOML": ("margins", "overround == 1", "must be readable TOML"),
    "no edition": ("margins", "overround = 1.05", "overround is no name here"),
    "no day": ("margins", "[[edition]]\noverround = 1.05", "each with a day"),
    "days out of order": ("margins", EDITION + EDITION, "in the order of their days"),
    "unknown name": ("margins", EDITION + "overrund = 1.05", "overrund is no name here, but"),
    "unknown name in a rule": (
        "margins",
        EDITION + 'margin_rules = [{ overround = 1.1, sprot = "tennis" }]',
        "sprot is no name here",
    ),
    "unknown phase": ("margins", EDITION + 'margin_rules = [{ overround = 1.1, phase = "half_time" }]', "in_play"),
    "rule of no competition": (
        "margins",
        EDITION + 'margin_rules = [{ overround = 1.1, tier = "third" }]',
        "tier must be one of",
    ),
    "less than fair": ("margins", EDITION + "overround = 0.98", r"overround must be 1\.0 to 3\.0, was 0\.98"),
    "no number": ("margins", EDITION + "overround = nan", "overround must be"),
    "no ladder": ("margins", EDITION + 'ladder = "rungs"', "ladder must be one of"),
    "market that nobody can settle": (
        "offers",
        EDITION + '[edition.own_offers]\nfootball = ["race_to:2"]',
        "race_to:2",
    ),
    "said in two files": ("offers", EDITION + "overround = 1.05", "overround must stand in one file"),
    "one feed as a quorum": ("providers", EDITION + "[edition.rights]\nend_quorum = 1", "end_quorum must be 2 to 32"),
    "limit left out": ("limits", EDITION + "in_play_delay_ms = 0\ndeposit_minor_max = 1\n", "must say bets"),
    "delay of no whole number": (
        "limits",
        EDITION + "in_play_delay_ms = 0.5\ndeposit_minor_max = 1\n[edition.bets]\n" + BETS,
        "in_play_delay_ms must be a whole number",
    ),
    "limit below zero": (
        "limits",
        EDITION + "in_play_delay_ms = 0\ndeposit_minor_max = 1\n[edition.bets]\nmarket_loss_minor_max = -1",
        "market_loss_minor_max must be 0 to",
    ),
}


@pytest.mark.parametrize(("file", "told", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_by_its_file_and_name(folder: Path, file: str, told: str, words: str) -> None:
    write(folder, file, told)
    with pytest.raises(HouseRefused, match=words) as refused:
        read_house(folder, day=DAY)
    assert str(folder) in str(refused.value)


def test_a_file_that_is_missing_is_refused(folder: Path) -> None:
    (folder / "limits.toml").unlink()
    with pytest.raises(HouseRefused, match=r"limits\.toml must be readable"):
        read_house(folder, day=DAY)


def test_payment_providers_are_named_and_what_is_said_of_each_is_known(folder: Path) -> None:
    terms = read_payments(folder, day=DAY).providers["sim-cards"]
    assert (terms.deposit_minor_min, terms.deposit_minor_max) == (500, 1_000_000)
    told = (folder / "payments.toml").read_text()
    write(folder, "payments", told.replace("deposit_minor_max", "deposit_max"))
    with pytest.raises(HouseRefused, match="deposit_max is no name here"):
        read_payments(folder, day=DAY)
    write(folder, "payments", told.replace("deposit_minor_min = 500", "deposit_minor_min = -1"))
    with pytest.raises(HouseRefused, match="deposit_minor_min must be 0"):
        read_payments(folder, day=DAY)
