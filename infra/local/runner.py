"""Keep one program running: start it, watch it, start it again when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.launch import launch
from infra.local.program import Program, ProgramState, Unhealthy
from kernel.errors import InvariantBroken

PROBE_TIMEOUT_S = 2.0
PROBE_STARTING_S = 0.1
PROBE_RUNNING_S = 2.0
BACKOFF_S_MIN = 0.2
BACKOFF_S_MAX = 5.0
STEADY_AFTER_S = 30.0  # a program that ran this long starts again without delay
START_ATTEMPTS = 3
LOG_LINES_SHOWN = 15
LOG_BYTES_READ = 65_536
LAST_WORDS_MAX = 200
KILL_TIMEOUT_S = 2.0


class StartFailed(Exception):
    """A program did not become healthy, or what it holds cannot be used; the message says why, or how its log ends."""


class Runner:
    """One program and its current process.

    Attributes:
        healthy: Set while the program works.
        ready: Done once the program was healthy and what depends on it may start.
        restarts: How often it was started again after it died.
    """

    def __init__(self, program: Program, changed: Callable[[Runner], None]) -> None:
        self.program = program
        self.state = ProgramState.WAITING
        self.detail = ""
        self.pid: int | None = None
        self.started_s: float | None = None
        self.restarts = 0
        self.ready: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.healthy = asyncio.Event()
        self._changed = changed
        self._wanted = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._process: asyncio.subprocess.Process | None = None

    def start(self) -> None:
        """Want the program to run."""
        self._wanted.set()

    async def keep_running(self) -> None:
        """Run the program whenever it is wanted, until cancelled."""
        attempts = 0
        while True:
            await self._wanted.wait()
            begun_s = time.monotonic()
            outcome = await self._run_once()
            if not self._wanted.is_set():
                continue
            attempts = 0 if time.monotonic() - begun_s > STEADY_AFTER_S else attempts + 1
            if not self.ready.done() and attempts >= START_ATTEMPTS:
                self._fail(outcome)
                return
            self.restarts += 1
            self._set(ProgramState.WAITING, outcome + last_words(self.program.log))
            await asyncio.sleep(min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** min(attempts, 10)))

    async def stop(self, timeout_s: float) -> None:
        """Stop the program in order, or by force after `timeout_s`."""
        self._wanted.clear()
        if not self._ended.is_set():
            self._set(ProgramState.STOPPING, "")
            self._signal(self.program.stop_signal)
            try:
                async with asyncio.timeout(timeout_s):
                    await self._ended.wait()
            except TimeoutError:
                await self.kill()
        self._set(ProgramState.STOPPED, "")

    async def kill(self) -> None:
        """Kill the program and everything in its process group, as a crash would; it is started again."""
        self._signal(signal.SIGKILL)
        async with asyncio.timeout(KILL_TIMEOUT_S):
            await self._ended.wait()

    async def _run_once(self) -> str:
        """Run the program until it ends; return how it ended."""
        self._ended.clear()
        self._set(ProgramState.STARTING, "")
        try:
            await asyncio.to_thread(self.program.prepare)
            self._process = await launch(self.program)
        except Exception as error:
            self._ended.set()
            return f"could not start: {error}"
        self.pid, self.started_s = self._process.pid, time.time()
        watch = asyncio.create_task(self._watch_health())
        try:
            if not self._wanted.is_set():
                self._signal(self.program.stop_signal)
            return _describe_exit(await self._process.wait())
        finally:
            watch.cancel()
            self._signal(signal.SIGKILL)  # whatever it started and left behind
            self._process, self.pid, self.started_s = None, None, None
            self._ended.set()

    async def _watch_health(self) -> None:
        deadline_s = time.monotonic() + self.program.start_timeout_s
        while not await self._is_healthy():
            if time.monotonic() > deadline_s and not self.ready.done():
                self._fail(f"not healthy after {self.program.start_timeout_s:.0f} s: {self.detail}")
            await asyncio.sleep(PROBE_STARTING_S)
        await self._become_ready()
        while True:
            is_healthy = await self._is_healthy()
            if self.state is not ProgramState.STOPPING:
                self._set(ProgramState.HEALTHY if is_healthy else ProgramState.UNHEALTHY, self.detail)
            await asyncio.sleep(PROBE_RUNNING_S)

    async def _is_healthy(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self.program.check()
        except TimeoutError:
            self.detail = f"no answer within {PROBE_TIMEOUT_S:.0f} s"
        except (OSError, Unhealthy) as error:
            self.detail = str(error)
        else:
            self.detail = ""
            return True
        return False

    async def _become_ready(self) -> None:
        if self.ready.done():
            return
        try:
            done = await asyncio.to_thread(self.program.once_healthy)
        except InvariantBroken as error:
            self._give_up(f"{self.program.name}: {error}")  # it says all; the log knows nothing
            return
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            return
        self._set(ProgramState.HEALTHY, "")
        self.ready.set_result(done)

    def _fail(self, why: str) -> None:
        self._give_up(f"{self.program.name} {why}\n{tail(self.program.log)}\nIts log: {self.program.log}")

    def _give_up(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(StartFailed(why))

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                return

    def _set(self, state: ProgramState, detail: str) -> None:
        is_changed = (state, detail) != (self.state, self.detail) or state is ProgramState.STARTING
        self.state, self.detail = state, detail
        if state is ProgramState.HEALTHY:
            self.healthy.set()
        else:
            self.healthy.clear()
        if is_changed:
            self._changed(self)


def tail(path: Path) -> str:
    """Return the last lines of a log, indented."""
    try:
        lines = _last_lines(path)
    except FileNotFoundError:
        return "  (it wrote no log)"
    return "\n".join(f"  {line}" for line in lines) or "  (its log is empty)"


def last_words(path: Path) -> str:
    """Return what a log says last, behind a colon; nothing where it says nothing."""
    try:
        lines = [line.strip() for line in _last_lines(path) if line.strip()]
    except OSError:
        return ""
    return f": {lines[-1][:LAST_WORDS_MAX]}" if lines else ""


def _last_lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES_READ))
        return file.read().decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:]


def _describe_exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
