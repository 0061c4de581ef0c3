"""Tests stand where what they test stands, what they share stands beside them, and no name of a test is stale."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from infra.settings import ROOT

MIRRORS: Final = tuple(ROOT / "tests" / name for name in ("unit", "property"))
SHARED: Final = tuple(ROOT / "tests" / name for name in ("builders", "fakes", "reference"))
NAMED: Final = re.compile(r"\btests/(?:\w+/)*\w+\.py\b")
MADE_UP: Final = {"tests/unit/test_a.py", "tests/unit/test_b.py", "tests/unit/test_c.py"}
"""What the tests of the test command call their tests."""


def texts() -> dict[str, str]:
    """Return what the repository says, by file: all that may name a test."""
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    kinds = {".py", ".md", ".toml", ".ts", ".svelte", ".sql", ".proto"}
    names = told.split("\0") if told else [str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/*.py")]
    files = [ROOT / name for name in names if Path(name).suffix in kinds or name == "Makefile"]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files if path.is_file()}


@pytest.mark.parametrize("mirror", MIRRORS, ids=lambda mirror: mirror.name)
def test_every_folder_of_tests_is_a_folder_of_the_house(mirror: Path) -> None:
    modules = list(mirror.rglob("*.py"))
    assert len(modules) > 10
    assert [path.name for path in modules if path.parent == mirror] == []
    assert [path for path in modules if not (ROOT / path.parent.relative_to(mirror)).is_dir()] == []


@pytest.mark.parametrize("mirror", MIRRORS, ids=lambda mirror: mirror.name)
def test_nothing_but_tests_stands_among_tests(mirror: Path) -> None:
    assert [path for path in mirror.rglob("*.py") if not path.name.startswith("test_")] == []


def test_what_tests_share_is_used() -> None:
    everything = "\n".join(texts().values())
    shared = [path for folder in SHARED for path in folder.glob("*.py")]
    assert len(shared) > 10
    unused = [
        path
        for path in shared
        if not re.search(rf"from tests\.{path.parent.name}(\.{path.stem}\b| import [^\n]*\b{path.stem}\b)", everything)
    ]
    assert unused == []


def test_there_is_one_fake_clock() -> None:
    homes = [name for name, text in texts().items() if name.endswith(".py") and "\nclass FakeClock:" in text]
    assert homes == ["tests/fakes/fake_clock.py"]


def test_every_file_of_tests_that_is_named_is_there() -> None:
    named = {(name, file) for file, text in texts().items() for name in NAMED.findall(text)}
    assert len(named) > 50
    assert [each for each in sorted(named) if not (ROOT / each[0]).is_file() and each[0] not in MADE_UP] == []
