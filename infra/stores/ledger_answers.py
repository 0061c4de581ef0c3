"""Answers of the ledger's functions, read in one way."""

from __future__ import annotations

import asyncpg
import orjson

from kernel.commands import RequestIdReused
from kernel.errors import InvariantBroken
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
