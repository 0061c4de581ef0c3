"""Throw the data of a profile away."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.local.locks import hold_supervisor_lock
from infra.local.state import end_leftovers


def throw_away(profile_dir: Path) -> None:
    """Delete everything a profile keeps: databases, topics, logs, secrets.

    Raises:
        AlreadyRunning: If the system runs on it.
    """
    with hold_supervisor_lock(profile_dir):
        end_leftovers(profile_dir)
        shutil.rmtree(profile_dir)
