"""Players' money in PostgreSQL."""

from __future__ import annotations

from uuid import UUID

from infra.stores.ledger_answers import read_answer
from infra.stores.postgres import PostgresPool
from kernel.commands import fingerprint_of
from kernel.errors import InvariantBroken
from kernel.money import CurrencyMismatch, Money
from pam.player import PlayerBlocked
from pam.session import BettorRequired
from wallet.balance import Balance
from wallet.posting import AccountKind, Command

_BALANCE = """
    SELECT posted_minor - held_minor AS available_minor, held_minor, currency, version AS account_version
    FROM ledger.account WHERE account_id = $1 AND kind = 'cash'
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
        match answer.reason:
            case "":
                return Balance(**answer.content["balance"])
            case PlayerBlocked.reason:
                raise PlayerBlocked()
            case BettorRequired.reason:
                raise BettorRequired("Deposit must come from a bettor, came from another")
            case CurrencyMismatch.reason:
                raise CurrencyMismatch(answer.content["message"])
            case reason:
                raise InvariantBroken(f"Deposit {request_id} must be new or done, was refused as {reason}")
