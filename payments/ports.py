"""What payments need from outside, beside the providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from payments.deposit import Attempt, AttemptState, Deposit, DepositAsked, Route
from payments.provider import Told


@dataclass(frozen=True, slots=True)
class Begun:
    """A deposit that was asked for, and whether this call made it."""

    deposit: Deposit
    is_new: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """What a provider sent us, as it came, once its signature was found to be right."""

    message_id: int
    provider: str
    body: bytes


class DepositStore(Protocol):
    """Where deposits are kept, beside the money."""

    async def find_asked(self, asked: DepositAsked) -> Deposit | None:
        """Return what was made of a request before, if anything was.

        Raises:
            RequestIdReused: If it had another content.
            Unavailable: If no answer came in time; so below.
        """
        ...

    async def begin(self, asked: DepositAsked, route: Route) -> Begun:
        """Store a deposit and its first attempt, once for each request, before its provider is asked.

        Raises:
            RequestIdReused: If the request id came before with another content.
            PlayerBlocked: If the player is blocked; so the other refusals of `compliance.permit`.
        """
        ...

    async def begin_next(self, deposit: Deposit, route: Route) -> Deposit | None:
        """Store the next attempt of a deposit whose last one failed, before its provider is asked.

        Returns:
            The deposit with it; None where another began one, the last one has not failed after all, or the player may
            not pay in any more.
        """
        ...

    async def find(self, player_id: UUID, deposit_id: UUID) -> Deposit | None:
        """Return a deposit of a player."""
        ...

    async def find_attempt(self, reference: UUID) -> Attempt | None:
        """Return an attempt by our name for it."""
        ...

    async def move(self, attempt: Attempt, state: AttemptState, told: Told) -> bool:
        """Bring an attempt to another state, and credit its amount in the same commit where that is CREDITED.

        Returns:
            Whether it stood as it was given; nothing is done where another had moved it.
        """
        ...

    async def take_due(self, *, attempts_max: int) -> Sequence[Attempt]:
        """Return open attempts whose provider is to be asked again, and put off when it is asked next."""
        ...


class Inbox(Protocol):
    """Where what providers send is kept until it was worked on, and after."""

    async def put(self, provider: str, body: bytes) -> None:
        """Keep a notification; one that came before is there already."""
        ...

    async def new(self, *, messages_max: int) -> Sequence[Notification]:
        """Return what was not worked on yet, the oldest first."""
        ...

    async def close(self, message_id: int, *, complaint: str) -> None:
        """Note that a notification was worked on; with a complaint it is for a person."""
        ...
