"""The book of a simulated payment provider: payments, and what it has to tell of them; a kill loses nothing of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

DELIVERED_AFTER_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0)
"""A notification is sent so long after it was due, or tried last, until it is taken or there are no more."""

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS payment (
        reference TEXT PRIMARY KEY, payment_id TEXT UNIQUE, amount TEXT NOT NULL, currency TEXT NOT NULL,
        status TEXT NOT NULL, code TEXT NOT NULL, asked TEXT NOT NULL, ends TEXT NOT NULL, ends_time_s REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS notification (
        event_id TEXT PRIMARY KEY, number INTEGER NOT NULL, reference TEXT NOT NULL, word TEXT NOT NULL,
        time_s REAL NOT NULL, due_time_s REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        is_taken INTEGER NOT NULL DEFAULT 0
    );
"""
_PAYMENT: Final = "SELECT reference, payment_id, amount, currency, status, code FROM payment"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the provider has it; its amount is written as the provider writes amounts."""

    reference: str
    payment_id: str
    amount: str
    currency: str
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class Notification:
    """What is to be told of a payment: that it came to a status at a time, whatever it is by now."""

    event_id: str
    time_s: float
    payment: Payment


class PaymentBook:
    """Payments in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def find(self, reference: str, *, now_s: float) -> Payment | None:
        """Return a payment as it stands now."""
        self._let_end(now_s)
        row = self._base.execute(f"{_PAYMENT} WHERE reference = ?", (reference,)).fetchone()
        return None if row is None else Payment(*row)

    def all(self, *, now_s: float) -> list[Payment]:
        """Return every payment as it stands now."""
        self._let_end(now_s)
        return [Payment(*row) for row in self._base.execute(_PAYMENT)]

    def asked(self, reference: str) -> str | None:
        """Return the content under which a payment was asked for."""
        row = self._base.execute("SELECT asked FROM payment WHERE reference = ?", (reference,)).fetchone()
        return None if row is None else str(row[0])

    def record(self, payment: Payment, *, asked: str, ends: str, ends_time_s: float, told: Sequence[str]) -> None:
        """Write a payment down, and what will be told of it once it has ended."""
        self._base.execute("BEGIN IMMEDIATE")
        with self._base:
            self._base.execute(
                "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*astuple(payment), asked, ends, ends_time_s)
            )
            self._base.executemany(
                "INSERT INTO notification (event_id, number, reference, word, time_s, due_time_s) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (uuid4().hex, number, payment.reference, word, ends_time_s, ends_time_s)
                    for number, word in enumerate(told)
                ],
            )

    def due(self, *, now_s: float, limit: int) -> list[Notification]:
        """Return notifications to be sent now, and put them off: who does not take one gets it again later."""
        rows = self._base.execute(
            "SELECT event_id, reference, word, time_s, tries FROM notification "
            "WHERE is_taken = 0 AND due_time_s <= ? AND tries < ? ORDER BY due_time_s, number LIMIT ?",
            (now_s, len(DELIVERED_AFTER_S), limit),
        ).fetchall()
        due = []
        for event_id, reference, word, time_s, tries in rows:
            after_s = DELIVERED_AFTER_S[min(tries + 1, len(DELIVERED_AFTER_S) - 1)]
            self._base.execute(
                "UPDATE notification SET tries = tries + 1, due_time_s = ? WHERE event_id = ?",
                (now_s + after_s, event_id),
            )
            payment = self.find(reference, now_s=now_s)
            if payment is not None:
                due.append(Notification(event_id, time_s, replace(payment, status=word)))
        return due

    def take(self, event_id: str) -> None:
        """Note that a notification was taken."""
        self._base.execute("UPDATE notification SET is_taken = 1 WHERE event_id = ?", (event_id,))

    def _let_end(self, now_s: float) -> None:
        self._base.execute(
            "UPDATE payment SET status = ends, code = CASE ends WHEN 'declined' THEN code ELSE '' END "
            "WHERE status <> ends AND ends_time_s <= ?",
            (now_s,),
        )
