"""Start a program so that it dies with us, as whom it must run."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from infra.local.program import Program

REACH_TIMEOUT_S = 5
LOCALE = {"LC_ALL": "C.UTF-8"}  # every Debian has it; Java finds files of any name by it
SERVERS_PATH = "/usr/sbin"  # where Debian keeps servers, and not on the path of everybody


def as_user(user: str | None, *, needs_override: bool) -> tuple[str, ...]:
    """Return the command prefix that changes to `user`.

    Args:
        user: Whom to become; None to stay.
        needs_override: Whether the user must pass folders that are closed to it, such as a checkout in /root.
    """
    if user is None:
        return ()
    override = ("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override") if needs_override else ()
    return ("setpriv", "--reuid", user, "--regid", user, "--init-groups", *override)


def can_user_reach(user: str, path: Path) -> bool:
    """Tell whether `user` can enter `path`."""
    command = [*as_user(user, needs_override=False), "test", "-x", str(path)]
    return subprocess.run(command, check=False, timeout=REACH_TIMEOUT_S, cwd="/").returncode == 0


async def launch(program: Program) -> asyncio.subprocess.Process:
    """Start the program in a process group of its own, its output appended to its log.

    The kernel ends it when we die, however we die. `setpriv` sets that after the change of user, which clears it.
    """
    needs_override = program.user is not None and not await asyncio.to_thread(
        can_user_reach, program.user, program.working_dir
    )
    prefix = as_user(program.user, needs_override=needs_override) or ("setpriv",)
    death = ("--pdeathsig", program.death_signal.name.removeprefix("SIG"))
    log = _open_log(program.log)
    try:
        process = await asyncio.create_subprocess_exec(
            *prefix,
            *death,
            "--",
            *("nice", "-n", str(program.niceness)),
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.working_dir,
            env={**os.environ, **LOCALE, "PATH": f"{os.environ['PATH']}:{SERVERS_PATH}", **program.environment},
            start_new_session=True,
        )
    finally:
        os.close(log)
    _give_way(process.pid, program.niceness)
    return process


def _give_way(pid: int, niceness: int) -> None:
    """Let a session give way as a whole: a kernel that shares time out by session heeds niceness only within one."""
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="utf-8")


def _open_log(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
