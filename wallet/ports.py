"""What the wallet needs from outside."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from kernel.money import Money
from wallet.balance import Balance


class Wallet(Protocol):
    """Where players' money is kept."""

    async def balance(self, account_id: int) -> Balance:
        """Return the balance of a cash account as committed.

        Raises:
            InvariantBroken: If there is no such account.
            Unavailable: If no answer came in time.
        """
        ...

    async def deposit_test_money(self, request_id: UUID, account_id: int, amount: Money) -> Balance:
        """Credit test money once for each request id, and return the balance after it.

        Raises:
            RequestIdReused: If the request id came before with another amount or account.
            CurrencyMismatch: If the account is kept in another currency.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...
