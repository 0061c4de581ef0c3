"""The servers that every integration test stands on."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from clickhouse_driver import Client
from confluent_kafka.admin import AdminClient

from infra.local.programs.postgres import prepare_data
from infra.migrations.kafka_migration import declare, migrate_kafka, read_configs
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Settings
from tests.running_system import wait_until
from wire.topics import HOUR_MS, LEDGER_ANCHORS, TOPICS


async def test_postgres_is_durable_and_migrated_once(settings: Settings, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        before = await connection.fetchval("SELECT count(*) FROM migration")
        assert migrate_postgres(settings).startswith("0 of")
        assert await connection.fetchval("SELECT count(*) FROM migration") == before
    finally:
        await connection.close()


def test_a_file_system_of_its_own_may_be_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "postgres"
    data.mkdir()

    def refuse(path: str, **_options: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", path)

    with monkeypatch.context() as mounted:
        mounted.setattr(os, "rmdir", refuse)
        prepare_data(data, "overround", "a password")
    assert (data / "PG_VERSION").exists()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


async def test_redis_keeps_an_append_only_file_within_bounded_memory(settings: Settings, redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        configuration = await client.config_get("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")
    assert configuration == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(settings.redis.memory_mb_max * 1024 * 1024),
        "maxmemory-policy": "noeviction",
    }


def test_kafka_has_every_topic_as_it_is_said_and_nothing_is_left_to_do(settings: Settings) -> None:
    admin = AdminClient({**settings.kafka_client})
    counts = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=60).topics.items()}
    for topic in TOPICS:
        declared = declare(topic, settings)
        assert counts[declared.name] == declared.partitions
        assert declared.config.items() <= read_configs(admin, [declared.name])[declared.name].items()
    assert migrate_kafka(settings) == f"0 of {len(TOPICS)} topics were new, 0 had changed"


def test_a_topic_that_is_said_otherwise_than_it_was_is_set_and_what_an_operator_set_stays(settings: Settings) -> None:
    admin = AdminClient({**settings.kafka_client})
    name = f"test.{uuid.uuid4().hex}.v1"
    before = replace(LEDGER_ANCHORS, name=name, broker={"max.message.bytes": "1234567"})
    after = replace(LEDGER_ANCHORS, name=name, kept_ms=HOUR_MS)
    try:
        assert migrate_kafka(settings, topics=[before]) == "1 of 1 topics were new, 0 had changed"
        wait_until(lambda: name in admin.list_topics(timeout=60).topics, 60, lambda: name)
        assert migrate_kafka(settings, topics=[after]) == "0 of 1 topics were new, 1 had changed"
        found = read_configs(admin, [name])[name]
        assert (found["retention.ms"], found["max.message.bytes"]) == (str(HOUR_MS), "1234567")
        assert migrate_kafka(settings, topics=[after]) == "0 of 1 topics were new, 0 had changed"
    finally:
        for future in admin.delete_topics([name]).values():
            future.result(60)


def test_clickhouse_answers_in_utc(settings: Settings, clickhouse_dsn: str) -> None:
    client = Client.from_url(clickhouse_dsn)
    try:
        assert client.execute("SELECT timezone(), currentDatabase()") == [("Etc/UTC", settings.clickhouse.database)]
    finally:
        client.disconnect()
