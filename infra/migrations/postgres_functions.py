"""PostgreSQL's functions: `postgres/functions/<schema>/<name>.sql` holds the one current text of each.

`versions.txt` numbers the texts, so that a database that is behind a program can be told from one that is ahead of it.
Who edits a function raises its number by `python -m infra.migrations.postgres_functions`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from infra.settings import ROOT
from kernel.errors import InvariantBroken

FUNCTIONS: Final = ROOT / "infra" / "postgres" / "functions"
VERSIONS: Final = "versions.txt"
DROPPED: Final = "dropped"
"""Stands for the digest of a function that has no file any more; its number keeps it from coming back unseen."""

_MADE: Final = re.compile(r"^-- makes: (.+)$", re.MULTILINE)
_RECORD: Final = """
CREATE TABLE IF NOT EXISTS public.applied_function (
    name text PRIMARY KEY,
    version integer NOT NULL,
    digest text NOT NULL,
    applied_time timestamptz NOT NULL DEFAULT now()
)
"""
_NOTE: Final = """
INSERT INTO public.applied_function (name, version, digest) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, digest = excluded.digest, applied_time = now()
"""
# A row that is replaced moves, which tells a function that a file made from one of other parameters.
_THERE: Final = """
SELECT p.oid, p.oid::regprocedure::text, n.nspname || '.' || p.proname, p.ctid::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname <> 'public' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
"""
_VALIDATE: Final = """
SELECT CASE l.lanname WHEN 'sql' THEN fmgr_sql_validator(p.oid) WHEN 'plpgsql' THEN plpgsql_validator(p.oid) END
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.oid = ANY (%s)
"""


class DatabaseIsNewer(InvariantBroken):
    """The database was brought up by a newer program, whose tables or functions this one does not know."""


@dataclass(frozen=True, slots=True)
class FunctionText:
    """A function as its file says, or that it is dropped; the number tells which text came later."""

    name: str
    version: int
    digest: str
    text: str

    @property
    def made(self) -> frozenset[str]:
        """Return the functions that the file makes: its own, and those it says that it makes besides."""
        if self.digest == DROPPED:
            return frozenset()
        besides = _MADE.search(self.text)
        return frozenset([self.name, *(besides[1].split(", ") if besides else ())])


def read_functions(folder: Path) -> list[FunctionText]:
    """Return every function by name, those that are dropped among them.

    Raises:
        InvariantBroken: If a file is not the text that its number stands for.
    """
    texts = _read_texts(folder)
    numbered = _read_versions(folder)
    if _digests(texts, numbered) != {name: digest for name, (_, digest) in numbered.items()}:
        raise InvariantBroken(f"{VERSIONS} must number the functions as they are: run `python -m {_MODULE}`")
    return [
        FunctionText(name, version, digest, texts.get(name, "")) for name, (version, digest) in sorted(numbered.items())
    ]


def raise_versions(folder: Path) -> list[str]:
    """Number what was edited, added or dropped anew; return the names."""
    numbered = _read_versions(folder)
    digests = _digests(_read_texts(folder), numbered)
    changed = [name for name, digest in sorted(digests.items()) if numbered.get(name, (0, ""))[1] != digest]
    numbered |= {name: (numbered.get(name, (0, ""))[0] + 1, digests[name]) for name in changed}
    lines = [f"{name} {version} {digest}\n" for name, (version, digest) in sorted(numbered.items())]
    (folder / VERSIONS).write_text("".join(lines), encoding="utf-8")
    return changed


def bring_up_functions(connection: psycopg.Connection, functions: Sequence[FunctionText]) -> int:
    """Make the database's functions those of the files, within the caller's transaction; return how many changed.

    They are made in the order of their names, and their bodies are looked at when all are there, so that none has to
    come before another. What no file makes is dropped: functions without a file, and those of other parameters.

    Raises:
        DatabaseIsNewer: If the database has functions that came after those of the files; nothing is changed.
        psycopg.Error: If a text is wrong, or something depends on what has to go.
    """
    connection.execute(_RECORD)
    held = {
        name: (version, digest)
        for name, version, digest in connection.execute("SELECT name, version, digest FROM public.applied_function")
    }
    _expect_not_newer(functions, held)
    changed = [function for function in functions if function.name not in held or _is_behind(function, held)]
    if not changed:
        return 0
    connection.execute("SET LOCAL check_function_bodies = off")
    before = _there(connection)
    for function in changed:
        if function.text:
            _make(connection, function)
        connection.execute(_NOTE, [function.name, function.version, function.digest])
    _drop_what_no_file_makes(connection, functions, changed, before)
    connection.execute("SET LOCAL check_function_bodies = on")
    connection.execute(_VALIDATE, [list(_there(connection))])
    return len(changed)


def _expect_not_newer(functions: Sequence[FunctionText], held: Mapping[str, tuple[int, str]]) -> None:
    known = {function.name: function for function in functions}
    for name, (version, digest) in sorted(held.items()):
        function = known.get(name)
        if function is None or function.version < version:
            knows = "none" if function is None else f"version {function.version}"
            raise DatabaseIsNewer(
                f"PostgreSQL has version {version} of function {name}, this program knows {knows}: "
                "start the newer program, which brought it up"
            )
        if function.version == version and function.digest != digest:
            raise InvariantBroken(
                f"PostgreSQL has another text as version {version} of function {name}: two branches gave the same "
                f"number, run `python -m {_MODULE}` after editing the later one"
            )


def _is_behind(function: FunctionText, held: Mapping[str, tuple[int, str]]) -> bool:
    return held[function.name][0] < function.version


def _there(connection: psycopg.Connection) -> dict[int, tuple[str, str, str]]:
    return {oid: (signature, name, place) for oid, signature, name, place in connection.execute(_THERE)}


def _make(connection: psycopg.Connection, function: FunctionText) -> None:
    try:
        with connection.transaction():
            connection.execute(function.text.encode())
    except psycopg.errors.InvalidFunctionDefinition:  # it returns something else, or its parameters have other names
        for signature, name, _ in _there(connection).values():
            if name == function.name:
                _drop(connection, signature)
        connection.execute(function.text.encode())


def _drop_what_no_file_makes(
    connection: psycopg.Connection,
    functions: Sequence[FunctionText],
    changed: Sequence[FunctionText],
    before: Mapping[int, tuple[str, str, str]],
) -> None:
    made = frozenset[str]().union(*(function.made for function in functions))
    made_now = frozenset[str]().union(*(function.made for function in changed))
    for oid, (signature, name, place) in _there(connection).items():
        is_as_before = oid in before and before[oid][2] == place
        if name not in made or (name in made_now and is_as_before):
            _drop(connection, signature)


def _drop(connection: psycopg.Connection, signature: str) -> None:
    connection.execute(sql.SQL("DROP ROUTINE {}").format(sql.SQL(signature)))


def _read_texts(folder: Path) -> dict[str, str]:
    return {f"{path.parent.name}.{path.stem}": path.read_text(encoding="utf-8") for path in folder.glob("*/*.sql")}


def _read_versions(folder: Path) -> dict[str, tuple[int, str]]:
    numbered: dict[str, tuple[int, str]] = {}
    for line in (folder / VERSIONS).read_text(encoding="utf-8").splitlines():
        name, version, digest = line.split()
        numbered[name] = (int(version), digest)
    return numbered


def _digests(texts: Mapping[str, str], numbered: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    digests: dict[str, str] = defaultdict(lambda: DROPPED)
    digests |= dict.fromkeys(numbered, DROPPED)
    digests |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    return dict(digests)


_MODULE: Final = "infra.migrations.postgres_functions"

if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in raise_versions(FUNCTIONS)))
