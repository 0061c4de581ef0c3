"""The runbook says what to do about everything that the system complains of, and what each figure means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from infra.settings import ROOT

PAGE: Final = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
FOLDERS: Final = ("gateway", "infra", "streams")
COMPLAINING: Final = re.compile(r"complain|trouble|^_?check$|^ping$|^ask(_log)?$")
"""Names of functions and fields whose words end in a health check."""
METRICS: Final = frozenset({"Counter", "Gauge", "Histogram"})
NOT_OF_HEALTH: Final = frozenset(
    {
        "ledger_anchors.py",
        "postgres_chain.py",
        "postgres_records.py",
        "postgres_parked.py",
        "results.py",
        "topic_report.py",
    }
)
"""What is complained of there is told to who asks: by the audit, the relay, `overround results` or `topics`."""


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _words_of(node: ast.AST) -> Iterator[str]:
    """Yield the longest piece of each text in a statement that stands there as it is told."""
    inside: set[ast.AST] = set()
    for part in ast.walk(node):
        if part in inside:
            continue
        if isinstance(part, ast.JoinedStr):
            inside.update(ast.walk(part))
            pieces = [value.value for value in part.values if isinstance(value, ast.Constant)]
            yield max(map(str, pieces), key=len, default="").strip(" :,")
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value.strip(" :,")


def complaints() -> dict[str, str]:
    """Return where each complaint stands, by its words."""
    found: dict[str, str] = {}
    for path in sources():
        if path.name in NOT_OF_HEALTH:
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                is_returned = isinstance(node, ast.Return) and COMPLAINING.search(function.name)
                told = getattr(node, "targets", [getattr(node, "func", None)])
                is_kept = isinstance(node, ast.Assign | ast.Call) and any(
                    isinstance(target, ast.Attribute | ast.Name) and COMPLAINING.search(ast.unparse(target))
                    for target in told
                )
                if is_returned or is_kept:
                    found |= {
                        words: f"{path.name}:{function.lineno}" for words in _words_of(node) if words.count(" ") > 1
                    }
    return found


def figures() -> set[str]:
    """Return the names of all metrics."""
    return {
        str(call.args[0].value)
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in METRICS
        if call.args and isinstance(call.args[0], ast.Constant)
    }


def test_complaints_are_found_where_they_are_made() -> None:
    found = complaints()
    assert "books: not loaded yet" in found
    assert "Kafka does not answer" in found
    assert len(found) > 8


@pytest.mark.parametrize(("words", "place"), complaints().items(), ids=lambda text: str(text)[:40])
def test_the_runbook_says_what_to_do_about_a_complaint(words: str, place: str) -> None:
    assert words in PAGE, f"docs/runbook.md must say what to do about {words!r} of {place}"


def test_the_runbook_knows_every_figure_and_no_other() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert told == figures()


def test_every_command_that_the_runbook_names_is_there() -> None:
    commands = (ROOT / "infra" / "commands.py").read_text(encoding="utf-8")
    named = set(re.findall(r"`overround ([a-z-]+)", PAGE))
    assert named
    for name in named:
        assert f'name="{name}"' in commands or f"def {name.replace('-', '_')}" in commands, name
