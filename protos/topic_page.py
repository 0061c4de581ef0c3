"""What `wire/topics.py` says of the log, for readers: `python -m protos.topic_page FOLDER`.

A program of its own, so that it can be run on messages that have just been generated.
"""

from __future__ import annotations

import sys
from pathlib import Path

from protos.market_words import table_row
from wire.topics import DAY_MS, HOUR_MS, TOPICS, Topic

ORIGIN = "Generated from `wire/topics.py` by `python protos/generate.py`; do not edit."
HEADS = ("topic", "key", "value", "written by", "read by", "kept")


def write_topic_page(out: Path) -> None:
    """Write all topics as a table."""
    lines = ["# Topics of the log", "", ORIGIN, "", table_row(HEADS), table_row(["---"] * len(HEADS))]
    lines += [table_row(_cells(topic)) for topic in TOPICS]
    (out / "topics.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def describe_keeping(topic: Topic) -> str:
    """Say how long values are kept."""
    if topic.kept_ms is None:
        return "for ever"
    length = _length(topic.kept_ms)
    if not topic.is_compacted:
        bound = f", at most {topic.kept_bytes_max // 2**20} MB a partition" if topic.kept_bytes_max else ""
        return f"{length}{bound}"
    last = f"last of each {topic.key}" + ("; a tombstone at its end" if topic.has_end else "")
    return f"every value {length}, then {last}" if topic.kept_ms else last


def _cells(topic: Topic) -> list[str]:
    return [
        f"`{topic.name}`",
        topic.key + (", 1 partition" if topic.is_whole else ""),
        f"`{topic.message.DESCRIPTOR.full_name.removeprefix('overround.')}`",
        topic.written_by,
        topic.read_by,
        describe_keeping(topic),
    ]


def _length(kept_ms: int) -> str:
    return f"{kept_ms // DAY_MS} days" if kept_ms > 2 * DAY_MS else f"{kept_ms // HOUR_MS} h"


if __name__ == "__main__":
    write_topic_page(Path(sys.argv[1]))
