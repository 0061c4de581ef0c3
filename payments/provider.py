"""What a payment provider is asked, what it tells, and which words it has for that: the same for every one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kernel.errors import Category, DomainError
from kernel.money import Money


class Method(StrEnum):
    """By what a player pays; the words stand in the house's files."""

    CARD = "card"
    BANK = "bank"


class Outcome(StrEnum):
    """What is known of a pay-in: what a provider told of it, or that it told nothing."""

    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    PENDING = "pending"
    AUTHORISED = "authorised"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    CAPTURED = "captured"


class NotificationMalformed(DomainError):
    """What a provider told cannot be read; it is kept for a person."""

    reason = "NOTIFICATION_MALFORMED"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True)
class PayIn:
    """A pay-in that a provider is asked for.

    Attributes:
        reference: Our name for it; asked for again under the same one, it is the same pay-in.
        instrument: The provider's own token of what the player pays with; never a card's number.
    """

    reference: UUID
    amount: Money
    method: Method
    instrument: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a pay-in, as far as is known.

    Attributes:
        reference: Our name for it.
        provider_reference: The provider's name for it, empty where it has none yet.
        amount: How much it is about; None where that was not told.
        code: Why it failed, in the provider's word; empty where it did not.
    """

    reference: UUID
    outcome: Outcome
    provider_reference: str = ""
    amount: Money | None = None
    code: str = ""


class PaymentProvider(Protocol):
    """One payment provider."""

    async def pay_in(self, order: PayIn) -> Told:
        """Ask for a pay-in and return what is known of it then; a time-out is NO_ANSWER, never a failure."""
        ...

    async def find_pay_in(self, reference: UUID) -> Told:
        """Ask what became of a pay-in."""
        ...

    def read_notification(self, body: bytes) -> Told:
        """Return what a notification tells, whose signature was found to be right.

        Raises:
            NotificationMalformed: If it cannot be read.
        """
        ...
