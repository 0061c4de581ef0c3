"""A provider's format comes in by one file: what replays it names none of them."""

from __future__ import annotations

import bz2
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.feeds.formats import FORMATS, by_first_byte
from infra.replay_source import ReplayImpossible, find_recordings
from kernel.errors import InvariantBroken


@pytest.mark.parametrize("known", FORMATS.values(), ids=lambda known: known.name)
def test_recordings_are_told_by_their_first_byte(tmp_path: Path, *, known: object) -> None:
    (first_byte,) = (start for start, other in FORMATS.items() if other is known)
    lines = first_byte + b"1\n\n" + first_byte + b"2\n"
    (tmp_path / "plain").write_bytes(b"\xef\xbb\xbf \n" + lines)
    (tmp_path / "packed.bz2").write_bytes(bz2.compress(lines))
    (tmp_path / "other").write_bytes(b"MIT License")
    recordings = find_recordings([tmp_path])
    assert [(recording.path.name, recording.format) for recording in recordings] == [
        ("packed.bz2", known),
        ("plain", known),
    ]
    messages = list(recordings[0].messages())
    assert messages == ([first_byte + b"1", first_byte + b"2"] if FORMATS[first_byte].is_by_line else [lines])


def test_what_is_no_recording_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    with pytest.raises(ReplayImpossible) as refused:
        find_recordings([tmp_path])
    assert all(known.name in str(refused.value) for known in FORMATS.values())


def test_two_formats_that_begin_alike_are_not_registered() -> None:
    known = next(iter(FORMATS.values()))
    with pytest.raises(InvariantBroken, match="byte of its own"):
        by_first_byte([known, replace(known, name="another")])
    with pytest.raises(InvariantBroken, match="byte of its own"):
        by_first_byte([replace(known, begins_with=b"ab")])
