"""A jurisdiction's rules as dated data: each value with the days on which it holds, and where it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

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


class RulesMalformed(DomainError):
    """The rules of a jurisdiction cannot be what holds: a day has two values of one rule, or a rule has no value."""

    reason = "RULES_MALFORMED"
    category = Category.BROKEN


class RulesUnknown(DomainError):
    """Nobody wrote down what held on that day; nothing is permitted on it."""

    reason = "RULES_UNKNOWN"
    category = Category.BROKEN


@dataclass(frozen=True, slots=True)
class Dated(Generic[Value]):
    """One value of one rule.

    Attributes:
        from_day: The first day on which it holds, in UTC; it holds until the next value of the rule does.
        source: Where it is written: a statute, a licence condition, or a decision of the house.
    """

    from_day: date
    value: Value
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on one day.

    Attributes:
        jurisdiction: Whose rules they are.
        day: The day, in UTC.
        products: What may be offered at all.
        places: Countries (ISO 3166-1 alpha-2) in which a player may be; None where it does not matter.
    """

    jurisdiction: str
    day: date
    products: frozenset[Product]
    places: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """All that was ever written down of a jurisdiction; a change is a row more, and yesterday stays as it was.

    Attributes:
        name: Its name.
        products: Values of the rule that says what may be offered.
        places: Values of the rule that says where a player may be.
    """

    name: str
    products: Sequence[Dated[frozenset[Product]]]
    places: Sequence[Dated[frozenset[str] | None]]

    def __post_init__(self) -> None:
        """Check that each rule has a value, no day has two, and each says its source.

        Raises:
            RulesMalformed: If that is not so.
        """
        for rule, rows in (("products", self.products), ("places", self.places)):
            days = [row.from_day for row in rows]
            if not days or len(set(days)) < len(days):
                raise RulesMalformed(f"Rule {rule} of {self.name} must have one value from a day on, has {days}")
            if not all(row.source.strip() for row in rows):
                raise RulesMalformed(f"Rule {rule} of {self.name} must say where it is written, does not")

    def on(self, day: date) -> Rules:
        """Return what holds on a day.

        Raises:
            RulesUnknown: If some rule has no value yet.
        """
        return Rules(self.name, day, self._value_on(self.products, day), self._value_on(self.places, day))

    def _value_on(self, rows: Sequence[Dated[Value]], day: date) -> Value:
        begun = [row for row in rows if row.from_day <= day]
        if not begun:
            raise RulesUnknown(f"Rules of {self.name} must be written down for {day}, are not")
        return max(begun, key=lambda row: row.from_day).value
