"""The short form tries the same examples on every run, whatever else is loaded."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def tried() -> list[int]:
    numbers: list[int] = []

    @settings(derandomize=True, database=None, max_examples=300)
    @given(st.integers(0, 10**12))
    def note(number: int) -> None:
        numbers.append(number)

    note()
    return numbers


def test_examples_do_not_hang_on_what_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = tried()
    file = tmp_path / "full_of_numbers.py"
    file.write_text(f"NUMBERS = {tuple(range(7_000_000_001, 7_000_000_101))}", encoding="utf-8")
    spec = spec_from_file_location("full_of_numbers", file)
    assert spec is not None
    monkeypatch.setitem(sys.modules, "full_of_numbers", module_from_spec(spec))
    assert (tried() == before) is not request.config.getoption("long")
