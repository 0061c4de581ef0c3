"""`overround payments`: what providers sent that fits nothing, and deposits of which nobody knows what became."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_payments import PostgresDeposits, PostgresInbox
from kernel.money import Money

ROWS_MAX: Final = 200
MICROSECONDS_PER_MINUTE: Final = 60_000_000


def show_findings(settings: Settings, console: Console, *, open_longer_than_min: float) -> None:
    """Print the notifications that a person has to look at, and the attempts that are open for long.

    Raises:
        Unavailable: If PostgreSQL does not answer in time.
    """

    async def read() -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
        async with _pool(settings) as pool:
            age_us = int(open_longer_than_min * MICROSECONDS_PER_MINUTE)
            return await PostgresInbox(pool).complaints(ROWS_MAX), await PostgresDeposits(pool).open_long(
                age_us, ROWS_MAX
            )

    complaints, open_long = asyncio.run(read())
    console.print(_complaints_table(complaints))
    console.print(_open_table(open_long, open_longer_than_min))


def read_again(settings: Settings, message_id: int) -> bool:
    """Let a notification that was complained of be worked on again; return whether there is one of that number.

    Raises:
        Unavailable: If PostgreSQL does not answer in time.
    """

    async def reopen() -> bool:
        async with _pool(settings) as pool:
            return await PostgresInbox(pool).reopen(message_id)

    return asyncio.run(reopen())


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[PostgresPool]:
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=1,
        statement_timeout_ms=settings.ledger.settlement_timeout_ms,
        application_name="overround-payments",
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


def _complaints_table(rows: list[asyncpg.Record]) -> Table:
    table = Table("Number", "Provider", "Received", "Complaint", title=_titled("notifications for a person", rows))
    for row in rows:
        # What others sent is shown as it is, never as markup.
        table.add_row(str(row["message_id"]), row["provider"], _time(row["received_time_us"]), Text(row["complaint"]))
    return table


def _open_table(rows: list[asyncpg.Record], longer_than_min: float) -> Table:
    title = _titled(f"attempts open for more than {longer_than_min:g} min", rows)
    table = Table("Reference", "Provider", "Its name", "State", "Amount", "Begun", "Asked", title=title)
    for row in rows:
        amount = str(Money(row["amount_minor"], row["currency"]))
        begun, asked = _time(row["begun_time_us"]), f"{row['asked_count']} times"
        name = Text(row["provider_reference"])
        table.add_row(str(row["reference"]), row["provider"], name, row["state"], amount, begun, asked)
    return table


def _titled(what: str, rows: list[asyncpg.Record]) -> str:
    return f"the first {ROWS_MAX} {what}" if len(rows) == ROWS_MAX else f"{len(rows)} {what}"


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).isoformat(sep=" ", timespec="seconds")
