"""A topic is said once: what the broker is told of it follows, and every one that is named is made."""

from __future__ import annotations

import re
from dataclasses import replace

import wire.topics
from infra.migrations.kafka_migration import declare
from infra.settings import ROOT, load_settings
from overround.wallet.v1.anchor_pb2 import LedgerAnchor
from protos.topic_page import describe_keeping
from wire.topics import DAY_MS, HOUR_MS, TOPICS, Topic

OURS = ("bets", "gateway", "infra", "kernel", "loadtests", "markets", "odds", "pam", "risk", "simulation", "streams")
FOLDERS = (*OURS, "studies", "tests", "wallet", "wire")
HOME = ROOT / "wire" / "topics.py"
SETTINGS = load_settings("local")
FOR_EVER = Topic(
    name="a.b.v1", key="chain", message=LedgerAnchor, written_by="a writer", read_by="a reader", kept_ms=None
)
FOR_AN_HOUR = replace(FOR_EVER, kept_ms=HOUR_MS)
LAST_OF_EACH = replace(FOR_EVER, kept_ms=0, is_compacted=True, has_end=True)


def config_of(topic: Topic) -> dict[str, str]:
    return dict(declare(topic, SETTINGS).config)


def test_every_topic_that_has_a_name_is_made_and_none_twice() -> None:
    named = [value for value in vars(wire.topics).values() if isinstance(value, Topic)]
    assert sorted(topic.name for topic in named) == sorted({topic.name for topic in set(TOPICS)})


def test_what_is_kept_for_ever_goes_by_neither_time_nor_size() -> None:
    config = config_of(FOR_EVER)
    assert (config["cleanup.policy"], config["retention.ms"], config["retention.bytes"]) == ("delete", "-1", "-1")
    assert "segment.ms" not in config


def test_what_is_kept_for_a_time_goes_within_a_sixth_of_it() -> None:
    config = config_of(FOR_AN_HOUR)
    assert (config["cleanup.policy"], config["retention.ms"], config["retention.bytes"]) == ("delete", "3600000", "-1")
    assert config["segment.ms"] == "600000"
    assert config_of(replace(FOR_AN_HOUR, kept_bytes_max=5))["retention.bytes"] == "5"


def test_of_what_is_compacted_the_last_of_each_key_stays_and_the_others_for_as_long_as_is_said() -> None:
    config = config_of(LAST_OF_EACH)
    assert (config["cleanup.policy"], config["min.compaction.lag.ms"]) == ("compact", "0")
    assert config["max.compaction.lag.ms"] == "1800000"
    longer = config_of(replace(LAST_OF_EACH, kept_ms=2 * HOUR_MS))
    assert longer["min.compaction.lag.ms"] == "7200000"
    assert int(longer["max.compaction.lag.ms"]) > 7_200_000
    assert not {"retention.ms", "retention.bytes"} & (config.keys() | longer.keys())


def test_a_topic_has_one_partition_or_as_many_as_the_settings_say() -> None:
    assert declare(FOR_EVER, SETTINGS).partitions == SETTINGS.kafka.partitions
    assert declare(replace(FOR_EVER, is_whole=True), SETTINGS).partitions == 1


def test_what_is_said_beside_the_rule_stands_over_it() -> None:
    assert config_of(FOR_EVER)["compression.type"] == "producer"
    assert config_of(replace(FOR_EVER, broker={"compression.type": "lz4"}))["compression.type"] == "lz4"


def test_the_page_says_how_long_each_kind_is_kept() -> None:
    assert describe_keeping(FOR_EVER) == "for ever"
    assert describe_keeping(FOR_AN_HOUR) == "1 h"
    assert describe_keeping(replace(FOR_EVER, kept_ms=7 * DAY_MS, kept_bytes_max=2**27)) == (
        "7 days, at most 128 MB a partition"
    )
    assert describe_keeping(LAST_OF_EACH) == "last of each chain; a tombstone at its end"
    assert describe_keeping(replace(LAST_OF_EACH, kept_ms=48 * HOUR_MS, has_end=False)) == (
        "every value 48 h, then last of each chain"
    )


def test_no_other_file_spells_the_name_of_a_topic() -> None:
    quoted = re.compile("|".join(f'"{re.escape(topic.name)}"' for topic in TOPICS))
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path != HOME]
    assert [str(path) for path in files if quoted.search(path.read_text(encoding="utf-8"))] == []
