"""Players' money in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from infra.stores.ledger_answers import read_answer, refusal_of_deposit
from infra.stores.postgres import PostgresPool
from kernel.commands import fingerprint_of
from kernel.errors import InvariantBroken
from kernel.money import Money
from wallet.balance import Balance
from wallet.posting import AccountKind, Command
from wallet.statement import Movement, StatementLine, StatementPlace, write_lines

NEWEST_VERSION: Final = 2**63 - 1

_BALANCE = """
    SELECT posted_minor - held_minor AS available_minor, held_minor, currency, version AS account_version
    FROM ledger.account WHERE account_id = $1 AND kind = 'cash'
"""
_STATEMENT = """
    WITH movement AS (
        (SELECT debit_version AS account_version, -amount_minor AS amount_minor, currency, kind, transfer_id,
            subject_id, time_us
        FROM ledger.transfer WHERE debit_account_id = $1 AND debit_version < $2 ORDER BY debit_version DESC LIMIT $3)
        UNION ALL
        (SELECT credit_version, amount_minor, currency, kind, transfer_id, subject_id, time_us
        FROM ledger.transfer WHERE credit_account_id = $1 AND credit_version < $2 ORDER BY credit_version DESC LIMIT $3)
    ), page AS (SELECT * FROM movement ORDER BY account_version DESC LIMIT $3)
    SELECT account.posted_minor, page.*
    FROM ledger.account LEFT JOIN page ON true WHERE account_id = $1 AND account.kind = 'cash'
    ORDER BY account_version DESC
"""
_DEPOSIT = """
    SELECT is_same, answer FROM ledger.deposit($1, $2, $3, 'deposit', $4, $5, $6, $7)
"""


class PostgresWallet:
    """Balances and deposits: implements `wallet.ports.Wallet`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def balance(self, account_id: int) -> Balance:
        """Return the balance of a cash account as committed."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_BALANCE, account_id)
        if row is None:
            raise InvariantBroken(f"Account {account_id} must be a cash account, is none")
        return Balance(**row)

    async def statement(self, account_id: int, *, size: int, before: str) -> tuple[Sequence[StatementLine], str]:
        """Return a page of what moved a cash account, the newest first, and the token of the next page."""
        place = StatementPlace.parse(before) if before else None
        version = NEWEST_VERSION if place is None else place.account_version
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_STATEMENT, account_id, version, size + 1)
        if not rows:
            raise InvariantBroken(f"Account {account_id} must be a cash account, is none")
        movements = [Movement(**_without(row, "posted_minor")) for row in rows if row["account_version"] is not None]
        balance_minor = rows[0]["posted_minor"] if place is None else place.balance_minor
        lines = write_lines(movements, balance_minor=balance_minor)
        if len(lines) <= size:
            return lines, ""
        return lines[:size], StatementPlace(lines[size - 1].movement.account_version, lines[size].balance_minor).token

    async def deposit_test_money(self, request_id: UUID, account_id: int, amount: Money) -> Balance:
        """Credit test money once for each request id, and return the balance after it."""
        command = Command(
            "deposits", f"{account_id}:{request_id}", fingerprint_of(account_id, amount.amount_minor, amount.currency)
        )
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(
                _DEPOSIT,
                command.provider,
                command.key,
                command.fingerprint,
                AccountKind.TEST_MONEY,
                account_id,
                amount.amount_minor,
                amount.currency,
            )
        answer = read_answer(command, row)
        if answer.reason:
            raise refusal_of_deposit(answer) or InvariantBroken(
                f"Deposit {request_id} must be new or done, was refused as {answer.reason}"
            )
        return Balance(**answer.content["balance"])


def _without(row: asyncpg.Record, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
