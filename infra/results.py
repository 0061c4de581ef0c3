"""`overround results`: what has not become money, and what a person decides about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_parked import PostgresParkedResults
from infra.stores.postgres_settlement import set_aside_reason
from kernel.errors import Unavailable
from markets.results import ResultKind

Decision = Literal["redo", "drop"]

ROWS_MAX: Final = 200
OUTCOME_LIMIT_S: Final = 10.0
OUTCOME_POLL_S: Final = 0.2
MICROSECONDS_PER_HOUR: Final = 3_600_000_000

_COMPLAINTS = {
    "unknown": "there is no such result: `overround results list` shows those there are",
    "ended": "it was applied or dropped before",
    "outdated": "a newer result of the same feed is applied already: drop this one",
}


def show_results(settings: Settings, console: Console, *, open_longer_than_h: float) -> None:
    """Print the results that are parked, the bets that were set aside, and the markets that wait for a result."""

    async def read() -> tuple[list[asyncpg.Record], list[asyncpg.Record], list[asyncpg.Record]]:
        async with _parked_results(settings) as store:
            return (
                await store.list_waiting(ROWS_MAX),
                await store.list_unsettled(ROWS_MAX),
                await store.list_open_long(int(open_longer_than_h * MICROSECONDS_PER_HOUR), ROWS_MAX),
            )

    parked, unsettled, open_long = asyncio.run(read())
    console.print(_parked_table(parked))
    console.print(_unsettled_table(unsettled))
    console.print(_open_table(open_long, open_longer_than_h))


def decide(settings: Settings, name: str, decision: Decision, *, reason: str, decided_by: str) -> str:
    """Let a parked result (a number) or a bet that was set aside (its id) be done again, or drop it.

    Returns:
        What became of it.

    Raises:
        DecisionRefused: If that cannot be; the message says why.
    """
    if not reason.strip() or not decided_by.strip():
        raise DecisionRefused("a decision needs a reason and the name of who takes it")
    if name.isdecimal():
        return asyncio.run(_decide_result(settings, int(name), decision, reason=reason, decided_by=decided_by))
    try:
        bet_id = UUID(name)
    except ValueError:
        raise DecisionRefused(f"expected the number of a result or the id of a bet, was {name!r}") from None
    return asyncio.run(_decide_bet(settings, bet_id, decision, reason=reason, decided_by=decided_by))


class DecisionRefused(Exception):
    """What somebody decided cannot be done."""


async def _decide_result(
    settings: Settings, parked_id: int, decision: Decision, *, reason: str, decided_by: str
) -> str:
    async with _parked_results(settings) as store:
        complaint = await store.decide(parked_id, decision, reason=reason, decided_by=decided_by)
        if complaint == "begun":
            applied, still_open = await store.count_begun(parked_id)
            raise DecisionRefused(
                f"it has changed {applied} bets already, and {still_open} bets of its market are open, which dropping "
                "it would leave so: redo it, and it goes on where it stopped. Until it is applied it is complained of"
            )
        if complaint is not None:
            raise DecisionRefused(_COMPLAINTS[complaint])
        return "dropped" if decision == "drop" else await _wait_for_outcome(store, parked_id)


async def _wait_for_outcome(store: PostgresParkedResults, parked_id: int) -> str:
    for _ in range(int(OUTCOME_LIMIT_S / OUTCOME_POLL_S)):
        state, reason, detail = await store.state_of(parked_id)
        if state == "held":
            raise DecisionRefused(f"it failed again: {reason}: {detail}")
        if state == "applied":
            return "applied"
        await asyncio.sleep(OUTCOME_POLL_S)
    return "decided: settlement applies it in its turn, and has not yet"


async def _decide_bet(settings: Settings, bet_id: UUID, decision: Decision, *, reason: str, decided_by: str) -> str:
    async with _parked_results(settings) as store:
        try:
            count = await store.decide_bet(bet_id, decision, reason=reason, decided_by=decided_by)
        except asyncpg.PostgresError as error:
            raise DecisionRefused(f"it failed again: {': '.join(set_aside_reason(error))}") from error
    if not count:
        raise DecisionRefused("no result waits for this bet: `overround results list` shows those that do")
    return "applied" if decision == "redo" else "dropped: the bet stays as it stands"


@asynccontextmanager
async def _parked_results(settings: Settings) -> AsyncIterator[PostgresParkedResults]:
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=1,
        statement_timeout_ms=settings.ledger.settlement_timeout_ms,
        application_name="results",
    )
    await pool.open()
    try:
        yield PostgresParkedResults(pool)
    except Unavailable as error:
        raise DecisionRefused(error.message) from error
    finally:
        await pool.close()


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _add_row(table: Table, *cells: object) -> None:
    """Add what others wrote as it is: brackets are no markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def _parked_table(rows: list[asyncpg.Record]) -> Table:
    title = "Results that have not become money"
    table = _table(title, "Result", "Since", "State", "Reason", "Provider", "Fixture", "Market", "Kind", "Detail")
    for row in rows:
        state = f"{row['state']}, holds its fixture's queue" if row["holds_queue"] else row["state"]
        since, kind = _time(row["parked_time_us"]), _kind(row["kind"])
        _add_row(
            table, row["parked_id"], since, state, row["reason"], row["provider_id"], row["fixture_id"],
            row["market_id"], kind, row["detail"],
        )  # fmt: skip
    return table


def _unsettled_table(rows: list[asyncpg.Record]) -> Table:
    table = _table("Bets that were set aside", "Bet", "Since", "Result", "Return", "Reason", "Detail")
    for row in rows:
        _add_row(
            table, row["bet_id"], _time(row["time_us"]), row["result_key"], row["return_minor"], row["reason"],
            row["detail"],
        )  # fmt: skip
    return table


def _open_table(rows: list[asyncpg.Record], longer_than_h: float) -> Table:
    title = f"Bets without a result for {longer_than_h:g} hours"
    table = _table(title, "Fixture", "Market", "Bets", "Oldest bet")
    for row in rows:
        _add_row(table, row["fixture_id"], row["market_id"], row["bets"], _time(row["oldest_us"]))
    return table


def _time(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}"


def _kind(number: int) -> str:
    return next((kind.name.lower() for kind in ResultKind if kind == number), str(number))
