"""Kafka: every topic of `wire/topics.py` is made, and has what is said there; what else an operator set on it stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from infra.settings import Settings
from kernel.errors import InvariantBroken
from wire.topics import HOUR_MS, TOPICS, Topic

TIMEOUT_S = 20.0
SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""Of what ends by time: a segment goes whole, so this is also how much too much there may be."""
LAST_SEGMENT_BYTES: Final = 32 * 1024 * 1024
"""Of topics that have the last of each key: the newest segment is not compacted, and whoever reads all reads it too."""
LAST_SEGMENT_MS: Final = HOUR_MS // 6
SEGMENTS_KEPT: Final = 6
"""In how many segments what is kept for a time stands at least."""


class PartitionsDiffer(InvariantBroken):
    """A topic has more or fewer partitions than declared; keys would be looked for where they are not."""


@dataclass(frozen=True, slots=True)
class TopicDeclaration:
    """A topic as the broker is told of it."""

    name: str
    partitions: int
    config: Mapping[str, str]


def declare(topic: Topic, settings: Settings) -> TopicDeclaration:
    """Say a topic in Kafka's words."""
    rule = _compacted(topic.kept_ms or 0) if topic.is_compacted else _ended(topic.kept_ms, topic.kept_bytes_max)
    config = {"compression.type": "producer", **{name: str(value) for name, value in rule.items()}, **topic.broker}
    return TopicDeclaration(topic.name, 1 if topic.is_whole else settings.kafka.partitions, config)


def migrate_kafka(settings: Settings, *, topics: Iterable[Topic] = TOPICS) -> str:
    """Create the topics that are missing, configure those that differ; return a line about it.

    Raises:
        PartitionsDiffer: If a topic that exists does not have the partitions declared; nothing is changed then.
    """
    admin = AdminClient({**settings.kafka_client})
    declared = [declare(topic, settings) for topic in topics]
    counts = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=TIMEOUT_S).topics.items()}
    expect_partitions(declared, counts)
    missing = [topic for topic in declared if topic.name not in counts]
    existing = [topic for topic in declared if topic.name in counts]
    found = read_configs(admin, [topic.name for topic in existing])
    differing = [topic for topic in existing if not topic.config.items() <= found[topic.name].items()]
    _create(admin, settings, missing)
    _configure(admin, differing)
    return f"{len(missing)} of {len(declared)} topics were new, {len(differing)} had changed"


def read_configs(admin: AdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what the broker says of topics that it has, by name."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = admin.describe_configs(resources) if resources else {}
    return {
        resource.name: {name: entry.value for name, entry in future.result(TIMEOUT_S).items()}
        for resource, future in found.items()
    }


def expect_partitions(declared: Iterable[TopicDeclaration], counts: Mapping[str, int]) -> None:
    """Compare declarations with the number of partitions of each topic that exists.

    Raises:
        PartitionsDiffer: At the first topic that differs.
    """
    for topic in declared:
        found = counts.get(topic.name, topic.partitions)
        if found != topic.partitions:
            raise PartitionsDiffer(
                f"Topic {topic.name} must have {topic.partitions} partitions, has {found}: "
                f"OVERROUND_KAFKA__PARTITIONS={found} goes on with its data, `overround clean-data` begins anew"
            )


def _compacted(kept_ms: int) -> dict[str, object]:
    segment_ms = HOUR_MS if kept_ms else LAST_SEGMENT_MS
    return {
        "cleanup.policy": "compact",
        "segment.bytes": SEGMENT_BYTES if kept_ms else LAST_SEGMENT_BYTES,
        "segment.ms": segment_ms,
        "min.cleanable.dirty.ratio": 0.2,
        "min.compaction.lag.ms": kept_ms,
        "max.compaction.lag.ms": kept_ms + 3 * segment_ms,
        "delete.retention.ms": HOUR_MS,
    }


def _ended(kept_ms: int | None, kept_bytes_max: int | None) -> dict[str, object]:
    always = {"cleanup.policy": "delete", "retention.bytes": kept_bytes_max or -1}
    if kept_ms is None:
        return {**always, "retention.ms": -1}
    return {
        **always,
        "retention.ms": kept_ms,
        "segment.bytes": SEGMENT_BYTES,
        "segment.ms": kept_ms // SEGMENTS_KEPT,
    }


def _create(admin: AdminClient, settings: Settings, topics: list[TopicDeclaration]) -> None:
    if not topics:
        return
    factor = settings.kafka.replication_factor
    new = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=factor, config=dict(topic.config))
        for topic in topics
    ]
    for future in admin.create_topics(new, operation_timeout=TIMEOUT_S).values():
        _expect_created(future)


def _configure(admin: AdminClient, topics: list[TopicDeclaration]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in topic.config.items()
            ],
        )
        for topic in topics
    ]
    if resources:
        _wait(admin.incremental_alter_configs(resources))


def _wait(futures: Mapping[Any, Future[Any]]) -> None:
    for future in futures.values():
        future.result(timeout=TIMEOUT_S)


def _expect_created(future: Future[None]) -> None:
    """A broker that has just started may not list a topic yet, and still refuse to create it again."""
    try:
        future.result(timeout=TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
