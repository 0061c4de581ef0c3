"""The ledger's functions as files: whatever a database was before, it has those of the files, and no others."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from infra.migrations.postgres_functions import (
    FUNCTIONS,
    VERSIONS,
    DatabaseIsNewer,
    raise_versions,
    read_functions,
)
from infra.migrations.postgres_migration import STEPS, migrate_postgres
from infra.settings import Settings
from kernel.errors import InvariantBroken
from tests.integration.test_audit import on_server, with_database

DEFINITIONS = """
    SELECT n.nspname || '.' || p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('ledger', 'bets', 'pam', 'feed', 'casino', 'payments') ORDER BY 1, 2
"""
EARLIER_STATES = ("0002", "0005", "0008", "0011", "0017")
"""Numbers of the last step that a database had taken, before there were files."""


@pytest.fixture
def fresh(settings: Settings) -> Iterator[Settings]:
    """A name on the server for a database that is not there yet."""
    made = with_database(settings, f"scratch_{uuid4().hex[:12]}")
    yield made
    asyncio.run(on_server(settings, f"DROP DATABASE IF EXISTS {made.postgres.database} WITH (FORCE)"))


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A copy of the files, to edit."""
    return Path(shutil.copytree(FUNCTIONS, tmp_path / "functions"))


def definitions(database: Settings) -> list[tuple[str, str]]:
    with psycopg.connect(database.postgres_dsn) as connection:
        return connection.execute(DEFINITIONS).fetchall()


def run(database: Settings, statement: str) -> None:
    with psycopg.connect(database.postgres_dsn) as connection:
        connection.execute(statement.encode())


def leave_at(database: Settings, last: str, folder: Path) -> None:
    """Make a database as a program made it that knew the steps up to `last`, and no files."""
    steps, functions = folder / "steps", folder / "none"
    steps.mkdir()
    functions.mkdir()
    (functions / VERSIONS).write_text("")
    for step in STEPS.glob("*.sql"):
        if step.name[:4] <= last:
            shutil.copy(step, steps)
    migrate_postgres(database, steps_dir=steps, functions_dir=functions)


def test_a_fresh_database_has_the_functions_of_the_files_and_no_others(fresh: Settings) -> None:
    migrate_postgres(fresh)
    made = sorted(name for function in read_functions(FUNCTIONS) for name in function.made)
    assert [name for name, _ in definitions(fresh)] == made
    assert migrate_postgres(fresh).endswith(", 0 functions changed")


@pytest.mark.parametrize("last", EARLIER_STATES)
def test_a_database_from_before_comes_to_equal_a_fresh_one(
    settings: Settings, fresh: Settings, last: str, tmp_path: Path
) -> None:
    leave_at(fresh, last, tmp_path)
    run(fresh, "CREATE FUNCTION ledger.house_account(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'")
    run(fresh, "CREATE FUNCTION pam.forgotten() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'")
    migrate_postgres(fresh)
    assert definitions(fresh) == definitions(settings)


def test_an_adopted_ledger_stays_in_its_epoch(fresh: Settings, tmp_path: Path) -> None:
    leave_at(fresh, "0017", tmp_path)
    run(fresh, "SELECT ledger.adopt('test')")
    before = dict(definitions(fresh))
    migrate_postgres(fresh)
    after = dict(definitions(fresh))
    for name in ("ledger.transaction_id", "ledger.horizon"):
        assert str(1 << 48) in after[name]
        assert after[name] == before[name]


def test_an_edited_function_is_brought_up_and_an_older_program_does_not_go_back(
    fresh: Settings, functions: Path
) -> None:
    migrate_postgres(fresh)
    file = functions / "pam" / "window_begins_us.sql"
    file.write_text(file.read_text().replace("p_at_us", "p_until_us"))
    with pytest.raises(InvariantBroken, match="must number the functions as they are"):
        migrate_postgres(fresh, functions_dir=functions)
    assert raise_versions(functions) == ["pam.window_begins_us"]
    assert migrate_postgres(fresh, functions_dir=functions).endswith(", 1 functions changed")
    brought_up = definitions(fresh)
    assert "p_until_us" in dict(brought_up)["pam.window_begins_us"]
    with pytest.raises(
        DatabaseIsNewer, match=r"version 2 of function pam.window_begins_us, this program knows version 1"
    ):
        migrate_postgres(fresh)
    assert definitions(fresh) == brought_up


def test_one_of_other_parameters_takes_the_place_of_the_earlier(fresh: Settings, functions: Path) -> None:
    migrate_postgres(fresh)
    file = functions / "bets" / "window_in.sql"
    file.write_text(file.read_text().replace("(p_result jsonb)", "(p_result jsonb, p_unused integer DEFAULT 0)"))
    raise_versions(functions)
    migrate_postgres(fresh, functions_dir=functions)
    assert [name for name, _ in definitions(fresh)].count("bets.window_in") == 1
    assert "p_unused" in dict(definitions(fresh))["bets.window_in"]


def test_a_function_without_a_file_goes_and_its_number_stays(fresh: Settings, functions: Path) -> None:
    migrate_postgres(fresh)
    (functions / "bets" / "drop_unsettled.sql").unlink()
    assert raise_versions(functions) == ["bets.drop_unsettled"]
    migrate_postgres(fresh, functions_dir=functions)
    assert "bets.drop_unsettled" not in dict(definitions(fresh))
    (number,) = re.findall(r"^bets\.drop_unsettled (\d+) dropped$", (functions / VERSIONS).read_text(), re.MULTILINE)
    with pytest.raises(DatabaseIsNewer, match=rf"version {number} of function bets\.drop_unsettled"):
        migrate_postgres(fresh)


def test_two_texts_of_one_number_are_refused(fresh: Settings, functions: Path) -> None:
    migrate_postgres(fresh)
    file, versions = functions / "pam" / "window_begins_us.sql", functions / VERSIONS
    file.write_text(file.read_text() + "-- of another branch\n")
    raise_versions(functions)
    versions.write_text(versions.read_text().replace("pam.window_begins_us 2 ", "pam.window_begins_us 1 "))
    with pytest.raises(InvariantBroken, match=r"another text as version 1 of function pam\.window_begins_us"):
        migrate_postgres(fresh, functions_dir=functions)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE OR REPLACE FUNCTION bets.refuse() RETURNS integer LANGUAGE sql AS 'SELECT x FROM bets.nothing';",
        "CREATE OR REPLACE FUNCTION ledger.now_us() RETURNS text LANGUAGE sql AS $$SELECT 'a column needs it'$$;",
    ],
)
def test_what_cannot_be_changed_changes_nothing(fresh: Settings, functions: Path, text: str) -> None:
    migrate_postgres(fresh)
    before = definitions(fresh)
    name = "refuse" if "bets.refuse" in text else "now_us"
    (functions / ("bets" if name == "refuse" else "ledger") / f"{name}.sql").write_text(text)
    (functions / "pam" / "register.sql").unlink()
    raise_versions(functions)
    with pytest.raises(psycopg.Error):
        migrate_postgres(fresh, functions_dir=functions)
    assert definitions(fresh) == before


def test_a_database_that_took_steps_from_a_newer_program_is_left_alone(fresh: Settings) -> None:
    migrate_postgres(fresh)
    run(fresh, "INSERT INTO public.migration (name, digest) VALUES ('9999.to-come', '')")
    with pytest.raises(DatabaseIsNewer, match=r"migration 9999\.to-come"):
        migrate_postgres(fresh)
