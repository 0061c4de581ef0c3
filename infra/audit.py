"""The audit: every invariant of the ledger, checked on one snapshot of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from clickhouse_driver import Client
from clickhouse_driver.errors import Error as ClickHouseError
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from infra.audit_check import Check, Finding
from infra.audit_checks import CHAINED, CHECKS
from infra.audit_rounds import check_draws
from infra.audit_views import audit_views
from infra.rates import read_all_rates
from infra.settings import Settings
from infra.stores.anchor_log import read_anchors
from infra.stores.ledger_anchors import compare_anchors
from infra.stores.postgres import UNAVAILABLE, Connection
from infra.stores.postgres_chain import BlockVerdict, verify_blocks
from infra.stores.postgres_records import verify_records
from kernel.errors import Unavailable
from overround.wallet.v1.anchor_pb2 import LedgerAnchor

VIOLATIONS_SHOWN_MAX = 5
CONNECT_TIMEOUT_S = 5
CHECK_TIMEOUT_S = 600
COPY_POLL_S = 0.5

_TOTALS = """
    SELECT debit_account_id::text, credit_account_id::text, currency, kind, count(*), sum(amount_minor)::bigint
    FROM ledger.transfer WHERE transaction_id < ledger.horizon() GROUP BY 1, 2, 3, 4
"""
_RATES: Final = """
    SELECT currency, reference_currency, rate_micro, rate_day, count(*) FROM bets.bet GROUP BY 1, 2, 3, 4
"""
_HORIZON = "SELECT ledger.horizon()::text::bigint"
# A ledger that was adopted has nothing between its last transfer before and the begin of its epoch; the copy may.
_ADOPTED = """
    SELECT e.first, coalesce((
        SELECT max(t.transaction_id::text::bigint) FROM ledger.transfer t WHERE t.transaction_id < e.first::text::xid8
    ), 0) AS last
    FROM (SELECT epoch::bigint << 48 AS first FROM ledger.epoch) AS e
"""
_COPY_TOTALS = """
    SELECT debit_account_id, credit_account_id, currency, kind, count(), sum(amount_minor),
        arrayExists((last, first) -> transaction_id > last AND transaction_id < first, %(last)s, %(first)s) AS is_lost
    FROM ledger_transfers FINAL WHERE transaction_id < %(horizon)s
    GROUP BY debit_account_id, credit_account_id, currency, kind, is_lost
"""

logging.getLogger("clickhouse_driver").addHandler(logging.NullHandler())  # what it fails at is in the finding

Totals: TypeAlias = dict[tuple[str, str, str, str], tuple[int, int]]


def run_audit(settings: Settings, console: Console, *, must_check_copy: bool) -> bool:
    """Check everything, print what was checked, and return whether all is well.

    Args:
        settings: Where the ledger and its copy are.
        console: Where the table goes.
        must_check_copy: Whether a ClickHouse, Redis or log that cannot be reached is a violation, not a check left out.
    """
    try:
        findings = asyncio.run(_audit_all(settings, must_check_copy=must_check_copy))
    except UNAVAILABLE as error:
        console.print(
            f"[red]PostgreSQL could not be asked:[/red] {type(error).__name__}: {escape(str(error))}", highlight=False
        )
        return False
    console.print(build_table(findings))
    for finding in findings:
        for violation in finding.violations[:VIOLATIONS_SHOWN_MAX]:
            console.print(f"[red]{finding.name}:[/red] {escape(violation)}", highlight=False)
    return not any(finding.violations for finding in findings)


async def _audit_all(settings: Settings, *, must_check_copy: bool) -> list[Finding]:
    findings = await audit_ledger(settings, must_check_copy=must_check_copy)
    return findings + await audit_views(settings, must_check_copy=must_check_copy)


async def audit_ledger(settings: Settings, *, must_check_copy: bool) -> list[Finding]:
    """Return what each check found on one snapshot of the ledger."""
    anchors = await _read_anchors(settings)  # before the snapshot: what is anchored later it does not have
    async with _snapshot(settings.postgres_dsn) as connection:
        findings = await check_ledger(connection)
        findings.append(await _check_rates(connection, settings))
        findings.append(await check_draws(connection, settings))
        findings.append(await _check_anchors(connection, anchors, must_check_copy=must_check_copy))
        findings.append(await _check_copy(connection, settings, must_check_copy=must_check_copy))
    return findings


async def check_ledger(connection: Connection) -> list[Finding]:
    """Return what each check found that needs nothing but the ledger itself."""
    findings = [await run_check(connection, check) for check in CHECKS]
    findings.append(await _check_chain("The Merkle chain of transfers holds", verify_blocks(connection)))
    findings.append(await _check_chain("The Merkle chain of records holds", verify_records(connection)))
    return findings


@asynccontextmanager
async def _snapshot(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=CHECK_TIMEOUT_S,
        server_settings={"application_name": "audit", "work_mem": "64MB", "jit": "off"},
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def run_check(connection: Connection, check: Check) -> Finding:
    """Return what one check found."""
    checked_count = await connection.fetchval(check.counted)
    rows = await connection.fetch(", ".join((CHAINED, *check.tables)) + check.violations)
    return Finding(check.name, checked_count, tuple(row[0] for row in rows))


async def _check_chain(name: str, verdicts: AsyncIterator[BlockVerdict]) -> Finding:
    checked_count = 0
    violations = []
    async for verdict in verdicts:
        checked_count += verdict.row_count
        if verdict.complaint:
            violations.append(verdict.complaint)
    return Finding(name, checked_count, tuple(violations))


async def _check_rates(connection: Connection, settings: Settings) -> Finding:
    """Compare the rates of bets with those that the house decided, whenever that was."""
    held = [
        rates.rate_of(currency)
        for rates in read_all_rates(settings.house_dir).values()
        for currency in rates.currencies
    ]
    known = {(rate.currency, rate.reference_currency, rate.rate_micro, rate.day) for rate in held}
    rows = [tuple(row) for row in await connection.fetch(_RATES)]
    violations = tuple(
        f"{count} bets in {currency} are reckoned at {rate_micro} millionths of {day}, which the house never held"
        for currency, reference, rate_micro, day, count in rows
        if (currency, reference, rate_micro, day) not in known and day is not None
    )
    return Finding("Every bet is reckoned by a rate of the house", sum(row[4] for row in rows), violations)


async def _read_anchors(settings: Settings) -> list[LedgerAnchor] | Unavailable:
    try:
        return await asyncio.to_thread(read_anchors, settings.kafka_client)
    except Unavailable as error:
        return error


async def _check_anchors(
    connection: Connection, anchors: list[LedgerAnchor] | Unavailable, *, must_check_copy: bool
) -> Finding:
    name = "The chains are those that were anchored in the log"
    if isinstance(anchors, Unavailable):
        return Finding(name, None, (str(anchors),) if must_check_copy else (), str(anchors))
    verdict = await compare_anchors(connection, anchors)
    remark = f"a restore lost {verdict.lost_count} anchored blocks" if verdict.lost_count else ""
    return Finding(name, len(anchors), verdict.complaints, remark)


async def _check_copy(connection: Connection, settings: Settings, *, must_check_copy: bool) -> Finding:
    name = "ClickHouse equals the ledger to the minor unit"
    known = await _read_known(connection)
    expected = _totals(await connection.fetch(_TOTALS))
    try:
        found, lost_count = await asyncio.to_thread(_wait_for_copy, settings, known, expected)
    except (ClickHouseError, OSError) as error:
        reason = f"ClickHouse could not be asked: {type(error).__name__}"
        return Finding(name, None, (reason,) if must_check_copy else (), reason)
    violations = tuple(
        f"{' '.join(key)}: {expected.get(key, (0, 0))} in the ledger, {found.get(key, (0, 0))} in ClickHouse"
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    )
    remark = f"ClickHouse keeps {lost_count} transfers that a restore lost" if lost_count else ""
    return Finding(name, sum(count for count, _ in expected.values()), violations, remark)


async def _read_known(connection: Connection) -> dict[str, Any]:
    """Return what of the copy can be compared: all below the horizon but what restores lost."""
    adopted = await connection.fetch(_ADOPTED)
    return {
        "horizon": await connection.fetchval(_HORIZON),
        "first": [row["first"] for row in adopted],
        "last": [row["last"] for row in adopted],
    }


def _wait_for_copy(settings: Settings, known: dict[str, Any], expected: Totals) -> tuple[Totals, int]:
    timeouts = f"connect_timeout={CONNECT_TIMEOUT_S}&send_receive_timeout={CHECK_TIMEOUT_S}"
    client = Client.from_url(f"{settings.clickhouse_dsn}?{timeouts}")
    deadline_s = time.monotonic() + settings.audit.copy_timeout_s
    try:
        while True:
            rows = client.execute(_COPY_TOTALS, known)
            found = _totals(totals for *totals, is_lost in rows if not is_lost)
            if found == expected or time.monotonic() > deadline_s:
                return found, sum(count for *_, count, _, is_lost in rows if is_lost)
            time.sleep(COPY_POLL_S)
    finally:
        client.disconnect()


def _totals(rows: Iterable[Iterable[Any]]) -> Totals:
    return {
        (debit, credit, currency, kind): (int(count), int(amount_minor))
        for debit, credit, currency, kind, count, amount_minor in rows
    }


def build_table(findings: Sequence[Finding]) -> Table:
    """Return what is printed: each invariant, how much was looked at, and whether it holds."""
    table = Table("Invariant", Column("Checked", justify="right"), Column("Violations", justify="right"), "Result")
    for finding in findings:
        if finding.violations:
            result = "[red]broken[/red]"
        elif finding.checked_count is None:
            result = f"[yellow]skipped[/yellow]: {finding.remark}"
        else:
            result = f"[green]holds[/green]{': ' * bool(finding.remark)}{finding.remark}"
        checked = "-" if finding.checked_count is None else f"{finding.checked_count:,}"
        table.add_row(finding.name, checked, f"{len(finding.violations):,}", result)
    return table
