"""Whether a player may do something now: by who they are, where they are, and the rules of the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from compliance.jurisdiction import Dated, Jurisdiction, LimitWindow, Product, Rules, RulesMalformed, RulesUnknown
from compliance.limits import DepositLimit, DepositLimitExceeded
from compliance.permit import (
    MOVES_MONEY,
    PAYS_IN,
    Permit,
    Permits,
    PlaceNotPermitted,
    ProductNotPermitted,
    permit,
)
from infra.dated import HouseRefused
from infra.house import read_jurisdiction
from infra.settings import HOUSE_DIR
from kernel.errors import DomainError
from kernel.money import CurrencyMismatch, Money
from pam.player import Player, PlayerBlocked, PlayerExcluded, PlayerRole, PlayerStatus, PlayerTimedOut
from pam.session import BettorRequired
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_clock import FakeClock

DAY = date(2026, 9, 30)
RULES = Rules("somewhere", DAY, frozenset(Product), None)
NOW_US = 1_790_000_000_000_000
EUROS = Money(100, "EUR")
PRODUCTS = [Dated(DAY, frozenset(Product), "a decision")]
PLACES = [Dated(DAY, None, "a decision")]
BLOCKED = replace(PLAYER, status=PlayerStatus.BLOCKED)
TRADER = replace(PLAYER, role=PlayerRole.TRADER)


def ask(
    player: Player | None = PLAYER,
    *,
    rules: Rules = RULES,
    product: Product = Product.SPORTS_BET,
    amount: Money | None = EUROS,
    place: str | None = None,
    limits: tuple[DepositLimit, ...] = (),
) -> Permit | DomainError:
    return permit(player, rules=rules, product=product, amount=amount, place=place, now_us=NOW_US, limits=limits)


@pytest.mark.parametrize("product", Product)
def test_an_active_bettor_may_have_what_the_day_permits_and_is_told_by_which_rules(product: Product) -> None:
    assert ask(product=product) == Permit(product, "somewhere", DAY)
    others = replace(RULES, products=frozenset(Product) - {product})
    assert isinstance(ask(product=product, rules=others), ProductNotPermitted)


@pytest.mark.parametrize("product", sorted(MOVES_MONEY))
@pytest.mark.parametrize(
    ("player", "refusal"),
    [
        (BLOCKED, PlayerBlocked),
        (replace(BLOCKED, excluded_until_us=1, timed_out_until_us=NOW_US + 1), PlayerBlocked),
        (replace(PLAYER, excluded_until_us=1, timed_out_until_us=NOW_US + 1), PlayerExcluded),
        (replace(TRADER, timed_out_until_us=NOW_US + 1), PlayerTimedOut),
        (replace(BLOCKED, role=PlayerRole.TRADER), PlayerBlocked),
        (TRADER, BettorRequired),
        (None, BettorRequired),
    ],
)
def test_money_moves_for_active_bettors_alone(
    product: Product, player: Player | None, refusal: type[DomainError]
) -> None:
    assert isinstance(ask(player, product=product), refusal)


@pytest.mark.parametrize("product", sorted(set(Product) - MOVES_MONEY))
@pytest.mark.parametrize("player", [None, BLOCKED, TRADER])
def test_who_moves_no_money_may_come_in(product: Product, player: Player | None) -> None:
    assert isinstance(ask(player, product=product, amount=None), Permit)


def test_who_stepped_back_may_again_once_that_is_over_and_who_excluded_themselves_may_not_by_itself() -> None:
    assert isinstance(ask(replace(PLAYER, timed_out_until_us=NOW_US)), Permit)
    found = ask(replace(PLAYER, timed_out_until_us=NOW_US + 1))
    assert isinstance(found, PlayerTimedOut)
    assert found.figures == {"until_us": str(NOW_US + 1)}
    assert isinstance(ask(replace(PLAYER, excluded_until_us=NOW_US - 1)), PlayerExcluded)


@pytest.mark.parametrize("product", sorted(PAYS_IN))
def test_a_deposit_is_within_every_limit_and_the_refusal_says_what_is_left_of_the_lowest(product: Product) -> None:
    limits = (
        DepositLimit(LimitWindow.DAY, 500, 350),
        DepositLimit(LimitWindow.WEEK, 400, 300),
        DepositLimit(LimitWindow.MONTH, None, 10_000),
    )
    assert isinstance(ask(product=product, amount=Money(100, "EUR"), limits=limits), Permit)
    found = ask(product=product, amount=Money(101, "EUR"), limits=limits)
    assert isinstance(found, DepositLimitExceeded)
    assert found.figures == {"amount_minor_max": "100"}
    assert "7 days" in found.message
    lowered = (DepositLimit(LimitWindow.DAY, 100, 350),)
    found = ask(product=product, amount=Money(1, "EUR"), limits=lowered)
    assert isinstance(found, DepositLimitExceeded)
    assert found.figures == {"amount_minor_max": "0"}
    assert isinstance(ask(product=Product.SPORTS_BET, amount=Money(1, "EUR"), limits=lowered), Permit)


def test_an_amount_is_in_the_players_currency() -> None:
    assert isinstance(ask(amount=Money(100, "GBP")), CurrencyMismatch)
    assert isinstance(ask(BLOCKED, amount=Money(100, "GBP")), PlayerBlocked)
    assert isinstance(ask(amount=None), Permit)


def test_where_it_matters_a_player_is_known_to_be_where_it_is_permitted() -> None:
    rules = replace(RULES, places=frozenset({"IE", "MT"}))
    assert isinstance(ask(rules=rules, place="IE"), Permit)
    for place in ("FR", None):
        assert isinstance(ask(rules=rules, place=place), PlaceNotPermitted)
    assert isinstance(ask(place="FR"), Permit)


def dated(*days_and_products: tuple[date, frozenset[Product]]) -> Jurisdiction:
    products = [Dated(day, value, "a decision") for day, value in days_and_products]
    places = [Dated(date(2026, 1, 1), None, "a decision")]
    return Jurisdiction("default", {"products": products, "places": places})


def test_a_rule_holds_from_its_day_until_the_next_one_does_and_yesterday_stays_as_it_was() -> None:
    moved = date(2026, 9, 30)
    without = frozenset(Product) - {Product.TEST_DEPOSIT}
    rules = dated((moved, without), (date(2026, 1, 1), frozenset(Product)))
    assert rules.on(date(2026, 9, 29)).products == frozenset(Product)
    assert rules.on(moved).products == rules.on(date(2027, 9, 30)).products == without
    with pytest.raises(RulesUnknown):
        rules.on(date(2025, 12, 31))


def test_rules_that_nobody_could_follow_are_refused() -> None:
    with pytest.raises(RulesMalformed):
        dated()
    with pytest.raises(RulesMalformed):
        dated((DAY, frozenset(Product)), (DAY, frozenset()))
    with pytest.raises(RulesMalformed):
        Jurisdiction("somewhere", {"products": [Dated(DAY, frozenset(Product), " ")], "places": PLACES})
    with pytest.raises(RulesMalformed):
        Jurisdiction("somewhere", {"places": PLACES})
    with pytest.raises(RulesMalformed):
        Jurisdiction("somewhere", {"products": PRODUCTS, "places": PLACES, "lottery": PLACES})
    with pytest.raises(RulesMalformed):
        Jurisdiction(
            "somewhere", {"products": PRODUCTS, "places": PLACES, "time_zone": [Dated(DAY, "Atlantis", "a decision")]}
        )


def test_the_day_of_the_rules_is_the_day_of_the_clock() -> None:
    clock = FakeClock()
    last_us = int(datetime(2026, 9, 29, 23, 59, 59, 999_999, tzinfo=UTC).timestamp() * 1_000_000)
    clock.time_us = last_us
    permits = Permits(dated((date(2026, 1, 1), frozenset(Product)), (DAY, frozenset())), clock=clock)
    assert permits.expect(PLAYER, Product.SPORTS_BET, amount=EUROS).day == date(2026, 9, 29)
    clock.time_us = last_us + 1
    with pytest.raises(ProductNotPermitted):
        permits.expect(PLAYER, Product.SPORTS_BET, amount=EUROS)


def test_the_default_permits_all_there_is_anywhere() -> None:
    today = datetime.now(tz=UTC).date()
    rules = read_jurisdiction(HOUSE_DIR, "default").on(today)
    assert rules == Rules("default", today, frozenset(Product), None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"log_in", ', '"lottery", '),
        ("[[products]]", '[[products]]\nfrom = 1970-01-01\nvalue = []\nsource = "twice"\n\n[[products]]'),
        ("from = 1970-01-01", "from = 1970-13-01"),
        ('"anywhere"', '["Ireland"]'),
        ("source = ", "sauce = "),
        ("[[places]]", "[[spaces]]"),
        ("[[time_out]]", "[[time_in]]"),
        ("hours_min = 24", "hours_min = 2400"),
        ('value = "UTC"', 'value = "Atlantis"'),
    ],
)
def test_a_file_that_is_not_understood_is_no_jurisdiction(tmp_path: Path, old: str, new: str) -> None:
    text = (HOUSE_DIR / "jurisdictions" / "default.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "jurisdictions").mkdir()
    (tmp_path / "jurisdictions" / "default.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(HouseRefused, match=r"default\.toml"):
        read_jurisdiction(tmp_path, "default")
    with pytest.raises(HouseRefused, match=r"nowhere\.toml"):
        read_jurisdiction(tmp_path, "nowhere")


def test_nowhere_is_not_anywhere(tmp_path: Path) -> None:
    text = (HOUSE_DIR / "jurisdictions" / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "jurisdictions").mkdir()
    (tmp_path / "jurisdictions" / "default.toml").write_text(text.replace('"anywhere"', "[]"), encoding="utf-8")
    assert read_jurisdiction(tmp_path, "default").on(DAY).places == frozenset()
