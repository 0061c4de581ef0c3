"""What the wallet needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from kernel.money import Money
from wallet.balance import Balance
from wallet.statement import StatementLine


class Wallet(Protocol):
    """Where players' money is kept."""

    async def balance(self, account_id: int) -> Balance:
        """Return the balance of a cash account as committed.

        Raises:
            InvariantBroken: If there is no such account.
            Unavailable: If no answer came in time.
        """
        ...

    async def statement(self, account_id: int, *, size: int, before: str) -> tuple[Sequence[StatementLine], str]:
        """Return a page of what moved a cash account, the newest first, and the token of the next page.

        Args:
            account_id: Which.
            size: Lines of a page.
            before: The token of the page before, empty for the first.

        Raises:
            IdMalformed: If the token is none.
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
