"""ClickHouse: the numbered .sql files of `clickhouse/`, statements ended by a semicolon at the end of a line.

ClickHouse has no transactions over DDL: a step that failed half-way is taken again, so each says IF NOT EXISTS.
"""

from __future__ import annotations

from pathlib import Path

from clickhouse_driver import Client

from infra.migrations.steps import Step, describe_pending, find_pending, read_steps
from infra.settings import Settings

STEPS = Path(__file__).parent / "clickhouse"
RECORD = (
    "CREATE TABLE IF NOT EXISTS migration (name String, digest String, applied_time DateTime) "
    "ENGINE = MergeTree ORDER BY name"
)
RECORD_STEP = "INSERT INTO migration SELECT %(name)s, %(digest)s, now()"


def migrate_clickhouse(settings: Settings, *, steps_dir: Path = STEPS) -> str:
    """Create the database where it is missing and apply what is new; return a line about it.

    Raises:
        InvariantBroken: If a step that was already taken reads differently now.
    """
    _create_database(settings)
    steps = read_steps(steps_dir, "*.sql")
    client = Client.from_url(settings.clickhouse_dsn)
    try:
        client.execute(RECORD)
        pending = find_pending(steps, dict(client.execute("SELECT name, digest FROM migration")))
        for step in pending:
            _take(client, step)
    finally:
        client.disconnect()
    return describe_pending(pending, steps)


def split_statements(text: str) -> list[str]:
    """Return the statements of a file without their comments."""
    lines = [line.rstrip() for line in text.splitlines() if not line.lstrip().startswith("--")]
    statements = ("\n".join(lines) + "\n").split(";\n")
    return [statement.strip() for statement in statements if statement.strip()]


def _take(client: Client, step: Step) -> None:
    for statement in split_statements(step.text):
        client.execute(statement)
    client.execute(RECORD_STEP, {"name": step.name, "digest": step.digest})


def _create_database(settings: Settings) -> None:
    server = settings.model_copy(update={"clickhouse": settings.clickhouse.model_copy(update={"database": "default"})})
    client = Client.from_url(server.clickhouse_dsn)
    try:
        client.execute(f"CREATE DATABASE IF NOT EXISTS {settings.clickhouse.database}")
    finally:
        client.disconnect()
