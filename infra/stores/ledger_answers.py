"""Answers of the ledger's functions, read in one way."""

from __future__ import annotations

import asyncpg
import orjson

from compliance.limits import DepositLimitExceeded
from kernel.commands import RequestIdReused
from kernel.errors import DomainError, InvariantBroken
from kernel.money import CurrencyMismatch
from pam.player import PlayerBlocked, PlayerExcluded, PlayerTimedOut
from pam.session import BettorRequired
from wallet.posting import Answer, Command


def read_answer(command: Command, row: asyncpg.Record | None) -> Answer:
    """Return the answer in a row of (is_same, answer).

    Raises:
        RequestIdReused: If the key was used before with another content.
    """
    if row is None:
        raise InvariantBroken(f"Command {command.provider} {command.key} must be answered, was not")
    if not row["is_same"]:
        raise RequestIdReused(f"Command {command.key} was sent before with another content")
    content = orjson.loads(row["answer"])
    refusal = content.pop("refusal", {})
    if isinstance(refusal, str):  # as refusals were stored once
        return Answer(content, refusal)
    return Answer({**content, **refusal}, refusal.get("reason", ""))


def refusal_of_player(answer: Answer) -> DomainError | None:
    """Return the refusal of who may not move money, as pam.refusal_of says it; None if it is another."""
    match answer.reason:
        case PlayerBlocked.reason:
            return PlayerBlocked()
        case PlayerExcluded.reason:
            return PlayerExcluded(answer.content["until_us"])
        case PlayerTimedOut.reason:
            return PlayerTimedOut(answer.content["until_us"])
        case BettorRequired.reason:
            return BettorRequired(answer.content["message"])
    return None


def refusal_of_deposit(answer: Answer) -> DomainError | None:
    """Return the refusal of a deposit, as the ledger says it; None if it is one that no deposit has."""
    match answer.reason:
        case CurrencyMismatch.reason:
            return CurrencyMismatch(answer.content["message"])
        case DepositLimitExceeded.reason:
            figures = {"amount_minor_max": str(answer.content["amount_max_minor"])}
            return DepositLimitExceeded(answer.content["message"], figures=figures)
    return refusal_of_player(answer)
