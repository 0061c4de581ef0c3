"""PostgreSQL: the numbered steps of `postgres/tables/` and then `postgres/functions/`, in one transaction.

A file goes to the server whole: tools that split it into statements stumble over the bodies of functions. The first
steps still make functions, as they stood then; the files replace them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from infra.migrations.postgres_functions import (
    FUNCTIONS,
    DatabaseIsNewer,
    FunctionText,
    bring_up_functions,
    read_functions,
)
from infra.migrations.steps import Step, describe_pending, find_pending, read_steps
from infra.settings import ROOT, Settings

STEPS = ROOT / "infra" / "postgres" / "tables"
LOCK_KEY = 0x6F76_6572_726F_756E  # any number that nobody else locks
LOCKS_WITHIN_MS = 500
"""A step that waits for a table behind a long reader has all bets wait behind it: it gives up, and tries again."""

REST_S = 1.0
TRIES_MAX = 100
BOUND_LOCKS = f"SET LOCAL lock_timeout = {LOCKS_WITHIN_MS}"
RECORD = """
CREATE TABLE IF NOT EXISTS public.migration (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_time timestamptz NOT NULL DEFAULT now()
)
"""


def migrate_postgres(settings: Settings, *, steps_dir: Path = STEPS, functions_dir: Path = FUNCTIONS) -> str:
    """Create the database where it is missing and bring it up; return a line about it.

    Raises:
        InvariantBroken: If a step that was already taken reads differently now.
        DatabaseIsNewer: If a newer program brought the database up.
        psycopg.Error: If a step or a function fails, or others kept a table to themselves at every try; nothing is left
            behind.
    """
    _create_database(settings)
    steps, functions = read_steps(steps_dir, "*.sql"), read_functions(functions_dir)
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        for _ in range(TRIES_MAX - 1):
            try:
                return _bring_up(connection, steps, functions)
            except psycopg.errors.LockNotAvailable:
                time.sleep(REST_S)
        return _bring_up(connection, steps, functions)


def _bring_up(connection: psycopg.Connection, steps: list[Step], functions: Sequence[FunctionText]) -> str:
    with connection.transaction():
        connection.execute("SET LOCAL client_min_messages = warning")
        connection.execute(BOUND_LOCKS)
        connection.execute(RECORD)
        taken: dict[str, str] = dict(connection.execute("SELECT name, digest FROM public.migration").fetchall())
        _expect_known(steps, taken)
        pending = find_pending(steps, taken)
        for step in pending:
            _take(connection, step)
        changed = bring_up_functions(connection, functions)
    return f"{describe_pending(pending, steps)}, {changed} functions changed"


def _expect_known(steps: Iterable[Step], taken: Iterable[str]) -> None:
    unknown = sorted(set(taken) - {step.name for step in steps})
    if unknown:
        raise DatabaseIsNewer(
            f"PostgreSQL has taken migration {unknown[-1]}, which this program does not know: start the newer program, "
            "which brought it up"
        )


def _take(connection: psycopg.Connection, step: Step) -> None:
    connection.execute(step.text.encode())
    connection.execute("INSERT INTO public.migration (name, digest) VALUES (%s, %s)", [step.name, step.digest])


def _create_database(settings: Settings) -> None:
    name = settings.postgres.database
    server = settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"database": "postgres"})})
    with psycopg.connect(server.postgres_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
