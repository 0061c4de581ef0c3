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


ASKED_BY_TESTS = {
    "adjusted_for_strength": "the study of accuracy compares Rue and Salvesen's adjustment with what is used",
    "before_kick_off": "where most tests of football begin",
    "imply_goal_means": "what published goal means are held against: the search to its end",
    "fair_decimal_odds": "what published odds are held against",
    "stake_parts": "what published quarter lines are held against",
}
"""Functions that are views of what is used, for tests and studies alone, by their names."""
SOURCES = (*USERS, "odds", "markets", "loadtests", "protos")


def test_no_function_is_called_by_tests_alone() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for folder in SOURCES for path in python_files(folder)}
    places: dict[str, list[tuple[Path, int]]] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            match node:
                # Some are looked up by the names of what they price.
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                    places.setdefault(name, []).append((path, node.lineno))
    idle = {
        node.name
        for folder in ("odds", "markets")
        for path in python_files(folder)
        for node in ast.walk(trees[path])
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and all(at == path and node.lineno <= line <= (node.end_lineno or 0) for at, line in places.get(node.name, []))
    }
    assert idle == ASKED_BY_TESTS.keys()


def python_files(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "gen" not in path.parts]
