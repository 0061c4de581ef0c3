"""A fresh system for one run of load, started by the supervisor that starts it for people."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.house import LIMITS
from infra.local.control import ControlRefused, request
from infra.local.data import throw_away
from infra.local.state import read_running
from infra.local.status import measure_memory_bytes
from infra.settings import HOUSE_DIR, ROOT, Ports, Settings, Sources, load_settings

PORT_OFFSET = 12_600
START_LIMIT_S = 120.0
STOP_LIMIT_S = 20.0
NO_LIMIT_MINOR = 10**11
NO_LIMIT_CALLS = 10**6


class SystemFailed(Exception):
    """The system to be loaded did not start."""


def bench_settings() -> Settings:
    """Return settings of a system of its own: its own ports and data, and limits that no load reaches."""
    # All load comes from one address, as none in life does.
    sources = Sources(
        requests_per_s_max=NO_LIMIT_CALLS,
        requests_burst_max=NO_LIMIT_CALLS,
        address_calls_max=NO_LIMIT_CALLS,
        address_book_streams_max=NO_LIMIT_CALLS,
    )
    data_dir = ROOT / ".local" / "bench"
    own = {"ports": Ports().shifted(PORT_OFFSET), "data_dir": data_dir, "sources": sources}
    own["house_dir"] = make_house_without_limits(ROOT / ".local" / "bench-house")
    return load_settings("local").model_copy(update=own)


def make_house_without_limits(folder: Path) -> Path:
    """Write the house's files into a folder, but for limits that no load reaches; return the folder."""
    shutil.copytree(HOUSE_DIR, folder, dirs_exist_ok=True)
    limits = folder / f"{LIMITS}.toml"
    told = limits.read_text(encoding="utf-8")
    unlimited = re.sub(r"((?:stake|payout|market_loss)_minor_max) = .*", rf"\1 = {NO_LIMIT_MINOR}", told)
    limits.write_text(unlimited, encoding="utf-8")
    return folder


@contextmanager
def fresh_system(settings: Settings) -> Iterator[float]:
    """Start the whole system on empty data, without the simulation; yield the seconds that took; stop it.

    Raises:
        SystemFailed: If it is not up within its limit; the message is what it printed.
    """
    shut_down(settings)
    if settings.profile_dir.exists():
        throw_away(settings.profile_dir)
    begun_s = time.monotonic()
    start(settings)
    try:
        yield time.monotonic() - begun_s
    finally:
        shut_down(settings)


def start(settings: Settings) -> None:
    """Start the system and wait until every process is healthy."""
    settings.profile_dir.mkdir(parents=True, exist_ok=True)
    output = settings.profile_dir / "supervisor.log"
    with output.open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "infra.cli", "up", "--without-simulation"]
        environment = {**os.environ, **settings.environment()}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True, stdin=subprocess.DEVNULL
        )
    deadline_s = time.monotonic() + START_LIMIT_S
    while not ((record := read_running(settings.profile_dir)) and record.is_ready):
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise SystemFailed(output.read_text(encoding="utf-8"))
        time.sleep(0.1)


def shut_down(settings: Settings) -> None:
    """Stop what runs on this data folder, and wait until it has."""
    with suppress(ControlRefused):
        request(settings.profile_dir, "shutdown", "")
    deadline_s = time.monotonic() + STOP_LIMIT_S
    while read_running(settings.profile_dir) is not None and time.monotonic() < deadline_s:
        time.sleep(0.1)


def memory_bytes(settings: Settings) -> dict[str, int]:
    """Return what each program takes, by its name; what processes share counts once."""
    record = read_running(settings.profile_dir)
    return {program.name: measure_memory_bytes(program.pid) for program in record.programs} if record else {}
