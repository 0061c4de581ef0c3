"""A transfer: one immutable double entry."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that went from the debited account to the credited one.

    Attributes:
        provider: Who gave the command: "bets", "settlement", "deposits".
        key: The command's key within the provider.
        leg: Counts the transfers of one command from zero.
        kind: "stake", "payout", "refund", "deposit", "rollback", "advance", "recovery".
    """

    transfer_id: UUID
    provider: str
    key: str
    leg: int
    debit_account_id: int
    credit_account_id: int
    amount: Money
    kind: str
    time_us: int
