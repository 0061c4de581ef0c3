"""File locks: one supervisor per data folder, and who still uses a shared one. The kernel frees them on any death."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another supervisor has this data folder."""


@contextmanager
def hold_supervisor_lock(profile_dir: Path) -> Iterator[None]:
    """Be the only supervisor of this data folder.

    Raises:
        AlreadyRunning: If there is another; the message says which process.
    """
    profile_dir.mkdir(parents=True, exist_ok=True)
    with (profile_dir / "supervisor.lock").open("a+", encoding="utf-8") as file:
        if not _try_lock(file, fcntl.LOCK_EX):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Overround already runs on {profile_dir}, as process {holder}: stop that one first, "
                "or see `overround status`"
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def hold_use(profile_dir: Path, *, is_exclusive: bool = False) -> Iterator[None]:
    """Tell a supervisor that stops when unused that it is being used; wait for the others to be the only user."""
    profile_dir.mkdir(parents=True, exist_ok=True)
    with (profile_dir / "users.lock").open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH)
        yield


def is_used(profile_dir: Path) -> bool:
    """Tell whether anybody holds a use."""
    with (profile_dir / "users.lock").open("a+", encoding="utf-8") as file:
        return not _try_lock(file, fcntl.LOCK_EX)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
