"""Keep logs bounded: a program's log and the one before it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

LOG_BYTES_MAX = 16_777_216


def bound_logs(paths: Iterable[Path], *, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Move what a too large log holds to `<name>.1` and empty it; its program goes on appending."""
    for path in paths:
        if path.exists() and path.stat().st_size > bytes_max:
            shutil.copyfile(path, path.with_suffix(path.suffix + ".1"))
            os.truncate(path, 0)
