"""Integration tests that several workers share keep to their lanes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.settings import ROOT
from tests.integration.conftest import THE_LOG, WITHOUT_THE_LOG, lane_of

FOLDER: Final = ROOT / "tests" / "integration"
WHO: Final = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(4))
def test_who_runs_it(number):
    with pathlib.Path({told!r}).open("a") as file:
        file.write(f"{{pathlib.Path(__file__).name}} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
"""


def test_every_file_that_has_a_lane_of_its_own_is_there() -> None:
    assert {file.name for file in FOLDER.glob("test_*.py")} > WITHOUT_THE_LOG


def test_two_workers_never_share_a_lane(tmp_path: Path) -> None:
    told = tmp_path / "told"
    tests = tmp_path / "integration"
    tests.mkdir()
    (tests / "conftest.py").write_text((FOLDER / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    names = ("relay", "tombstones", "audit", "bet_ledger")
    for name in names:
        (tests / f"test_{name}.py").write_text(WHO.format(told=str(told)), encoding="utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--rootdir", str(tmp_path))
    subprocess.run([*command, str(tests)], check=True, cwd=tmp_path, capture_output=True, timeout=120)
    ran = {tuple(line.split()) for line in told.read_text(encoding="utf-8").splitlines()}
    workers_by_lane: dict[str, set[str]] = {}
    for name, worker in ran:
        workers_by_lane.setdefault(lane_of(f"tests/integration/{name}::test_who_runs_it[0]"), set()).add(worker)
    assert {lane: len(workers) for lane, workers in workers_by_lane.items()} == {
        THE_LOG: 1,
        "test_audit.py": 1,
        "test_bet_ledger.py": 1,
    }
