"""Standard error as the log of a process: on a full disk lines are lost, and nothing else."""

from __future__ import annotations

import io
from typing import Final, TextIO

LOST: Final = '\n{{"event": "log.lines_lost", "level": "warning", "count": {count}}}\n'


class UnfailingLines(io.TextIOBase):
    """A stream that a line can always be given to.

    Whoever notes what happens must not fail of it: a loop that raised for want of room for a line ended with its work
    undone, and a thread that did left others waiting for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lost_count = 0

    def write(self, text: str) -> int:
        """Write, or count as lost what cannot be; how much was is told once there is room again."""
        try:
            if self._lost_count:
                self._file.write(LOST.format(count=self._lost_count))
                self._lost_count = 0
            self._file.write(text)
        except OSError:
            self._lost_count += text.count("\n")
        return len(text)

    def flush(self) -> None:
        """Have it written out, where that is possible."""
        try:
            self._file.flush()
        except OSError:
            self._lost_count = max(1, self._lost_count)
