"""How somebody is let in: who registers, and who comes back, by the rules of where they live.

What is asked, in order: whether the place is served, whether all is told, whether they are old enough, whether they
excluded themselves everywhere. A register that does not answer lets nobody in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from compliance.jurisdiction import PersonalDatum, Product, Rules
from compliance.permit import Permits
from compliance.ports import ExclusionRegister, Persons, RegisterAnswer, RegisterInquiry, RegisterWord
from kernel.errors import Category, DomainError, Part, Unavailable
from pam.person import AGE_YEARS_MAX, Person, PersonalDataMalformed, whole_years
from pam.registration import Application, LoggedIn, Registration


class PersonalDataRequired(DomainError):
    """The rules of where somebody lives, or of this place, ask for more than was told."""

    reason = "PERSONAL_DATA_REQUIRED"
    category = Category.RULE


class UnderAge(DomainError):
    """Somebody is too young to play."""

    reason = "UNDER_AGE"
    category = Category.FORBIDDEN


class ExcludedByRegister(DomainError):
    """Somebody excluded themselves everywhere, which nobody here can take back."""

    reason = "EXCLUDED_BY_REGISTER"
    category = Category.FORBIDDEN


class Admission:
    """Lets people in.

    Args:
        permits: Knows the rules of each place.
        registration: Makes players and opens sessions.
        registers: Those that can be asked, by their name in the rules.
        persons: Keeps what was told and answered.
        new_id: Names each inquiry.
    """

    def __init__(
        self,
        *,
        permits: Permits,
        registration: Registration,
        registers: Mapping[str, ExclusionRegister],
        persons: Persons,
        new_id: Callable[[], UUID],
    ) -> None:
        self._permits = permits
        self._registration = registration
        self._registers = registers
        self._persons = persons
        self._new_id = new_id

    async def register(self, application: Application, *, address: str) -> LoggedIn:
        """Make a player under the rules of where they live, and log in; a repeated request logs in again.

        Raises:
            ProductNotPermitted: If nobody may register.
            CountryNotServed: If no rules are put in by which they could play.
            PersonalDataRequired: If they have to tell more; it names what.
            PersonalDataMalformed: If something that they told cannot be so.
            UnderAge: If they are too young.
            ExcludedByRegister: If they excluded themselves everywhere.
            Unavailable: If the register does not answer in time; the same call may be made again.
            DomainError: As `Registration.register` refuses.
        """
        self._registration.expect_well_formed(application)
        person = application.person
        rules = self._permits.rules_for_resident(None if person is None else person.country)
        self._permits.expect_by(rules, Product.REGISTRATION)
        expect_told(person, rules)
        if rules.exclusion_register is not None and person is not None:
            await self._expect_not_excluded(person, rules, request_id=application.request_id, player_id=None)
        return await self._registration.register(application, jurisdiction=rules.jurisdiction, address=address)

    async def log_in(self, username: str, password: str, *, address: str) -> LoggedIn:
        """Open a session.

        Raises:
            ProductNotPermitted: If nobody may log in.
            ExcludedByRegister: If they excluded themselves everywhere.
            Unavailable: If the register does not answer in time; the same call may be made again.
            DomainError: As `Registration.log_in` refuses.
        """
        self._permits.expect(None, Product.LOG_IN)
        player = await self._registration.verify(username, password, address=address)
        self._permits.expect(player, Product.LOG_IN)
        rules = self._permits.rules_of(player)
        if rules.exclusion_register is not None:
            person = await self._persons.find_person(player.player_id)
            if person is not None:
                await self._expect_not_excluded(person, rules, request_id=None, player_id=player.player_id)
        return await self._registration.open(player)

    async def _expect_not_excluded(
        self, person: Person, rules: Rules, *, request_id: UUID | None, player_id: UUID | None
    ) -> None:
        name = rules.exclusion_register or ""
        inquiry_id = self._new_id()
        answer: RegisterAnswer | None = None
        try:
            if name not in self._registers:
                raise Unavailable(
                    Part.EXCLUSION_REGISTER, f"Register {name} must be connected, is not; nobody is let in"
                )
            answer = await self._registers[name].ask(person, inquiry_id=inquiry_id)
        finally:
            await self._persons.note_inquiry(RegisterInquiry(inquiry_id, name, request_id, player_id, answer))
        if answer.word is RegisterWord.EXCLUDED:
            raise ExcludedByRegister(
                "Player must not have excluded themselves everywhere, has; nobody here can end that"
            )


def expect_told(person: Person | None, rules: Rules) -> None:
    """Let only those pass who told what the rules ask for, and are old enough.

    Raises:
        PersonalDataRequired: If something is missing.
        PersonalDataMalformed: If they were born after today, or before anybody who lives.
        UnderAge: If they are too young.
    """
    missing = sorted(rules.registration_asks - _told(person))
    if missing:
        raise PersonalDataRequired(
            f"{rules.jurisdiction} asks whoever registers for {', '.join(missing)}, not all of it was told",
            figures={"asked": ",".join(sorted(rules.registration_asks)), "missing": ",".join(missing)},
        )
    if person is None or person.birth_date is None:
        return
    years = whole_years(person.birth_date, rules.day)
    if not 0 <= years <= AGE_YEARS_MAX:
        raise PersonalDataMalformed("birth_date must be of somebody who lives, was not")
    if years < rules.age_years_min:
        raise UnderAge(
            f"Player must be {rules.age_years_min} or older on {rules.day}, is younger",
            figures={"age_years_min": str(rules.age_years_min)},
        )


def _told(person: Person | None) -> frozenset[PersonalDatum]:
    if person is None:
        return frozenset()
    told: Mapping[PersonalDatum, str | date | frozenset[object] | None] = {
        PersonalDatum.NAME: person.given_name and person.family_name,
        PersonalDatum.ADDRESS: person.address_line and person.postcode,
        PersonalDatum.BIRTH_DATE: person.birth_date,
        PersonalDatum.EMAIL: person.email,
        PersonalDatum.CONSENT: person.consents,
    }
    return frozenset(datum for datum, value in told.items() if value is not None and value != "")
