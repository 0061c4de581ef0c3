"""The servers that every integration test stands on."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from clickhouse_driver import Client
from confluent_kafka.admin import AdminClient

from infra.local.programs.postgres import prepare_data
from infra.migrations.kafka_migration import migrate_kafka, read_declarations
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Settings


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


def test_kafka_has_every_declared_topic_and_takes_the_steps_once(settings: Settings) -> None:
    topics = AdminClient({**settings.kafka_client}).list_topics(timeout=60).topics
    for declared in read_declarations(settings).values():
        assert len(topics[declared.name].partitions) == declared.partitions
    assert migrate_kafka(settings).startswith("0 of")


def test_clickhouse_answers_in_utc(settings: Settings, clickhouse_dsn: str) -> None:
    client = Client.from_url(clickhouse_dsn)
    try:
        assert client.execute("SELECT timezone(), currentDatabase()") == [("Etc/UTC", settings.clickhouse.database)]
    finally:
        client.disconnect()
