"""The test command: checks beside each other, and what it says of those that fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.checks import Check, Console, Failure, all_checks, describe, run_stage

SUMMARY = """
=========================== short test summary info ============================
FAILED tests/unit/test_a.py::test_of_one[a - b] - AssertionError: 1 is not 2
ERROR tests/unit/test_b.py
FAILED tests/unit/test_c.py::test_of_a_group@log - TimeoutError
FAILED tests/unit/test_c.py::test_of_a_group[x]@log - TimeoutError
3 failed, 1 error in 0.01s
"""


def python(code: str, *, title: str = "a check", is_talkative: bool = False) -> Check:
    return Check(title, (sys.executable, "-c", code), is_talkative=is_talkative)


def test_a_failure_ends_with_what_broke_and_how_to_run_that_alone() -> None:
    check = Check("unit tests", ("pytest", "tests/unit"), is_talkative=True)
    said = describe(Failure(check, 1.5, SUMMARY)).splitlines()
    assert said[:3] == [
        "✗ unit tests failed after 1.5 s",
        "  tests/unit/test_a.py::test_of_one[a - b]",
        "  tests/unit/test_b.py",
    ]
    assert said[3:5] == ["  tests/unit/test_c.py::test_of_a_group", "  tests/unit/test_c.py::test_of_a_group[x]"]
    assert "-m pytest -q 'tests/unit/test_a.py::test_of_one[a - b]' tests/unit/test_b.py" in said[5]


def test_a_check_without_tests_is_told_with_its_output_its_folder_and_its_command() -> None:
    check = python("print('line 3 is wrong'); raise SystemExit(3)", title="lint")
    (failure,) = run_stage([check], Console(), timeout_s=60)
    said = describe(failure).splitlines()
    assert said[0] == "line 3 is wrong"
    assert said[1].startswith("✗ lint failed after")
    assert said[2].startswith(f"  alone: {sys.executable} -c 'print(")
    web = Check("types", ("npm", "run", "check"), check.folder / "web")
    assert "alone: cd web && npm run check" in describe(Failure(web, 1.0, "wrong"))


def test_checks_of_a_stage_run_beside_each_other(tmp_path: Path) -> None:
    meet = (
        "import pathlib, sys, time; here, there = map(pathlib.Path, {!r}); here.touch()\n"
        "while not there.exists(): time.sleep(0.01)"
    )
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    checks = [python(meet.format((first, second))), python(meet.format((second, first)))]
    assert run_stage(checks, Console(), timeout_s=60) == []


def test_after_a_failure_none_is_begun_and_what_runs_goes_on_to_its_end(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    checks = [python("raise SystemExit(1)")] + [python(f"open({str(begun)!r}, 'a').write('x')")] * 50
    (failure,) = run_stage(checks, Console(), timeout_s=60)
    assert failure.check is checks[0]
    assert not begun.exists() or len(begun.read_text(encoding="utf-8")) < 50


def test_a_check_that_hangs_is_ended_with_all_that_it_started() -> None:
    hang = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    (failure,) = run_stage([python(hang)], Console(), timeout_s=1.0)
    assert "it took longer than 1 s" in failure.output


def test_a_line_is_written_when_it_is_whole_and_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.pass_on("tests", "....")
    console.pass_on("more tests", "F\nfailed\n")
    console.say("✓ types")
    console.pass_on("tests", "..\n1 pas")
    console.pass_on("tests", "sed")
    console.end("tests")
    console.end("more tests")
    assert capsys.readouterr().out.splitlines() == [
        *("more tests: F", "more tests: failed", "✓ types", "tests: ......", "tests: 1 passed"),
    ]


def test_the_long_form_runs_the_same_checks() -> None:
    short, long = (
        [check.title for stage in all_checks(is_long=is_long) for check in stage] for is_long in (False, True)
    )
    assert short == long
    assert len(set(short)) == len(short)
