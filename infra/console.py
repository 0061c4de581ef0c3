"""Where the command line's tables go."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

PIPED_COLUMNS: Final = 100_000
"""Of output that no terminal shows: more than any row has."""


def whole_console() -> Console:
    """Return where tables go: they wrap to a terminal, and go whole into a file or another program."""
    return Console() if sys.stdout.isatty() else Console(width=PIPED_COLUMNS)
