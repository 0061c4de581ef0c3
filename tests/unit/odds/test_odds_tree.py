"""The tree of the odds engine: few rooms, and nothing in them that only tests ever enter."""

from __future__ import annotations

import ast
from pathlib import Path

from infra.settings import ROOT

ENTRIES_MAX = 12
USERS = ("wire", "streams", "gateway", "infra", "simulation", "bets", "risk")


def modules() -> dict[str, Path]:
    """Return the files of the engine by the names they are imported by, packages' own left out."""
    files = [path for path in (ROOT / "odds").rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}


def imported(path: Path, known: set[str]) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names & known


def test_the_engine_has_few_rooms() -> None:
    entries = [path.name for path in (ROOT / "odds").iterdir() if not path.name.startswith((".", "__py"))]
    assert len(entries) <= ENTRIES_MAX, entries


def test_no_model_is_entered_by_tests_alone() -> None:
    files = modules()
    known = set(files)
    waiting = {name for name in known if name.startswith("odds.sports.")}
    for user in USERS:
        for path in (ROOT / user).rglob("*.py"):
            waiting |= imported(path, known)
    entered: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in entered:
            entered.add(name)
            waiting |= imported(files[name], known)
    assert known == entered, sorted(known - entered)
