"""The recipes for those who add something name files that are there, and commits that were made."""

from __future__ import annotations

import re
import subprocess
from typing import Final

import pytest

from infra.settings import ROOT

PAGE: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES: Final = {
    heading: body.strip().splitlines() for heading, body in re.findall(r"^## (.+)\n\n((?:\d\. .+\n)+)", PAGE, re.M)
}
NAMED: Final = re.compile(r"`([\w.]+(?:/[\w.-]+)+/?|[\w-]+\.md)`")


def test_there_are_seven_recipes_of_six_lines_at_most() -> None:
    assert len(RECIPES) == 7
    assert all(3 <= len(lines) <= 6 for lines in RECIPES.values())


def test_every_file_that_is_named_is_there() -> None:
    named = set(NAMED.findall(PAGE)) - {".venv/bin/python"}
    assert len(named) > 25
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("heading", RECIPES)
def test_a_recipe_ends_with_a_commit_to_imitate(heading: str) -> None:
    last = RECIPES[heading][-1]
    assert last.startswith(f"{len(RECIPES[heading])}. Imitate: ")
    subjects = re.findall(r'"([^"]+)"', last)
    assert subjects
    told = subprocess.run(["git", "log", "--format=%s"], cwd=ROOT, capture_output=True, text=True, check=False)
    made = told.stdout.splitlines()
    if len(made) > 100:  # a copy without its history has nothing to hold them against
        assert [subject for subject in subjects if subject not in made] == []
