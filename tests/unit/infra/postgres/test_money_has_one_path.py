"""Balances, transfers, commands and holds are written by the ledger's own functions, and by nothing else."""

from __future__ import annotations

import re

from infra.migrations.postgres_functions import DROPPED, FUNCTIONS, read_functions
from infra.migrations.postgres_migration import STEPS
from infra.settings import ROOT

WRITES = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|TRUNCATE(?:\s+TABLE)?|MERGE\s+INTO|COPY)\s+"
    r"ledger\.(account|transfer|command|hold)\b",
    re.IGNORECASE,
)
LAST_STEP_WITH_FUNCTIONS = "0017"
"""Steps up to this one made functions that the files have replaced."""


def writers(*tables: str) -> set[str]:
    functions = [function for function in read_functions(FUNCTIONS) if function.digest != DROPPED]
    return {function.name for function in functions if set(WRITES.findall(function.text.lower())) & {*tables}}


def test_no_function_but_the_ledgers_writes_what_the_ledger_keeps() -> None:
    assert {name.partition(".")[0] for name in writers("account", "transfer", "command", "hold")} == {"ledger"}


def test_transfers_are_written_and_commands_begun_in_one_place() -> None:
    assert writers("transfer") == {"ledger.write_transfers"}
    assert writers("command") == {"ledger.post", "ledger.adopt"}
    assert writers("account") == {
        "ledger.post",
        "ledger.open_account",
        "ledger.house_account",
        "ledger.begin_holds",
        "ledger.expire_holds",
        "ledger.roll_up",
    }


def test_nothing_outside_the_database_writes_past_them() -> None:
    programs = [path for path in ROOT.glob("*/**/*.py") if path.relative_to(ROOT).parts[0] in PACKAGES]
    assert len(programs) > 100
    steps = [path for path in STEPS.glob("*.sql") if path.name[:4] > LAST_STEP_WITH_FUNCTIONS]
    assert [path.name for path in (*programs, *steps) if WRITES.search(path.read_text(encoding="utf-8"))] == []


PACKAGES = frozenset(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in {"tests"})


def test_the_search_finds_what_it_looks_for() -> None:
    assert WRITES.findall("x INSERT INTO\n   ledger.transfer (a); update ledger.account a set b") == [
        "transfer",
        "account",
    ]
    assert not WRITES.search("INSERT INTO ledger.account_note SELECT FROM ledger.transfer FOR UPDATE")
