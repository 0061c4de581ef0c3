"""What player accounts need from outside."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pam.player import Player, PlayerRole, StoredPlayer


class PlayerStore(Protocol):
    """Where players are kept."""

    async def register(
        self, *, request_id: UUID, username: str, password_hash: str, role: PlayerRole, currency: str
    ) -> StoredPlayer:
        """Make a player with an empty cash account, once for each request id.

        A repeated request gets the player of the first with the hash of the first: verify the password against it
        before a session is opened, for a hash is salted and cannot say whether the password is the same.

        Raises:
            UsernameTaken: If another request made a player of that name.
            RequestIdReused: If the request id came before with another name, role or currency.
            LedgerUnavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def find_by_username(self, username: str) -> StoredPlayer | None:
        """Return the player of that name.

        Raises:
            LedgerUnavailable: If no answer came in time.
        """
        ...

    async def find(self, player_id: UUID) -> Player | None:
        """Return the player as stored now.

        Raises:
            LedgerUnavailable: If no answer came in time.
        """
        ...
