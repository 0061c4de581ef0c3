"""Postings: how money moves, by which command, between accounts of which kind, and what the ledger answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kernel.money import Money


class AccountKind(StrEnum):
    """What an account is for. Players' accounts first, then the house's.

    Of the house's there is one in each currency, or for each payment provider one in each.
    """

    CASH = "cash"
    BONUS = "bonus"
    BONUS_WINNINGS = "bonus_winnings"
    FREE_BET = "free_bet"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    RECEIVABLE = "receivable"
    STAKES = "stakes"
    PAYOUTS = "payouts"
    JACKPOT = "jackpot"
    PSP_CLEARING = "psp_clearing"
    FEES = "fees"
    FX = "fx"
    BONUS_COST = "bonus_cost"
    CHARGEBACK = "chargeback"
    TAX = "tax"
    SUSPENSE = "suspense"
    TEST_MONEY = "test_money"
    BANK_OWN = "bank_own"
    BANK_SAFEGUARDED = "bank_safeguarded"
    ROLLING_RESERVE = "rolling_reserve"
    DISPUTE_HOLD = "dispute_hold"

    @property
    def is_of_player(self) -> bool:
        """Whether a player owns it."""
        return self in _OF_PLAYERS

    @property
    def is_guarded(self) -> bool:
        """Whether it never falls below zero: all that players have; not what they owe, nor the house's."""
        return self.is_of_player and self is not AccountKind.RECEIVABLE


_OF_PLAYERS = frozenset(
    {
        AccountKind.CASH,
        AccountKind.BONUS,
        AccountKind.BONUS_WINNINGS,
        AccountKind.FREE_BET,
        AccountKind.WITHDRAWAL_HOLD,
        AccountKind.RECEIVABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Posting:
    """Money that goes from the debited account to the credited one.

    Attributes:
        kind: Why it moves: "stake", "payout", "deposit", "rollback" ...
    """

    debit_account_id: int
    credit_account_id: int
    amount: Money
    kind: str


@dataclass(frozen=True, slots=True)
class Command:
    """What a provider asks for once, however often it has to ask: another content under its key is refused."""

    provider: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger said to a command, the same for ever: what came of it, or why it was refused.

    Attributes:
        content: What the answer tells beside, by name.
        reason: The stable reason of a refusal, empty for none.
    """

    content: Mapping[str, Any]
    reason: str


def reverse(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """Return what takes postings back: each the other way round, the last one first."""
    return tuple(
        replace(posting, debit_account_id=posting.credit_account_id, credit_account_id=posting.debit_account_id)
        for posting in reversed(postings)
    )


def net_minor(postings: Iterable[Posting]) -> dict[tuple[int, str], int]:
    """Return what postings do to each account, by account and currency; in each currency it sums to zero."""
    net: dict[tuple[int, str], int] = defaultdict(int)
    for posting in postings:
        net[posting.debit_account_id, posting.amount.currency] -= posting.amount.amount_minor
        net[posting.credit_account_id, posting.amount.currency] += posting.amount.amount_minor
    return dict(net)
