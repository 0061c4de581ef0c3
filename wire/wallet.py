"""Balances and transfers on the wire."""

from __future__ import annotations

from uuid import UUID

from overround.common.v1 import money_pb2, outbox_pb2
from overround.wallet.v1 import wallet_pb2
from wallet.balance import Balance
from wallet.statement import StatementLine
from wallet.transfer import Transfer
from wire.money import build_money, parse_money


def build_balance(balance: Balance) -> wallet_pb2.Balance:
    """Return the message for a balance."""
    return wallet_pb2.Balance(
        available=money_pb2.Money(amount_minor=balance.available_minor, currency=balance.currency),
        held=money_pb2.Money(amount_minor=balance.held_minor, currency=balance.currency),
        account_version=balance.account_version,
    )


def parse_balance(message: wallet_pb2.Balance) -> Balance:
    """Return the balance."""
    return Balance(
        available_minor=message.available.amount_minor,
        held_minor=message.held.amount_minor,
        currency=message.available.currency,
        account_version=message.account_version,
    )


def build_statement_line(line: StatementLine) -> wallet_pb2.StatementLine:
    """Return the message for a line of a statement."""
    movement = line.movement
    return wallet_pb2.StatementLine(
        account_version=movement.account_version,
        time_us=movement.time_us,
        kind=movement.kind,
        amount=money_pb2.Money(amount_minor=movement.amount_minor, currency=movement.currency),
        balance=money_pb2.Money(amount_minor=line.balance_minor, currency=movement.currency),
        transfer_id=str(movement.transfer_id),
        subject_id="" if movement.subject_id is None else str(movement.subject_id),
    )


def build_transfer_posted(transfer: Transfer, position: outbox_pb2.OutboxPosition) -> wallet_pb2.TransferPosted:
    """Return the event that says that a transfer was committed."""
    return wallet_pb2.TransferPosted(
        position=position,
        transfer_id=str(transfer.transfer_id),
        provider=transfer.provider,
        key=transfer.key,
        leg=transfer.leg,
        debit_account_id=str(transfer.debit_account_id),
        credit_account_id=str(transfer.credit_account_id),
        amount=build_money(transfer.amount),
        kind=transfer.kind,
        time_us=transfer.time_us,
    )


def parse_transfer_posted(message: wallet_pb2.TransferPosted) -> Transfer:
    """Return the transfer that an event tells of.

    Raises:
        ValueError: If an id is none.
    """
    return Transfer(
        transfer_id=UUID(message.transfer_id),
        provider=message.provider,
        key=message.key,
        leg=message.leg,
        debit_account_id=int(message.debit_account_id),
        credit_account_id=int(message.credit_account_id),
        amount=parse_money(message.amount),
        kind=message.kind,
        time_us=message.time_us,
    )
