"""Who somebody is: what they told of themselves. It goes into no log, no topic and no answer to anybody else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Final

from kernel.errors import Category, DomainError

TEXT_LENGTH_MAX: Final = 100
EMAIL_LENGTH_MAX: Final = 254
AGE_YEARS_MAX: Final = 130

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_POSTCODE: Final = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,11}", re.ASCII)


class PersonalDataMalformed(DomainError):
    """Something that was told cannot be so; the message names what, and never repeats it."""

    reason = "PERSONAL_DATA_MALFORMED"
    category = Category.MALFORMED


class MarketingProduct(IntEnum):
    """What somebody may be told of."""

    SPORTS = 1
    CASINO = 2


class MarketingChannel(IntEnum):
    """By which way."""

    EMAIL = 1
    TEXT_MESSAGE = 2
    PHONE = 3
    POST = 4


@dataclass(frozen=True, slots=True, order=True)
class Consent:
    """That somebody wants to be told of a product by a channel; nobody is told anything without one."""

    product: MarketingProduct
    channel: MarketingChannel


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody told of themselves; what is empty, or None, they did not tell.

    Attributes:
        country: Where they live, ISO 3166-1 alpha-2.
        consents: What they want to be told of, and how; None where they were not asked.
    """

    country: str
    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    address_line: str = field(default="", repr=False)
    postcode: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    email: str = field(default="", repr=False)
    consents: frozenset[Consent] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the form of what was told.

        Raises:
            PersonalDataMalformed: If it cannot be so.
        """
        for name in ("given_name", "family_name", "address_line"):
            text: str = getattr(self, name)
            if len(text) > TEXT_LENGTH_MAX or text != text.strip() or not text.isprintable():
                raise PersonalDataMalformed(
                    f"{name} must be at most {TEXT_LENGTH_MAX} characters that can be printed, no blanks around them"
                )
        if not _COUNTRY.fullmatch(self.country):
            raise PersonalDataMalformed("country must be two letters of ISO 3166-1, was something else")
        if self.postcode and not _POSTCODE.fullmatch(self.postcode):
            raise PersonalDataMalformed("postcode must be 1 to 12 of A-Z 0-9, blank and hyphen, was something else")
        if self.email and (len(self.email) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(self.email)):
            raise PersonalDataMalformed("email must be an address, was something else")


def whole_years(birth_date: date, day: date) -> int:
    """Return how many birthdays somebody has had by a day; who was born on 29 February has theirs on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
