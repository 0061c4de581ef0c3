"""What compliance needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pam.person import Person


class RegisterWord(StrEnum):
    """What a register of exclusions says of a person."""

    EXCLUDED = "Y"
    NOT_EXCLUDED = "N"
    LAPSED = "P"
    """They were excluded once, and are no more."""


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What a register answered.

    Attributes:
        answer_id: The register's name for its answer; it proves that it was asked.
    """

    word: RegisterWord
    answer_id: str


@dataclass(frozen=True, slots=True)
class RegisterInquiry:
    """That a register was asked, and what came of it.

    Attributes:
        inquiry_id: Ours; the register is given it.
        register: Its name.
        request_id: Of the registration that it was for; None where it was for a log-in.
        player_id: Whose log-in it was for; None where it was for a registration.
        answer: None where there was none in time.
    """

    inquiry_id: UUID
    register: str
    request_id: UUID | None
    player_id: UUID | None
    answer: RegisterAnswer | None


class ExclusionRegister(Protocol):
    """The register of those who excluded themselves everywhere."""

    async def ask(self, person: Person, *, inquiry_id: UUID) -> RegisterAnswer:
        """Return what it says of a person.

        Raises:
            Unavailable: If it did not answer in time, or nothing that can be understood.
        """
        ...


class Persons(Protocol):
    """What players told of themselves, and what registers said of them."""

    async def find_person(self, player_id: UUID) -> Person | None:
        """Return what a player told of themselves; None if they told nothing.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def note_inquiry(self, inquiry: RegisterInquiry) -> None:
        """Keep that a register was asked, before anything is done by what it said.

        Raises:
            Unavailable: If it is not known to be kept.
        """
        ...
