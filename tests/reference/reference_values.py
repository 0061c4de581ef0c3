"""Reference values beside the repository: read in place, never copied; where they are absent, tests skip and say so."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from infra.settings import ROOT
from odds.models.football.results import MatchResults

Vector = dict[str, Any]

SHARED = ROOT.parent / "shared"
VALUES = SHARED / "vectors" / "odds_vectors.json"
MISSING = f"reference values are not at {VALUES}"
SEASON = SHARED / "data" / "football" / "E0_2011-2012.csv"


class ExpectedFigures(Mapping[str, Any]):
    """What a vector expects, by name, and which of the names a check has looked at."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self._figures = figures
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)


def require_vectors() -> list[Vector]:
    if not VALUES.is_file():
        pytest.skip(MISSING)
    return list(json.loads(VALUES.read_text(encoding="utf-8"))["vectors"])


def vectors_as_parameters() -> list[Any]:
    """Return a parameter a vector, or one that is skipped."""
    if not VALUES.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(vector, id=vector["id"]) for vector in require_vectors()]


@cache
def read_season() -> MatchResults:
    """The Premier League's season of 2011-12, to which the fitted reference values belong."""
    if not SEASON.is_file():
        pytest.skip(f"reference results are not at {SEASON}")
    with SEASON.open(encoding="latin-1") as lines:
        rows = [row for row in csv.DictReader(lines) if row["FTHG"]]
    return MatchResults.of(
        [row["HomeTeam"] for row in rows],
        [row["AwayTeam"] for row in rows],
        [int(row["FTHG"]) for row in rows],
        [int(row["FTAG"]) for row in rows],
    )


def close(found: Any, expected: Any, vector: Vector, tolerance: str = "abs") -> None:
    """Hold what was found against what is expected, within the vector's own tolerance of that name."""
    np.testing.assert_allclose(found, expected, atol=vector["tolerance"][tolerance], rtol=0.0)
