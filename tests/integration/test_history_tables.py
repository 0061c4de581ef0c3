"""The history's tables on Debian's ClickHouse and on the current engine, and what they make of repeated rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from infra.migrations.clickhouse_migration import STEPS, split_statements
from infra.settings import ROOT

TABLES = {"book_layouts", "book_versions", "bet_events", "ledger_transfers", "casino_rounds", "liabilities"}
INSERT = (
    "INSERT INTO book_versions (fixture_id, version, published_time_us, market_statuses_packed,"
    " market_versions_packed, decimal_odds_milli_packed, topic_offset)"
    " SELECT 'f', 1790000000000000, 1790000000000000, unhex('0102'), unhex('ffffffffffffffff'),"
    " unhex('0208000010270000'), {offset}"
)
SELECT = (
    "SELECT version, market_statuses, market_versions, decimal_odds_milli, toString(published_time), topic_offset"
    " FROM book_versions FINAL"
)
EXPECTED = (1790000000000000, [1, 2], [2**64 - 1], [2050, 10000], "2026-09-21 14:13:20", 9)

# The engine writes to its own output and ends the process it lives in: it gets one of its own.
CHDB_PROGRAM = """
import json, sys
from chdb.session import Session
session = Session()
for statement in json.load(sys.stdin):
    answer = session.query(statement, "JSONCompact")
print(json.dumps(json.loads(answer.bytes())["data"]))
session.close()
"""


def _statements() -> list[str]:
    return [
        statement.rstrip(";")
        for step in sorted(STEPS.glob("*.sql"))
        for statement in split_statements(step.read_text(encoding="utf-8"))
    ]


@pytest.fixture
def client(clickhouse_dsn: str) -> Iterator[Client]:
    """A database that nobody else uses, on the server."""
    database = f"test_{uuid.uuid4().hex}"
    with Client.from_url(clickhouse_dsn) as server:
        server.execute(f"CREATE DATABASE {database}")
        with Client.from_url(f"{clickhouse_dsn.rpartition('/')[0]}/{database}?send_receive_timeout=20") as own:
            yield own
        server.execute(f"DROP DATABASE {database}")


def test_the_server_takes_the_tables_twice_and_unpacks_prices(client: Client) -> None:
    for statement in _statements() * 2:
        client.execute(statement)
    assert {name for (name,) in client.execute("SHOW TABLES")} == TABLES
    client.execute(INSERT.format(offset=4))
    client.execute(INSERT.format(offset=9))
    assert client.execute(SELECT) == [EXPECTED]


def test_the_current_engine_takes_the_same_tables_and_unpacks_prices() -> None:
    statements = [*_statements(), INSERT.format(offset=4), INSERT.format(offset=9), SELECT]
    done = subprocess.run(
        [sys.executable, "-c", CHDB_PROGRAM],
        input=json.dumps(statements),
        env=os.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    version, statuses, versions, odds, published, offset = row
    assert (int(version), statuses, [int(number) for number in versions], odds, published, int(offset)) == EXPECTED
