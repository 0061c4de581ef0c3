"""Kafka: the numbered .toml files of `kafka/`, each a list of topics to create or to configure anew.

What was applied is recorded in a compacted topic of the broker itself, so that a broker that lost its data is set up
again from the beginning.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from infra.kafka_read_back import read_to_ends, reader_of
from infra.migrations.steps import Step, describe_pending, read_steps
from infra.settings import Settings
from kernel.errors import InvariantBroken

STEPS = Path(__file__).parent / "kafka"
RECORD_TOPIC = "platform.migrations.v1"
RECORD_CONFIG = {"cleanup.policy": "compact"}
TIMEOUT_S = 20.0
RETRY_S = 0.1


class PartitionsDiffer(InvariantBroken):
    """A topic has more or fewer partitions than declared; keys would be looked for where they are not."""


@dataclass(frozen=True, slots=True)
class TopicDeclaration:
    """A topic as the steps declare it."""

    name: str
    partitions: int
    config: Mapping[str, str]


def migrate_kafka(settings: Settings, *, steps_dir: Path = STEPS) -> str:
    """Create or configure what new steps declare, and what is missing; return a line about it.

    Raises:
        PartitionsDiffer: If a topic that exists does not have the partitions declared; nothing is changed then.
    """
    admin = AdminClient({**settings.kafka_client})
    declared = read_declarations(settings, steps_dir=steps_dir)
    counts = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=TIMEOUT_S).topics.items()}
    expect_partitions(declared.values(), counts)
    existing = set(counts)
    record = TopicDeclaration(RECORD_TOPIC, 1, RECORD_CONFIG)
    if record.name not in existing:
        _create(admin, settings, [record])
    taken = _read_record(settings)
    steps = read_steps(steps_dir, "*.toml")
    pending = [step for step in steps if step.name not in taken]
    _create(admin, settings, [topic for topic in declared.values() if topic.name not in existing])
    changed = {topic.name for step in pending for topic in _read_step(step, settings)} & existing & declared.keys()
    _configure(admin, [declared[name] for name in sorted(changed)])
    _write_record(settings, [step.name for step in pending])
    return describe_pending(pending, steps)


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


def read_declarations(settings: Settings, *, steps_dir: Path = STEPS) -> dict[str, TopicDeclaration]:
    """Return every topic as the last step that names it declares it; one that a step retires is nobody's any more."""
    declared: dict[str, TopicDeclaration] = {}
    for step in read_steps(steps_dir, "*.toml"):
        declared |= {topic.name: topic for topic in _read_step(step, settings)}
        for name in tomllib.loads(step.text).get("retired", ()):
            del declared[name]
    return declared


def _read_step(step: Step, settings: Settings) -> list[TopicDeclaration]:
    topics: list[dict[str, Any]] = tomllib.loads(step.text).get("topic", [])
    return [
        TopicDeclaration(topic["name"], topic.get("partitions", settings.kafka.partitions), topic.get("config", {}))
        for topic in topics
    ]


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
        if topic.config
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


def _read_record(settings: Settings) -> set[str]:
    """A broker that has just made the topic may not have it yet."""
    place = TopicPartition(RECORD_TOPIC, 0, OFFSET_BEGINNING)
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            with reader_of(settings.kafka_client, client_id="migrate") as consumer:
                messages = read_to_ends(consumer, [place], silence_s=TIMEOUT_S)
                return {(message.key() or b"").decode() for message in messages}
        except KafkaException:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(RETRY_S)


def _write_record(settings: Settings, names: list[str]) -> None:
    producer = Producer({**settings.kafka_client, "acks": "all"})
    for name in names:
        producer.produce(RECORD_TOPIC, key=name, value=json.dumps({"applied_time_s": int(time.time())}))
    if producer.flush(TIMEOUT_S):
        raise TimeoutError(f"{RECORD_TOPIC} did not take the record within {TIMEOUT_S:.0f} s")
