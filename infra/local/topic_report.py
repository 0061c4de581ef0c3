"""`overround topics`: what the broker has, and whether that is what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.migrations.kafka_migration import TopicDeclaration, declare, read_configs
from infra.settings import Settings
from wire.topics import TOPICS

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it; messages counts offsets, so a compacted topic holds fewer."""

    name: str
    partitions: int
    offset_first: int
    offset_next: int
    config: Mapping[str, str]


def show_topics(settings: Settings, console: Console) -> int:
    """Print every topic; return 0 where all are as declared, otherwise 1."""
    try:
        found = read_topics(settings)
    except KafkaException as error:
        console.print(
            f"The broker at {settings.kafka_bootstrap} does not answer ({escape(error.args[0].str())}): `make run`"
        )
        return 1
    declared = {topic.name: declare(topic, settings) for topic in TOPICS}
    table = Table("topic", "partitions", "first", "next", "clean-up", "as declared", box=None, header_style="dim")
    complaints = {name: find_difference(topic, found.get(name)) for name, topic in declared.items()}
    for name in sorted(set(declared) | set(found)):
        table.add_row(*_row(name, found.get(name), complaints.get(name, "not declared: made by an app")))
    console.print(table)
    return 1 if any(complaints.values()) else 0


def find_difference(declared: TopicDeclaration, found: TopicState | None) -> str:
    """Say how a topic differs from its declaration; empty where it does not."""
    if found is None:
        return "missing: `overround migrate` creates it"
    if found.partitions != declared.partitions:
        return f"{declared.partitions} partitions declared"
    differences = [
        f"{name} is {found.config.get(name)}, declared {value}"
        for name, value in declared.config.items()
        if found.config.get(name) != value
    ]
    return "; ".join(differences)


def read_topics(settings: Settings) -> dict[str, TopicState]:
    """Ask the broker for its topics, without its own internal ones.

    Raises:
        KafkaException: If it does not answer.
    """
    admin = AdminClient({**settings.kafka_client, "log_level": 0})
    listed = admin.list_topics(timeout=TIMEOUT_S).topics
    counts = {name: len(topic.partitions) for name, topic in listed.items() if not name.startswith("__")}
    pairs = [(name, number) for name, count in counts.items() for number in range(count)]
    first = _read_offsets(admin, pairs, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    following = _read_offsets(admin, pairs, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    configs = read_configs(admin, counts)
    return {
        name: TopicState(name, count, first[name], following[name], configs[name]) for name, count in counts.items()
    }


def _read_offsets(admin: AdminClient, pairs: list[tuple[str, int]], spec: OffsetSpec) -> dict[str, int]:
    asked = {TopicPartition(name, number): spec for name, number in pairs}
    totals: dict[str, int] = {}
    for partition, future in admin.list_offsets(asked).items() if asked else ():
        totals[partition.topic] = totals.get(partition.topic, 0) + future.result(TIMEOUT_S).offset
    return totals


def _row(name: str, found: TopicState | None, complaint: str) -> tuple[str, ...]:
    verdict = f"[yellow]{complaint}[/]" if complaint else "[green]yes[/]"
    if found is None:
        return name, "", "", "", "", verdict
    policy = found.config.get("cleanup.policy", "")
    return name, str(found.partitions), str(found.offset_first), str(found.offset_next), policy, verdict
