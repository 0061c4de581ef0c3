"""What runs right now, in a file that any terminal can read and that a killed supervisor leaves behind."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from infra.local.program import ProgramState
from infra.local.runner import Runner

END_TIMEOUT_S = 5
SHUTDOWN_TIMEOUT_S = 12
START_TOLERANCE_S = 0.05


@dataclass(frozen=True, slots=True)
class ProgramRecord:
    """One program as it was last seen."""

    name: str
    state: ProgramState
    detail: str
    pid: int | None
    create_time_s: float | None
    started_s: float | None
    restarts: int
    ports: tuple[int, ...]
    log: str


@dataclass(frozen=True, slots=True)
class SystemRecord:
    """The supervisor and all its programs."""

    pid: int
    create_time_s: float
    is_ready: bool
    programs: tuple[ProgramRecord, ...]

    def find(self, name: str) -> ProgramRecord | None:
        """Return the program of that name."""
        return next((record for record in self.programs if record.name == name), None)


def state_file(profile_dir: Path) -> Path:
    """Return where the state of a profile is kept."""
    return profile_dir / "state.json"


def describe(runner: Runner) -> ProgramRecord:
    """Return a runner's program as it is now."""
    return ProgramRecord(
        name=runner.program.name,
        state=runner.state,
        detail=runner.detail,
        pid=runner.pid,
        create_time_s=_create_time_s(runner.pid),
        started_s=runner.started_s,
        restarts=runner.restarts,
        ports=tuple(port.number for port in runner.program.ports),
        log=str(runner.program.log),
    )


def write_state(profile_dir: Path, *, is_ready: bool, runners: list[Runner]) -> None:
    """Replace the state file in one step."""
    programs = tuple(describe(runner) for runner in runners)
    record = SystemRecord(os.getpid(), psutil.Process().create_time(), is_ready, programs)
    draft = profile_dir / "state.json.new"
    draft.write_text(json.dumps({"written_s": time.time(), **asdict(record)}), encoding="utf-8")
    draft.replace(state_file(profile_dir))


def read_state(profile_dir: Path) -> SystemRecord | None:
    """Return what was last written, by a supervisor alive or dead; None where there is nothing."""
    try:
        fields = json.loads(state_file(profile_dir).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    programs = tuple(
        ProgramRecord(**{**item, "state": ProgramState(item["state"]), "ports": tuple(item["ports"])})
        for item in fields["programs"]
    )
    return SystemRecord(fields["pid"], fields["create_time_s"], fields["is_ready"], programs)


def read_running(profile_dir: Path) -> SystemRecord | None:
    """Return the state where its supervisor is alive, otherwise None."""
    record = read_state(profile_dir)
    return record if record and find_process(record.pid, record.create_time_s) else None


def wait_ended(profile_dir: Path) -> bool:
    """Wait for the supervisor to end after it was told to; False where it takes too long."""
    deadline_s = time.monotonic() + SHUTDOWN_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if read_running(profile_dir) is None:
            return True
        time.sleep(0.1)
    return False


def find_process(pid: int | None, create_time_s: float | None) -> psutil.Process | None:
    """Return the process, unless it is gone or its number now belongs to another."""
    if pid is None or create_time_s is None:
        return None
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - create_time_s) < START_TOLERANCE_S
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def end_leftovers(profile_dir: Path) -> list[str]:
    """End what a killed supervisor left running; return the names."""
    record = read_state(profile_dir)
    found = [(item.name, find_process(item.pid, item.create_time_s)) for item in record.programs] if record else []
    left = {name: process for name, process in found if process}
    for process in left.values():
        process.terminate()
    _, alive = psutil.wait_procs(list(left.values()), timeout=END_TIMEOUT_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=END_TIMEOUT_S)
    return list(left)


def _create_time_s(pid: int | None) -> float | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None
