"""The page of faults names tests that are there."""

from __future__ import annotations

import re
from typing import Final

import pytest

from infra.settings import ROOT

PAGE: Final = ROOT / "docs" / "faults.md"
FILE: Final = re.compile(r"(?:tests|web/tests|loadtests)/[\w/.]+\.(?:py|ts)")
NAMED: Final = re.compile(r"((?:tests)/[\w/.]+\.py)?::(test_\w+)")


def rows() -> list[list[str]]:
    """Return the cells of every fault."""
    lines = PAGE.read_text(encoding="utf-8").rpartition("## The faults")[2].splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("| ")][1:]


def test_every_file_of_tests_that_the_page_names_is_there() -> None:
    named = set(FILE.findall(PAGE.read_text(encoding="utf-8")))
    assert len(named) > 50
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_fault_has_its_kind_its_tests_and_its_commits(row: list[str]) -> None:
    _, wrong, kind, tests, commits = row
    assert wrong
    assert kind
    assert FILE.search(tests) or "loadtests" in tests
    assert re.search(r"\b[0-9a-f]{7,}\b", commits)
    file = ""
    for named, name in NAMED.findall(tests):
        file = named or file
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"def {name}", text), f"{file} has no {name}"
