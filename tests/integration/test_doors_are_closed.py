"""Every server on this machine lets nobody in without what the secrets file says."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import redis
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.local.launch import launch
from infra.local.programs.postgres import binaries, postgres_program, prepare_data
from infra.local.secrets import LocalSecrets
from infra.settings import ROOT, Ports, Settings
from tests.free_ports import free_port
from tests.told_secrets import places_that_tell_a_secret

WRONG = ("", "wrong", "overround", "postgres", "default")


@pytest.mark.parametrize("password", WRONG)
async def test_postgres_asks_for_the_password(settings: Settings, password: str) -> None:
    where: Any = {"host": settings.host, "port": settings.ports.postgres, "database": settings.postgres.database}
    for user in (settings.postgres.user, "postgres"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**where, user=user, password=password)


async def test_postgres_stores_no_password_that_can_be_read(settings: Settings, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        stored = await connection.fetchval(
            "SELECT rolpassword FROM pg_authid WHERE rolname = $1", settings.postgres.user
        )
        rules = await connection.fetch("SELECT type, auth_method FROM pg_hba_file_rules")
    finally:
        await connection.close()
    assert stored.startswith("SCRAM-SHA-256$")
    assert {rule["auth_method"] for rule in rules} == {"scram-sha-256"}


@pytest.mark.parametrize("earlier", ["trust", "another password"])
async def test_a_folder_from_before_is_given_the_password(tmp_path: Path, earlier: str) -> None:
    data, port = tmp_path / "postgres", free_port()
    prepare_data(data, "overround", "the-earlier-password")
    if earlier == "trust":
        (data / "pg_hba.conf").write_text("host all all all trust\n", encoding="utf-8")
    prepare_data(data, "overround", "the-new-password")
    settings = Settings(data_dir=tmp_path, ports=Ports(postgres=port))
    program = dataclasses.replace(postgres_program(settings), command=(), working_dir=data)
    options = ["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    command = (str(binaries() / "postgres"), "-D", str(data), *options)
    process = await launch(dataclasses.replace(program, command=command))
    try:
        connection = await connect_once_up(port, "the-new-password")
        await connection.close()
        for wrong in ("the-earlier-password", ""):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(
                    host="127.0.0.1", port=port, user="overround", password=wrong, database="postgres"
                )
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


async def connect_once_up(port: int, password: str) -> asyncpg.Connection[asyncpg.Record]:
    for _ in range(1_000):
        try:
            return await asyncpg.connect(
                host="127.0.0.1", port=port, user="overround", password=password, database="postgres"
            )
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.1)
    raise AssertionError("PostgreSQL did not start")


@pytest.mark.parametrize("password", [None, *WRONG])
def test_redis_asks_for_the_password(settings: Settings, password: str | None) -> None:
    at_once = Retry(NoBackoff(), 0)
    client: Any = redis.Redis(host=settings.host, port=settings.ports.redis, password=password, retry=at_once)
    with pytest.raises((redis.AuthenticationError, redis.ResponseError)):
        client.set("session:0", "forged")
    client.close()


@pytest.mark.parametrize("password", WRONG)
def test_clickhouse_asks_for_the_password(settings: Settings, password: str) -> None:
    client = Client(host=settings.host, port=settings.ports.clickhouse, user="default", password=password)
    with pytest.raises(ServerException, match="assword"):
        client.execute("SELECT 1")
    client.disconnect()


@pytest.mark.parametrize("parameters", [{}, {"user": "default"}, {"user": "default", "password": "wrong"}])
async def test_a_web_page_cannot_write_to_clickhouse(settings: Settings, parameters: dict[str, str]) -> None:
    url = f"http://{settings.host}:{settings.ports.clickhouse_http}/"
    headers = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    statement = "CREATE DATABASE x"
    async with (
        aiohttp.ClientSession(headers=headers) as page,
        page.post(url, params=parameters, data=statement) as answer,
    ):
        assert answer.status in {401, 500}
        assert "assword" in await answer.text()
    client = Client.from_url(settings.clickhouse_dsn)
    assert ("x",) not in client.execute("SHOW DATABASES")
    client.disconnect()


@pytest.mark.parametrize(
    "changes", [{"security.protocol": "PLAINTEXT"}, {"sasl.password": "wrong"}, {"sasl.username": "admin"}]
)
@pytest.mark.parametrize("door", ["kafka", "kafka_controller"])
def test_kafka_asks_for_the_password(settings: Settings, door: str, changes: dict[str, str]) -> None:
    where = {"bootstrap.servers": f"{settings.host}:{getattr(settings.ports, door)}", "log_level": "0"}
    admin = AdminClient({**settings.kafka_client, **where, **changes})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=2)


def test_what_holds_secrets_is_for_this_user_alone(settings: Settings) -> None:
    folder = settings.profile_dir
    for name in ("secrets.json", "redis/redis.conf", "kafka/server.properties", "clickhouse/users.xml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    (folder / "secrets.json").chmod(0o644)
    LocalSecrets.load(settings)
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_no_secret_is_on_a_command_line_in_an_environment_or_in_a_log(settings: Settings) -> None:
    assert places_that_tell_a_secret(settings) == []


def test_addresses_carry_what_lets_us_in(settings: Settings) -> None:
    secrets = LocalSecrets.load(settings)
    assert urlsplit(settings.postgres_dsn).password == secrets.postgres_password
    assert urlsplit(settings.redis_url).password == secrets.redis_password
    assert urlsplit(settings.clickhouse_dsn).password == secrets.clickhouse_password


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.com"])  # noqa: S104 (refused)
def test_a_host_that_others_reach_is_refused_without_passwords(tmp_path: Path, host: str) -> None:
    environment = {**os.environ, "OVERROUND_HOST": host, "OVERROUND_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "infra.cli", "up", "--only-servers"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 1
    assert f"Host {host} can be reached by others" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "local" / "secrets.json").exists()
