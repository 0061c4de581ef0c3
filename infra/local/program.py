"""What the supervisor must know about a program to run it."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path


class Stage(IntEnum):
    """Programs of a higher stage are stopped first."""

    SERVER = 0
    PROCESS = 1
    EDGE = 2


class ProgramState(StrEnum):
    """Where a program is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port and the setting that moves it."""

    number: int
    setting: str

    @property
    def variable(self) -> str:
        """The environment variable that moves it."""
        return f"OVERROUND_PORTS__{self.setting.upper()}"


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of the system.

    Attributes:
        check: Returns when the program works; raises OSError, TimeoutError or Unhealthy where it does not.
        needs: Programs that must be ready before this one starts.
        prepare: Runs in a thread before each start: configuration, a fresh data folder, what a kill left behind.
        once_healthy: Runs in a thread when it is first healthy; dependants wait for it. Returns what it did.
        user: Whom to run as where the supervisor is root; None to stay root.
        death_signal: What the kernel sends it when the supervisor dies.
        niceness: How far it gives way, where processors are short, to programs that somebody waits for.
    """

    name: str
    command: tuple[str, ...]
    check: Callable[[], Awaitable[None]]
    log: Path
    stage: Stage
    ports: tuple[Port, ...] = ()
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: Path
    user: str | None = None
    prepare: Callable[[], None] = _nothing
    once_healthy: Callable[[], str | None] = _nothing
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    niceness: int = 0
    stop_timeout_s: float = 3.0
    start_timeout_s: float = 180.0  # one that ends fails at once; this bounds waiting on a busy machine


class Unhealthy(Exception):
    """A program answered, but not that it works."""
