"""Topics are said once, and what makes them and describes them agrees."""

from __future__ import annotations

import re

import pytest

from infra.migrations.kafka_migration import TopicDeclaration, read_declarations
from infra.settings import ROOT, load_settings
from wire.topics import DAY_MS, HOUR_MS, TOPICS, Topic

OURS = ("bets", "gateway", "infra", "kernel", "loadtests", "markets", "odds", "pam", "risk", "simulation", "streams")
FOLDERS = (*OURS, "tests", "wallet", "wire")
HOME = ROOT / "wire" / "topics.py"
PARTITIONS = load_settings("local").kafka.partitions
ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<key>[^|]+) \| `(?P<message>[^`]+)` \|.*\| (?P<kept>[^|]+) \|$", re.M)

ids = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@pytest.fixture(scope="module")
def declared() -> dict[str, TopicDeclaration]:
    return read_declarations(load_settings("local"))


@pytest.fixture(scope="module")
def described() -> dict[str, re.Match[str]]:
    return {row["name"]: row for row in ROW.finditer((ROOT / "docs" / "topics.md").read_text(encoding="utf-8"))}


def test_the_steps_make_every_topic_and_no_other(declared: dict[str, TopicDeclaration]) -> None:
    assert sorted(declared) == sorted(topic.name for topic in TOPICS)


@ids
def test_the_steps_make_a_topic_as_it_is_said(declared: dict[str, TopicDeclaration], topic: Topic) -> None:
    made = declared[topic.name]
    assert made.partitions == (1 if topic.is_whole else PARTITIONS)
    assert made.config["cleanup.policy"] == ("compact" if topic.is_compacted else "delete")
    if topic.is_compacted:
        assert int(made.config.get("min.compaction.lag.ms", "0")) == topic.kept_ms
    else:
        assert int(made.config["retention.ms"]) == (-1 if topic.kept_ms is None else topic.kept_ms)


def test_every_topic_is_described_and_no_other(described: dict[str, re.Match[str]]) -> None:
    assert list(described) == [topic.name for topic in TOPICS]


@ids
def test_a_topic_is_described_as_it_is_said(described: dict[str, re.Match[str]], topic: Topic) -> None:
    row = described[topic.name]
    assert row["key"] == topic.key + (", 1 partition" if topic.is_whole else "")
    assert row["message"] == topic.message.DESCRIPTOR.full_name.removeprefix("overround.")
    assert re.split("[,;] ", row["kept"])[: len(_kept(topic))] == _kept(topic)


def test_no_other_file_spells_the_name_of_a_topic() -> None:
    quoted = re.compile("|".join(f'"{re.escape(topic.name)}"' for topic in TOPICS))
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path != HOME]
    assert [str(path) for path in files if quoted.search(path.read_text(encoding="utf-8"))] == []


def _kept(topic: Topic) -> list[str]:
    last = [f"{'then ' if topic.kept_ms else ''}last of each {topic.key}"] if topic.is_compacted else []
    if topic.kept_ms is None:
        return ["for ever"]
    if not topic.kept_ms:
        return last
    is_days = topic.kept_ms > 2 * DAY_MS
    length = f"{topic.kept_ms // DAY_MS} days" if is_days else f"{topic.kept_ms // HOUR_MS} h"
    return [f"every version {length}" if topic.is_compacted else length, *last]
