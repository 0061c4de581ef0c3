"""Recorded feeds on disk, message by message."""

from __future__ import annotations

import bz2
import gzip
import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from gateway.feeds.reading import RAW_BYTES_MAX

Format = Literal["uof", "betfair"]

_STREAM_TIME = re.compile(rb'"pt"\s*:\s*([0-9]{1,15})')
_XML_TIME = re.compile(rb'\btimestamp="([0-9]{1,15})"')
_SNIFFED_BYTES: Final = 64
FOLDERS_NAMED_MAX: Final = 8


class ReplayImpossible(ValueError):
    """What was asked for cannot be replayed; the message says what can."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of messages of one feed."""

    path: Path
    format: Format

    def messages(self) -> Iterator[bytes]:
        """Yield the messages in order; of one that is too long, enough to be refused."""
        with _open(self.path) as file:
            if self.format == "uof":
                yield file.read(RAW_BYTES_MAX + 1)
            else:
                yield from _lines(file)

    def time_ms_of(self, raw: bytes) -> int | None:
        """Return the provider's time stamp of a message, milliseconds since the Unix epoch; None where it has none."""
        found = (_XML_TIME if self.format == "uof" else _STREAM_TIME).search(raw)
        return None if found is None else int(found[1])


def find_recordings(paths: Sequence[Path]) -> list[Recording]:
    """Return the recordings in files and folders, those of a folder in name order; other files in it are passed over.

    Raises:
        ReplayImpossible: If a path is nothing that can be replayed.
    """
    recordings = []
    for path in paths:
        if path.is_dir():
            found = [item for file in sorted(path.iterdir()) if file.is_file() and (item := _recognise(file))]
        else:
            found = [item] if path.is_file() and (item := _recognise(path)) else []
        if not found:
            raise ReplayImpossible(
                f"Expected an odds feed (XML) or an exchange stream (JSON lines) at {path}{_folders_below(path)}"
            )
        recordings += found
    return recordings


def in_order_of_time(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, bytes]]:
    """Yield the messages of recordings with where each is from: the exchange's streams as they came beside each other.

    Others come one file after the other, before them.
    """
    for recording in recordings:
        if recording.format != "betfair":
            yield from ((recording, raw) for raw in recording.messages())
    streams = [_timed(recording) for recording in recordings if recording.format == "betfair"]
    for _, recording, raw in heapq.merge(*streams, key=lambda message: message[0]):
        yield recording, raw


def _timed(recording: Recording) -> Iterator[tuple[int, Recording, bytes]]:
    """Yield messages with their times; one that has none came with the one before."""
    time_ms = 0
    for raw in recording.messages():
        time_ms = max(time_ms, recording.time_ms_of(raw) or 0)
        yield time_ms, recording, raw


def _folders_below(path: Path) -> str:
    """Name some folders that may have been meant."""
    names = sorted(below.name for below in path.iterdir() if below.is_dir()) if path.is_dir() else []
    return f"; its folders are to be named one by one: {', '.join(names[:FOLDERS_NAMED_MAX])}" if names else ""


def _recognise(path: Path) -> Recording | None:
    try:
        with _open(path) as file:
            start = file.read(_SNIFFED_BYTES).lstrip(b"\xef\xbb\xbf \r\n\t")
    except (OSError, EOFError):
        return None
    if start.startswith(b"<"):
        return Recording(path, "uof")
    return Recording(path, "betfair") if start.startswith(b"{") else None


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".bz2":
        return bz2.open(path)  # type: ignore[return-value] # reads bytes as a BinaryIO does
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value] # likewise
    return path.open("rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(RAW_BYTES_MAX + 2):
        is_whole = line.endswith(b"\n") or len(line) <= RAW_BYTES_MAX
        if stripped := line.strip():
            yield stripped
        while not is_whole and (rest := file.readline(RAW_BYTES_MAX)):
            is_whole = rest.endswith(b"\n")
