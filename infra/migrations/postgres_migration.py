"""PostgreSQL: the numbered .sql files of `postgres/`, each in a transaction of its own with its record.

A file goes to the server whole: tools that split it into statements stumble over the bodies of functions.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from infra.migrations.steps import Step, describe_pending, find_pending, read_steps
from infra.settings import Settings

STEPS = Path(__file__).parent / "postgres"
LOCK_KEY = 0x6F76_6572_726F_756E  # any number that nobody else locks
RECORD = """
CREATE TABLE IF NOT EXISTS public.migration (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_time timestamptz NOT NULL DEFAULT now()
)
"""


def migrate_postgres(settings: Settings, *, steps_dir: Path = STEPS) -> str:
    """Create the database where it is missing and apply what is new; return a line about it.

    Raises:
        InvariantBroken: If a step that was already taken reads differently now.
        psycopg.Error: If a step fails; it leaves nothing behind.
    """
    _create_database(settings)
    steps = read_steps(steps_dir, "*.sql")
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        connection.execute("SET client_min_messages = warning")
        connection.execute(RECORD)
        taken: dict[str, str] = dict(connection.execute("SELECT name, digest FROM public.migration").fetchall())
        pending = find_pending(steps, taken)
        for step in pending:
            _take(connection, step)
    return describe_pending(pending, steps)


def _take(connection: psycopg.Connection, step: Step) -> None:
    with connection.transaction():
        connection.execute(step.text.encode())
        connection.execute("RESET ALL")
        connection.execute("INSERT INTO public.migration (name, digest) VALUES (%s, %s)", [step.name, step.digest])


def _create_database(settings: Settings) -> None:
    name = settings.postgres.database
    server = settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"database": "postgres"})})
    with psycopg.connect(server.postgres_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
