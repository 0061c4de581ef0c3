"""What games need from outside."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from casino.rounds import Played, Round, SpinCommand


class RoundLedger(Protocol):
    """Where rounds are kept, with the money that they move."""

    async def play(self, command: SpinCommand) -> Played:
        """Take the stake, keep the round and pay the win in one commit; or give the answer that the request got before.

        Raises:
            RequestIdReused: If the request id came before with another game or stake.
            CycleTooShort: If the player's last round is not long enough ago.
            InsufficientFunds: If they have not the cash.
            StakeTooHigh: If the stake is above the most.
            PlayerBlocked: If they are blocked by now.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def find(self, player_id: UUID, request_id: UUID, fingerprint: bytes) -> Played | None:
        """Return the stored answer to a request, None where it has none.

        Raises:
            RequestIdReused: If the request id came before with another game or stake.
            Unavailable: If no answer came in time.
        """
        ...

    async def get_round(self, player_id: UUID, round_id: UUID) -> Round | None:
        """Return a round of this player."""
        ...

    async def list_rounds(self, player_id: UUID, *, size: int, before: str) -> tuple[list[Round], str]:
        """Return a page of the player's rounds, newest first, and the token of the next page, empty on the last."""
        ...
