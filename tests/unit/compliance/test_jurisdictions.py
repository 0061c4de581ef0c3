"""The rules of the jurisdictions that are put in: whose they are, from which day, and that they stay apart."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance.admission import PersonalDataRequired, UnderAge, expect_told
from compliance.jurisdiction import Dated, Jurisdiction, LimitWindow, PersonalDatum, Product, Rules, RulesMalformed
from compliance.permit import CountryNotServed, Permits
from infra.house import read_jurisdiction, read_permits
from infra.settings import HOUSE_DIR
from kernel.errors import DomainError
from pam.person import Person, whole_years
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_clock import FakeClock

NAMES = ("default", "malta", "united-kingdom")
EVER = date(1970, 1, 1)
TODAY = date(2026, 11, 30)


def clock_at(year: int, month: int, day: int, hour: int, zone: str) -> FakeClock:
    clock = FakeClock()
    clock.time_us = int(datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000
    return clock


def resident(country: str, birth_date: date | None = date(1990, 5, 17)) -> Person:
    return Person(
        country=country,
        given_name="Ann",
        family_name="Example",
        address_line="1 Some Street, Some Town",
        postcode="AB1 2CD",
        birth_date=birth_date,
        email="ann@example.org",
        consents=frozenset(),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_value_holds_from_a_day_and_says_where_it_is_written(name: str) -> None:
    jurisdiction = read_jurisdiction(HOUSE_DIR, name)
    assert jurisdiction.on(TODAY).self_exclusion.months_min >= 6
    assert all(row.source for rows in jurisdiction.rows.values() for row in rows)


@pytest.mark.parametrize(("country", "name"), [(None, "default"), ("GB", "united-kingdom"), ("MT", "malta")])
def test_somebody_is_under_the_rules_of_where_they_live(country: str | None, name: str) -> None:
    permits = read_permits(HOUSE_DIR, home="default", clock=clock_at(2026, 11, 30, 12, "UTC"))
    assert permits.rules_for_resident(country).jurisdiction == name
    assert permits.rules_of(replace(PLAYER, jurisdiction=name)).jurisdiction == name
    with pytest.raises(CountryNotServed, match="GB, MT"):
        permits.rules_for_resident("US")


def test_what_nobody_wrote_rules_for_is_refused_and_what_two_did_is_no_house() -> None:
    permits = read_permits(HOUSE_DIR, home="default", clock=FakeClock())
    found = permits.ask(replace(PLAYER, jurisdiction="atlantis"), Product.SPORTS_BET)
    assert isinstance(found, DomainError)
    assert found.reason == "RULES_UNKNOWN"
    british = read_jurisdiction(HOUSE_DIR, "united-kingdom")
    for other in (british, Jurisdiction("scotland", british.rows)):
        with pytest.raises(RulesMalformed):
            Permits(british, others=[other], clock=clock_at(2026, 11, 30, 12, "UTC"))


def test_the_second_phase_of_deposit_limits_begins_at_midnight_in_london_on_its_day_and_not_on_the_one_first_told() -> (
    None
):
    british = replace(PLAYER, jurisdiction="united-kingdom")
    clock = clock_at(2026, 6, 30, 12, "Europe/London")
    permits = read_permits(HOUSE_DIR, home="default", clock=clock)
    assert not permits.rules_of(british).deposit_limits.must_be_offered
    clock.time_us = clock_at(2026, 9, 30, 0, "Europe/London").time_us - 1
    assert not permits.rules_of(british).deposit_limits.must_be_offered
    clock.time_us += 1
    assert permits.rules_of(british).deposit_limits.must_be_offered
    assert permits.rules_of(british).deposit_limits.windows == frozenset(LimitWindow)
    utc = datetime.fromtimestamp(clock.time_us / 1_000_000, tz=UTC)
    assert (utc.day, utc.hour) == (29, 23)


def outcome(permits: Permits, jurisdiction: str, country: str | None) -> list[object]:
    """What somebody under a jurisdiction meets at every question that there is."""
    player = replace(PLAYER, jurisdiction=jurisdiction)
    met: list[object] = [permits.ask(player, product, place=place) for product in Product for place in (None, "MT")]
    met = [each.reason if isinstance(each, DomainError) else each for each in met]
    rules = permits.rules_of(player)
    met.append(rules)
    if country is not None or jurisdiction == "default":
        assert permits.rules_for_resident(country) == rules
    for born in (None, date(2008, 11, 30), date(2008, 12, 1), date(1990, 1, 1)):
        for person in (None, resident(country or "GB", born)):
            try:
                expect_told(person, rules)
                met.append("told")
            except DomainError as refusal:
                met.append((refusal.reason, refusal.message))
    return met


def opposite(rules: Rules) -> dict[str, list[Dated[Any]]]:
    """Other values of every rule."""
    others: dict[str, Any] = {
        "products": frozenset(Product) - rules.products,
        "places": frozenset({"AQ"}) if rules.places is None else None,
        "time_zone": "Pacific/Kiritimati",
        "countries": frozenset({"AQ"}),
        "age_years_min": rules.age_years_min + 40,
        "registration_asks": frozenset(PersonalDatum) - rules.registration_asks,
        "exclusion_register": "another" if rules.exclusion_register is None else None,
        "deposit_limits": replace(rules.deposit_limits, raise_waits_h=99, windows=frozenset()),
        "time_out": replace(rules.time_out, hours_min=1),
        "self_exclusion": replace(rules.self_exclusion, months_min=1),
        "reality_check": replace(rules.reality_check, minutes_first=1),
    }
    assert others.keys() == {item.name for item in fields(Rules)} - {"jurisdiction", "day"}
    assert all(getattr(rules, name) != value for name, value in others.items())
    return {name: [Dated(EVER, value, "a decision")] for name, value in others.items()}


@pytest.mark.parametrize(("name", "other"), list(permutations(NAMES, 2)))
def test_no_rule_of_one_jurisdiction_decides_about_anothers_players(name: str, other: str) -> None:
    clock = clock_at(2026, 11, 30, 12, "UTC")
    known = {each: read_jurisdiction(HOUSE_DIR, each) for each in NAMES}
    country = {"default": None, "malta": "MT", "united-kingdom": "GB"}[name]

    def permits() -> Permits:
        return Permits(known["default"], others=[known["malta"], known["united-kingdom"]], clock=clock)

    before = outcome(permits(), name, country)
    own = known[name]
    known[other] = Jurisdiction(other, opposite(known[other].on(TODAY)))
    assert outcome(permits(), name, country) == before
    known[name] = Jurisdiction(name, opposite(own.on(TODAY)) | {"countries": own.rows["countries"]})
    assert outcome(permits(), name, country) != before


@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2028, 2, 28), 19),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2008, 3, 1), date(2026, 2, 28), 17),
        (date(2008, 3, 1), date(2026, 3, 1), 18),
        (date(2008, 12, 31), date(2026, 12, 31), 18),
        (date(2026, 1, 2), date(2026, 1, 1), -1),
    ],
)
def test_years_are_whole_ones(born: date, day: date, years: int) -> None:
    assert whole_years(born, day) == years


def test_somebody_is_of_age_from_their_birthday_on_where_they_live() -> None:
    rules = read_jurisdiction(HOUSE_DIR, "united-kingdom").on(date(2026, 11, 30))
    expect_told(resident("GB", date(2008, 11, 30)), rules)
    with pytest.raises(UnderAge) as refused:
        expect_told(resident("GB", date(2008, 12, 1)), rules)
    assert refused.value.figures == {"age_years_min": "18"}


@pytest.mark.parametrize(
    ("datum", "left_out"),
    [
        (PersonalDatum.NAME, {"given_name": ""}),
        (PersonalDatum.NAME, {"family_name": ""}),
        (PersonalDatum.ADDRESS, {"postcode": ""}),
        (PersonalDatum.ADDRESS, {"address_line": ""}),
        (PersonalDatum.BIRTH_DATE, {"birth_date": None}),
        (PersonalDatum.EMAIL, {"email": ""}),
        (PersonalDatum.CONSENT, {"consents": None}),
    ],
)
def test_what_is_asked_and_not_told_is_named(datum: PersonalDatum, left_out: dict[str, Any]) -> None:
    british, nobody = (read_jurisdiction(HOUSE_DIR, name).on(TODAY) for name in ("united-kingdom", "default"))
    person = replace(resident("GB"), **left_out)
    with pytest.raises(PersonalDataRequired) as refused:
        expect_told(person, british)
    assert refused.value.figures["missing"] == datum
    expect_told(person, nobody)
    expect_told(None, nobody)
    with pytest.raises(PersonalDataRequired):
        expect_told(None, british)
