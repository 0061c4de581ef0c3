"""A full disk under the log: whoever notes something goes on with its work."""

from __future__ import annotations

import errno
import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.processes.health import configure_logging
from infra.processes.unfailing_lines import UnfailingLines


class Disk(io.StringIO):
    """A file on a disk that may be full; a line is written out with its end."""

    is_full = False

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)

    def flush(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def logs() -> Iterator[None]:
    """Leave the log as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.usefixtures("logs")
def test_who_logs_on_a_full_disk_goes_on_and_what_was_lost_is_told_when_there_is_room() -> None:
    disk = Disk()
    configure_logging(file=disk)
    ours, foreign = structlog.get_logger("ours"), logging.getLogger("foreign")
    ours.info("first")
    disk.is_full = True
    for _ in range(3):
        ours.warning("lost")
    foreign.warning("lost too")
    disk.is_full = False
    ours.info("second")
    text = disk.getvalue()
    assert "first" in text
    assert "second" in text
    assert '{"event": "log.lines_lost", "level": "warning", "count": 4}' in text.splitlines()


def test_a_line_that_fails_when_it_is_written_out_is_no_error_either() -> None:
    disk = Disk()
    lines = UnfailingLines(disk)
    lines.write("kept")
    disk.is_full = True
    lines.flush()
    disk.is_full = False
    lines.write("more")
    assert disk.getvalue().startswith("kept")
    assert disk.getvalue().endswith("more")
    assert "log.lines_lost" in disk.getvalue()
