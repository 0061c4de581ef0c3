"""A jurisdiction's rules as dated data: each value with the days on which it holds, and where it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kernel.errors import Category, DomainError

Value = TypeVar("Value")


class Product(StrEnum):
    """What a player can ask for; the words stand in the rules."""

    REGISTRATION = "registration"
    LOG_IN = "log_in"
    TEST_DEPOSIT = "test_deposit"
    DEPOSIT = "deposit"
    SPORTS_BET = "sports_bet"
    CASINO_GAME = "casino_game"


class PersonalDatum(StrEnum):
    """What whoever registers may be asked to tell of themselves."""

    NAME = "name"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    EMAIL = "email"
    CONSENT = "consent"


class LimitWindow(StrEnum):
    """Over which time deposits are counted; each window ends now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "month"


class RulesMalformed(DomainError):
    """The rules of a jurisdiction cannot be what holds: a day has two values of one rule, or a rule has no value."""

    reason = "RULES_MALFORMED"
    category = Category.BROKEN


class RulesUnknown(DomainError):
    """Nobody wrote down what held on that day, or in that jurisdiction; nothing is permitted there."""

    reason = "RULES_UNKNOWN"
    category = Category.BROKEN


@dataclass(frozen=True, slots=True)
class Dated(Generic[Value]):
    """One value of one rule.

    Attributes:
        from_day: The first day on which it holds, in the jurisdiction's time; it holds until the next value of the rule
            does.
        source: Where it is written: a statute, a licence condition, or a decision of the house.
    """

    from_day: date
    value: Value
    source: str


@dataclass(frozen=True, slots=True)
class DepositLimitRules:
    """How players bound what they pay in. What is paid in counts whole, whatever is paid out again.

    Attributes:
        windows: Over which times a bound may be set.
        must_be_offered: Whether whoever registers is offered them.
        raise_waits_h: How long it takes until a raised bound may hold; one that is lowered holds at once.
        raise_needs_confirmation: Whether it holds only once it is asked for again after that time.
    """

    windows: frozenset[LimitWindow] = frozenset(LimitWindow)
    must_be_offered: bool = False
    raise_waits_h: int = 24
    raise_needs_confirmation: bool = True


@dataclass(frozen=True, slots=True)
class TimeOutRules:
    """How long a player may step back for, without excluding themselves."""

    hours_min: int = 24
    hours_max: int = 6 * 7 * 24

    def __post_init__(self) -> None:
        """Check that the least is above zero and not above the most.

        Raises:
            RulesMalformed: If that is not so.
        """
        _expect_range(self.hours_min, self.hours_max)


@dataclass(frozen=True, slots=True)
class SelfExclusionRules:
    """How long a player may exclude themselves for."""

    months_min: int = 6
    months_max: int = 60

    def __post_init__(self) -> None:
        """Check that the least is above zero and not above the most.

        Raises:
            RulesMalformed: If that is not so.
        """
        _expect_range(self.months_min, self.months_max)


@dataclass(frozen=True, slots=True)
class RealityCheckRules:
    """How often a player is told how long they have played; none of their choice is longer than the most."""

    minutes_first: int = 60
    minutes_max: int = 60

    def __post_init__(self) -> None:
        """Check that the least is above zero and not above the most.

        Raises:
            RulesMalformed: If that is not so.
        """
        _expect_range(self.minutes_first, self.minutes_max)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on one day. Its names are the names of the rules in files, and its types say what values they have.

    Attributes:
        jurisdiction: Whose rules they are.
        day: The day, in its time.
        products: What may be offered at all.
        places: Countries (ISO 3166-1 alpha-2) in which a player may be; None where it does not matter.
        time_zone: In which its days begin and end.
        countries: The countries whose residents are under these rules.
        age_years_min: So many whole years a player has behind them; 0 where nobody asks.
        registration_asks: What whoever registers has to tell.
        exclusion_register: The register of those who excluded themselves everywhere, which is asked at registration and
            log-in; None where there is none.
    """

    jurisdiction: str
    day: date
    products: frozenset[Product]
    places: frozenset[str] | None
    time_zone: str = "UTC"
    countries: frozenset[str] = frozenset()
    age_years_min: int = 0
    registration_asks: frozenset[PersonalDatum] = frozenset()
    exclusion_register: str | None = None
    deposit_limits: DepositLimitRules = field(default_factory=DepositLimitRules)
    time_out: TimeOutRules = field(default_factory=TimeOutRules)
    self_exclusion: SelfExclusionRules = field(default_factory=SelfExclusionRules)
    reality_check: RealityCheckRules = field(default_factory=RealityCheckRules)


_RULES: Final = {item.name: item for item in fields(Rules) if item.name not in {"jurisdiction", "day"}}
RULE_NAMES: Final = tuple(_RULES)
"""What is written down of a jurisdiction."""


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """All that was ever written down of a jurisdiction; a change is a row more, and yesterday stays as it was.

    Attributes:
        name: Its name.
        rows: Values by the name of their rule.
    """

    name: str
    rows: Mapping[str, Sequence[Dated[Any]]]

    def __post_init__(self) -> None:
        """Check that each rule has a value, no day has two, and each says its source.

        Raises:
            RulesMalformed: If that is not so.
        """
        for rule, rows in self.rows.items():
            days = [row.from_day for row in rows]
            if not days or len(set(days)) < len(days):
                raise RulesMalformed(f"Rule {rule} of {self.name} must have one value from a day on, has {days}")
            if not all(row.source.strip() for row in rows):
                raise RulesMalformed(f"Rule {rule} of {self.name} must say where it is written, does not")
        missing = [name for name, rule in _RULES.items() if _has_no_default(rule) and name not in self.rows]
        if missing or (unknown := self.rows.keys() - _RULES.keys()):
            found = f"lacks {missing}" if missing else f"has {sorted(unknown)}"
            raise RulesMalformed(f"{self.name} must have the rules {RULE_NAMES}, {found}")
        for row in self.rows.get("time_zone", ()):
            _zone(row.value)

    @property
    def countries_ever(self) -> frozenset[str]:
        """Return the countries whose residents are under these rules on any day."""
        return frozenset().union(*(row.value for row in self.rows.get("countries", ())))

    def on(self, day: date) -> Rules:
        """Return what holds on a day.

        Raises:
            RulesUnknown: If some rule has no value yet.
        """
        return Rules(
            jurisdiction=self.name,
            day=day,
            **{name: self._value_on(name, rows, day) for name, rows in self.rows.items()},
        )

    def day_at(self, time_us: int) -> date:
        """Return which day it is there."""
        return datetime.fromtimestamp(time_us / 1_000_000, tz=self._zone_at(time_us)).date()

    def day_ends_us(self, time_us: int) -> int:
        """Return when the day there ends."""
        zone = self._zone_at(time_us)
        morning = datetime.combine(self.day_at(time_us) + timedelta(days=1), time(), tzinfo=zone)
        return int(morning.timestamp()) * 1_000_000

    def _zone_at(self, time_us: int) -> ZoneInfo:
        rows = self.rows.get("time_zone")
        if rows is None:
            return _zone(_RULES["time_zone"].default)
        day = datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).date()
        return _zone(self._value_on("time_zone", rows, day))

    def _value_on(self, rule: str, rows: Sequence[Dated[Value]], day: date) -> Value:
        begun = [row for row in rows if row.from_day <= day]
        if not begun:
            raise RulesUnknown(f"Rule {rule} of {self.name} must be written down for {day}, is not")
        return max(begun, key=lambda row: row.from_day).value


def _expect_range(least: int, most: int) -> None:
    if not 0 < least <= most:
        raise RulesMalformed(f"The least must be above zero and not above the most, they are {least} and {most}")


def _has_no_default(rule: Any) -> bool:
    return rule.default is MISSING and rule.default_factory is MISSING


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RulesMalformed(f"Time zone must be one that is known, was {name!r}") from error
