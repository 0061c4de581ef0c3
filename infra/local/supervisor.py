"""Run all programs: in dependency order up, in stage order down, and healed in between."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from infra.local.control import Action, ControlRefused, serve_control
from infra.local.locks import hold_supervisor_lock, is_used
from infra.local.logs import bound_logs
from infra.local.ports import expect_free_ports
from infra.local.program import Program, Stage
from infra.local.runner import Runner, StartFailed
from infra.local.state import end_leftovers, write_state

STOP_LIMIT_S = 9.5
CHORES_S = 2.0


class Audience(Protocol):
    """Who is told what the supervisor does."""

    def on_leftovers(self, names: Sequence[str]) -> None:
        """What a killed supervisor had left was ended."""

    def on_ready(self, program: Program, seconds: float, done: str | None) -> None:
        """A program is healthy for the first time."""

    def on_change(self, runner: Runner) -> None:
        """A program's state changed."""

    def on_stopping(self) -> None:
        """Everything is being stopped: it was asked for, or something failed."""

    def on_stopped(self, name: str) -> None:
        """A program was stopped in order."""


class Supervisor:
    """All programs of one profile.

    Args:
        profile_dir: Holds the lock, the state file, the control socket and the data of this system.
        programs: What can run; `autostart` names what runs from the beginning.
        linger_s: Stop by itself when nobody holds a use for so long; None to run until told.
    """

    def __init__(
        self,
        profile_dir: Path,
        programs: Sequence[Program],
        *,
        autostart: Sequence[str],
        audience: Audience,
        linger_s: float | None = None,
    ) -> None:
        self._profile_dir = profile_dir
        self._programs = {program.name: program for program in programs}
        self._autostart = autostart
        self._audience = audience
        self._linger_s = linger_s
        self._runners: dict[str, Runner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_ready = False
        self._stop = asyncio.Event()

    async def run(self, on_up: Callable[[], None]) -> None:
        """Run everything until told to stop; nothing is left when this returns.

        Raises:
            AlreadyRunning, PortTaken, StartFailed: If it cannot; what was started is stopped again.
        """
        with hold_supervisor_lock(self._profile_dir):
            left = await asyncio.to_thread(end_leftovers, self._profile_dir)
            if left:
                self._audience.on_leftovers(left)
            await asyncio.to_thread(expect_free_ports, [self._programs[name] for name in self._autostart])
            self._runners = {name: Runner(program, self._on_change) for name, program in self._programs.items()}
            server = await serve_control(self._profile_dir, self._act)
            chores = asyncio.create_task(self._do_chores())
            try:
                await self._run_until_stopped(on_up)
            finally:
                self._audience.on_stopping()
                chores.cancel()
                server.close()
                await self._stop_all()

    def stop(self) -> None:
        """Have `run` return in order."""
        self._stop.set()

    async def _run_until_stopped(self, on_up: Callable[[], None]) -> None:
        start = asyncio.create_task(self._start_all(self._autostart))
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                return
            start.result()
            self._is_ready = True
            self._write_state()
            on_up()
            await stop
        finally:
            start.cancel()
            stop.cancel()
            await asyncio.gather(start, stop, return_exceptions=True)

    async def _start_all(self, names: Sequence[str]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(self._start(name))
        except ExceptionGroup as failures:
            failed, _ = failures.split(StartFailed)
            raise (failed or failures).exceptions[0] from None

    async def _start(self, name: str) -> None:
        runner = self._runners[name]
        for needed in runner.program.needs:
            await asyncio.shield(self._runners[needed].ready)
        begun_s = time.monotonic()
        runner.start()
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(runner.keep_running(), name=name)
        is_first = not runner.ready.done()
        done = await asyncio.shield(runner.ready)
        if is_first:
            self._audience.on_ready(runner.program, time.monotonic() - begun_s, done)

    async def _stop_all(self) -> None:
        """Stop by stages, within the limit whatever happens."""
        deadline_s = time.monotonic() + STOP_LIMIT_S
        for stage in sorted(Stage, reverse=True):
            runners = [self._runners[name] for name in self._tasks if self._programs[name].stage is stage]
            left_s = deadline_s - time.monotonic() - int(stage) - 1.0
            await asyncio.gather(*(self._stop_one(runner, left_s) for runner in runners))
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for runner in self._runners.values():
            if runner.ready.done():
                runner.ready.exception()
        self._is_ready = False
        self._write_state()

    async def _stop_one(self, runner: Runner, left_s: float) -> None:
        was_running = runner.pid is not None
        await runner.stop(max(0.1, min(runner.program.stop_timeout_s, left_s)))
        if was_running:
            self._audience.on_stopped(runner.program.name)

    async def _act(self, action: Action, name: str) -> None:
        if action == "shutdown":
            self.stop()
            return
        if name not in self._runners:
            raise ControlRefused(f"Expected one of {', '.join(self._runners)}, was {name!r}")
        runner = self._runners[name]
        if action == "start":
            await self._start(name)
            await runner.healthy.wait()
        elif action == "stop":
            await runner.stop(runner.program.stop_timeout_s)
        else:
            await runner.kill()

    async def _do_chores(self) -> None:
        unused_since_s = time.monotonic()
        while True:
            await asyncio.sleep(CHORES_S)
            await asyncio.to_thread(bound_logs, [program.log for program in self._programs.values()])
            if self._linger_s is None or is_used(self._profile_dir):
                unused_since_s = time.monotonic()
            elif time.monotonic() - unused_since_s > self._linger_s:
                self.stop()

    def _on_change(self, runner: Runner) -> None:
        self._write_state()
        self._audience.on_change(runner)

    def _write_state(self) -> None:
        with contextlib.suppress(OSError):  # the data folder may be thrown away under us, or be full
            write_state(self._profile_dir, is_ready=self._is_ready, runners=list(self._runners.values()))
