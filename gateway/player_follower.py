"""Players as they are told to stand: whoever changed is looked up anew, and their streams with them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.auth import Authenticator
from kernel.log import Record


class PlayerFollower:
    """Takes in records of pam.players.v1."""

    def __init__(self, auth: Authenticator) -> None:
        self._auth = auth

    def apply(self, records: Iterable[Record]) -> None:
        """Take in records; the key says all that there is to know."""
        for record in records:
            self._auth.note_changed(record.key)
