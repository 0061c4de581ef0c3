"""Recorded feeds on disk, message by message."""

from __future__ import annotations

import bz2
import gzip
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from gateway.feeds.format import FeedFormat
from gateway.feeds.formats import FORMATS
from gateway.feeds.reading import RAW_BYTES_MAX

_SNIFFED_BYTES: Final = 64
FOLDERS_NAMED_MAX: Final = 8


class ReplayImpossible(ValueError):
    """What was asked for cannot be replayed; the message says what can."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of messages of one feed."""

    path: Path
    format: FeedFormat

    def messages(self) -> Iterator[bytes]:
        """Yield the messages in order; of one that is too long, enough to be refused."""
        with _open(self.path) as file:
            if self.format.is_by_line:
                yield from _lines(file)
            else:
                yield file.read(RAW_BYTES_MAX + 1)

    def time_ms_of(self, raw: bytes) -> int | None:
        """Return the provider's time stamp of a message, milliseconds since the Unix epoch; None where it has none."""
        return self.format.time_ms_of(raw)


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
            known = ", ".join(sorted(known.name for known in FORMATS.values()))
            raise ReplayImpossible(f"Expected one of these at {path}: {known}{_folders_below(path)}")
        recordings += found
    return recordings


def in_order_of_time(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, bytes]]:
    """Yield the messages of recordings with where each is from: those of many messages as they came beside each other.

    Files of one message come one after the other, before them.
    """
    for recording in recordings:
        if not recording.format.is_by_line:
            yield from ((recording, raw) for raw in recording.messages())
    streams = [_timed(recording) for recording in recordings if recording.format.is_by_line]
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
    known = FORMATS.get(start[:1])
    return None if known is None else Recording(path, known)


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
