"""Decisions are recorded in one form, each under its number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from infra.settings import ROOT

FOLDER: Final = ROOT / "docs" / "adr"
RECORDS: Final = sorted(FOLDER.glob("*.md"))
SECTIONS: Final = ["Context", "Options", "Decision", "Consequences"]

each = pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)


@each
def test_a_record_has_its_number_a_title_and_four_sections(path: Path) -> None:
    named = re.fullmatch(r"(\d{4})-[a-z0-9-]+", path.stem)
    assert named, f"{path.name} must be NNNN-what-was-decided.md"
    headings = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert re.fullmatch(rf"# {int(named[1])}\. [A-Z0-9].+[^.]", headings[0]), f"was {headings[0]!r}"
    assert headings[1:] == [f"## {section}" for section in SECTIONS]


def test_no_number_is_taken_twice() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert [number for number in numbers if numbers.count(number) > 1] == []


def test_what_names_a_record_names_one_that_is_there() -> None:
    known = {int(path.name[:4]) for path in RECORDS}
    pages = [*FOLDER.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert {int(number) for number in re.findall(r"ADR (\d+)", text)} <= known, page.name
        files = re.findall(r"adr/(\d{4}-[\w-]+\.md)", text)
        assert [name for name in files if not (FOLDER / name).is_file()] == [], page.name
