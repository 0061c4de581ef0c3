"""What player accounts need from outside."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pam.person import Person
from pam.player import Player, PlayerRole, StoredPlayer
from pam.session import Session, StoredSession


class PlayerStore(Protocol):
    """Where players are kept."""

    async def register(
        self,
        *,
        request_id: UUID,
        username: str,
        password_hash: str,
        role: PlayerRole,
        currency: str,
        jurisdiction: str = "default",
        person: Person | None = None,
    ) -> StoredPlayer:
        """Make a player with an empty cash account, once for each request id.

        A repeated request gets the player of the first with the hash of the first: verify the password against it
        before a session is opened, for a hash is salted and cannot say whether the password is the same.

        Raises:
            UsernameTaken: If another request made a player of that name.
            RequestIdReused: If the request id came before with another name, role, currency or person.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def find_by_username(self, username: str) -> StoredPlayer | None:
        """Return the player of that name.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def find(self, player_id: UUID) -> Player | None:
        """Return the player as stored now.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...


class PasswordDoor(StrEnum):
    """At whose door a password is worked on; none keeps another waiting."""

    LOG_IN = "log-ins"
    TRADER = "log-ins of traders"
    REGISTRATION = "registrations"


class Passwords(Protocol):
    """Slow, salted hashes of passwords."""

    async def hash(self, password: str, *, door: PasswordDoor) -> str:
        """Return a new hash.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        ...

    async def verify(self, password: str, password_hash: str | None, *, door: PasswordDoor) -> bool:
        """Return whether the hash is of that password; None takes as long and is of none.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        ...


class SessionStore(Protocol):
    """Where sessions are kept while they last. Tokens are secrets: only their digests are stored."""

    async def open(self, player: Player) -> tuple[str, Session]:
        """Open a session and return its token, which nobody can guess.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def find(self, token: str) -> StoredSession | None:
        """Return the session of a token, whose end this moves on; None if there is none.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def end(self, token: str) -> None:
        """End a session, if there is one.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...


class LogInAttempts(Protocol):
    """Counts log-ins tried, so that passwords cannot be guessed by trying.

    By name and address, so that a stranger's wrong ones keep nobody else out, and by address, so that one address
    cannot try name after name. Those of traders count apart.
    """

    async def note(self, username: str, *, address: str, role: PlayerRole) -> None:
        """Count one more.

        Raises:
            LoginRateLimited: If it comes too soon after those that failed.
            Unavailable: If the store does not answer in time.
        """
        ...

    async def forget(self, username: str, *, address: str, role: PlayerRole) -> None:
        """Give back what was counted for a name from an address, after one succeeded.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...
