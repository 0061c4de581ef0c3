"""The whole system, run for tests by the supervisor that runs it for people."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.control import request
from infra.local.data import throw_away
from infra.local.program import ProgramState
from infra.local.secrets import LocalSecrets
from infra.local.state import ProgramRecord, SystemRecord, read_running, wait_ended
from infra.settings import ROOT, Settings

START_TIMEOUT_S = 240
POLL_S = 0.1


@dataclass(frozen=True)
class RunningSystem:
    """A system that is up, and ways to break and mend it."""

    settings: Settings
    secrets: LocalSecrets

    def kill(self, name: str) -> None:
        """Kill a program with SIGKILL; the supervisor starts it again."""
        request(self.settings.profile_dir, "kill", name)

    def stop(self, name: str) -> None:
        """Stop a program; it stays stopped."""
        request(self.settings.profile_dir, "stop", name)

    def start(self, name: str) -> None:
        """Start a program that was stopped, and wait until it is healthy."""
        request(self.settings.profile_dir, "start", name)

    def find(self, name: str) -> ProgramRecord:
        """Return a program as it is now."""
        record = read_running(self.settings.profile_dir)
        program = record.find(name) if record else None
        assert program is not None, f"{name} is no program of a running system"
        return program

    def wait_healthy(self, name: str, timeout_s: float = 180.0) -> ProgramRecord:
        """Return the program once it is healthy; fail the test with its log where it does not become so."""
        wait_until(lambda: self.find(name).state is ProgramState.HEALTHY, timeout_s, lambda: self._describe(name))
        return self.find(name)

    def _describe(self, name: str) -> str:
        program = self.find(name)
        log = Path(program.log)
        text = log.read_text(encoding="utf-8", errors="replace")[-3_000:] if log.exists() else "(no log)"
        return f"{name} is {program.state} {program.detail}:\n{text}"


def launch_up(settings: Settings, *options: str) -> None:
    """Start `overround up` so that it outlives this run, and wait until the system is up."""
    settings.profile_dir.mkdir(parents=True, exist_ok=True)
    output = settings.profile_dir / "supervisor.log"
    with output.open("w", encoding="utf-8") as log:
        command = ["setsid", "--fork", sys.executable, "-m", "infra.cli", "up", *options]
        environment = {**os.environ, **settings.environment()}
        subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=log, stderr=log, timeout=START_TIMEOUT_S)

    def is_up_or_failed() -> bool:
        record = read_running(settings.profile_dir)
        return (record is not None and record.is_ready) or _is_failure(output.read_text(encoding="utf-8"))

    wait_until(is_up_or_failed, START_TIMEOUT_S, output.read_text)
    if _is_failure(text := output.read_text(encoding="utf-8")) and "already runs" not in text:
        pytest.fail(f"the system did not start:\n{text}", pytrace=False)


def _is_failure(text: str) -> bool:
    return "✗" in text or "Traceback" in text


def shut_down(settings: Settings) -> None:
    """Stop whatever runs on this data folder, and wait until it is gone."""
    if read_running(settings.profile_dir) is None:
        return
    request(settings.profile_dir, "shutdown", "")
    assert wait_ended(settings.profile_dir), "it did not stop"


def start_afresh(settings: Settings, *options: str) -> RunningSystem:
    """Start a system on an empty data folder."""
    shut_down(settings)
    if settings.profile_dir.exists():
        throw_away(settings.profile_dir)
    launch_up(settings, *options)
    return RunningSystem(settings, LocalSecrets.load(settings))


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one run after the other do what two must not do at once, such as to start what both use."""
    with (folder / "tests.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_until(is_so: Callable[[], bool], timeout_s: float, describe: Callable[[], str]) -> None:
    """Return as soon as something is so; fail the test with a description where it never is."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {timeout_s:.0f} s: {describe()}", pytrace=False)
        time.sleep(POLL_S)


def running(settings: Settings) -> SystemRecord:
    """Return the running system's record."""
    record = read_running(settings.profile_dir)
    assert record is not None
    return record
