"""Cases of the trade beside the repository, read in place: an input, the value that is right, and who reported it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import pytest

from tests.reference.reference_values import SHARED

Case = dict[str, Any]
Check = Callable[[Case], None]

CASES: Final = SHARED / "cases" / "cases.json"
MISSING: Final = f"public cases are not at {CASES}"

CHECK_BY_ID: Final[dict[str, Check]] = {}
"""What runs a case, by its id."""


def checks(*case_ids: str) -> Callable[[Check], Check]:
    """Let a function check these cases; each is checked by one."""

    def register(check: Check) -> Check:
        for case_id in case_ids:
            assert case_id not in CHECK_BY_ID, f"{case_id} is checked twice"
            CHECK_BY_ID[case_id] = check
        return check

    return register


@cache
def read_cases() -> tuple[Case, ...]:
    """Return every case, none where they are absent."""
    return tuple(json.loads(CASES.read_text())["cases"]) if CASES.is_file() else ()


def cases_as_parameters() -> list[Any]:
    """Return a parameter a case, or one that is skipped."""
    if not read_cases():
        return [pytest.param({}, marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(case, id=case["id"]) for case in read_cases()]
