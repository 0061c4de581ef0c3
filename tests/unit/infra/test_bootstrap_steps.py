"""What the set-up skips and what it does again."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from infra import bootstrap
from infra.settings import ROOT


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path)
    monkeypatch.setattr(bootstrap, "LOG", tmp_path / "bootstrap.log")
    source = tmp_path / "source"
    source.write_text("1")
    return source


def _is_due(source: Path) -> bool:
    with bootstrap.step_due("step", [source]) as is_due:
        return is_due


def test_a_step_is_due_until_it_succeeded_and_again_when_its_source_changed(source: Path) -> None:
    assert _is_due(source)
    assert not _is_due(source)
    source.write_text("2")
    assert _is_due(source)


def test_a_step_that_failed_stays_due(source: Path) -> None:
    with pytest.raises(bootstrap.StepFailed), bootstrap.step_due("step", [source]):
        raise bootstrap.StepFailed("no network")
    assert _is_due(source)


def test_a_step_that_was_cut_short_is_due_again_also_where_its_stamp_was_right(source: Path) -> None:
    made = source.parent / "made"
    with bootstrap.step_due("step", [source], made=made):
        made.mkdir()
    made.rmdir()
    with contextlib.suppress(KeyboardInterrupt), bootstrap.step_due("step", [source], made=made) as is_due:
        assert is_due
        made.mkdir()  # half of it
        raise KeyboardInterrupt
    assert _is_due(source)


def test_an_environment_that_was_cut_short_is_made_anew(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = source.parent / "venv"
    half.mkdir()
    monkeypatch.setattr(bootstrap, "VENV", half)
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", Path(sys.executable))  # it starts, but has no pip, say

    def stop(title: str, command: list[str], *, mend: str) -> None:
        raise bootstrap.StepFailed(title)

    monkeypatch.setattr(bootstrap, "run", stop)
    with pytest.raises(bootstrap.StepFailed, match="Creating the virtual environment"):
        bootstrap.make_environment()
    assert not half.exists()


def test_a_step_ends_with_the_set_up_however_that_ends(source: Path) -> None:
    step = f"import os, pathlib, time; pathlib.Path({str(source)!r}).write_text(str(os.getpid())); time.sleep(60)"
    script = (
        "import pathlib, sys; from infra import bootstrap\n"
        f"bootstrap.LOG = pathlib.Path({str(source.parent / 'log')!r})\n"
        f"bootstrap.run('Waiting', [sys.executable, '-c', {step!r}], mend='')"
    )
    set_up = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    _wait_until(lambda: source.read_text() not in {"", "1"})
    step_pid = int(source.read_text())
    set_up.kill()
    set_up.wait()
    _wait_until(lambda: not psutil.pid_exists(step_pid))


def test_two_set_ups_of_a_checkout_wait_for_each_other(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "LOCAL", source.parent)
    begun, ended = threading.Event(), threading.Event()

    def be_second() -> None:
        begun.set()
        with bootstrap.alone():
            ended.set()

    second = threading.Thread(target=be_second)
    with bootstrap.alone():
        second.start()
        begun.wait()
        assert not ended.wait(0.2)
    second.join(5)
    assert ended.is_set()


def test_a_checkout_that_cannot_be_written_to_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "STAMPS", Path("/proc/stamps"))
    with pytest.raises(bootstrap.StepFailed, match="must be a folder that can be written to"), bootstrap.alone():
        pass


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_failure_shows_the_end_of_the_log_and_how_to_mend_it(source: Path) -> None:
    with pytest.raises(bootstrap.StepFailed) as failure:
        bootstrap.run(
            "Trying", [sys.executable, "-c", "print('out of space'); exit(3)"], mend="free some", cwd=source.parent
        )
    assert "Trying failed" in str(failure.value)
    assert "out of space" in str(failure.value)
    assert "To mend it: free some" in str(failure.value)


def test_the_lock_gives_uv_alone_with_its_hashes() -> None:
    stanza = bootstrap._find_requirement((ROOT / "requirements.lock").read_text(encoding="utf-8"), "uv")
    first, *rest = stanza.splitlines()
    assert first.startswith("uv==")
    assert "--hash=sha256:" in stanza
    assert all(line.startswith(" ") for line in rest)


def test_no_lock_file_names_a_package_server() -> None:
    for name in ("requirements.lock", "requirements-peers.lock", "web/package-lock.json", "infra/local/kafka/pom.xml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--index-url" not in text
        assert "--find-links" not in text
        assert '"resolved"' not in text
        assert "<repository>" not in text


def test_the_peers_agree_with_what_everything_else_runs_on() -> None:
    pinned = _pins("requirements.lock")
    shared = {name: version for name, version in _pins("requirements-peers.lock").items() if name in pinned}
    assert "numpy" in shared
    assert shared == {name: pinned[name] for name in shared}


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_folder_that_programs_cannot_be_pointed_at_is_refused_before_anything_is_installed(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(bootstrap.StepFailed, match="must hold no colon and no line break"):
        bootstrap.expect_usable_path(tmp_path / name)


@pytest.mark.parametrize("name", ["plain", "with space", "Über & Söhne, 50 %", "a'b\"c$d\\e"])
def test_any_other_folder_is_taken(name: str, tmp_path: Path) -> None:
    bootstrap.expect_usable_path(tmp_path / name)


def test_folders_of_modules_are_listed_without_the_name_of_the_checkout(tmp_path: Path) -> None:
    packages = tmp_path / "Über" / ".venv" / "packages"
    packages.mkdir(parents=True)
    listed = packages / "ours.pth"
    listed.write_bytes(f"{tmp_path}/Über\n{tmp_path}/Über/protos/gen\n".encode())
    for _ in range(2):
        bootstrap.make_relative(listed)
        assert listed.read_bytes() == b"../..\n../../protos/gen\n"
