"""The data folder of a profile: whether it can be used, and how it is thrown away."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from infra.local.locks import hold_supervisor_lock
from infra.local.state import end_leftovers

ROOM_MB_MIN = 300  # an empty system takes 50, its servers write more before they free any
BYTES_PER_MB = 1_000_000


class DataFolderRefused(Exception):
    """The data folder cannot be used; the message says why, and what would do."""


def expect_usable(profile_dir: Path) -> None:
    """Return where the folder can be written to and has room.

    Raises:
        DataFolderRefused: If not.
    """
    try:
        profile_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=profile_dir):
            free_mb = shutil.disk_usage(profile_dir).free // BYTES_PER_MB
    except OSError as error:
        raise DataFolderRefused(
            f"{profile_dir} must be a folder that can be written to, but: {error.strerror}. "
            "Mend that, or name another folder by OVERROUND_DATA_DIR"
        ) from None
    if free_mb < ROOM_MB_MIN:
        raise DataFolderRefused(
            f"{profile_dir} must have {ROOM_MB_MIN} MB free, has {free_mb} MB: make room, "
            "or name another folder by OVERROUND_DATA_DIR"
        )


def throw_away(profile_dir: Path) -> None:
    """Delete everything a profile keeps: databases, topics, logs, secrets.

    Raises:
        AlreadyRunning: If the system runs on it.
    """
    with hold_supervisor_lock(profile_dir):
        end_leftovers(profile_dir)
        shutil.rmtree(profile_dir)
