"""Real servers for the tests, on ports and data folders of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.locks import hold_use
from infra.local.state import read_running
from infra.settings import ROOT, TEST_PORT_OFFSET, Ports, Settings, load_settings
from tests.running_system import RunningSystem, launch_up, shut_down, start_afresh

MIGRATE_TIMEOUT_S = 60
LINGER_S = 15
SYSTEM_PORT_OFFSET = TEST_PORT_OFFSET + 300
POSTGRES = ROOT / "infra" / "postgres"
CLICKHOUSE = ROOT / "infra" / "migrations" / "clickhouse"


@pytest.fixture(scope="session")
def stack() -> Iterator[Settings]:
    """PostgreSQL, Redis, ClickHouse and Kafka, shared by test runs; they go soon after the last user.

    An edited migration or function gets a database of its own.
    """
    bare = load_settings("test")
    postgres = bare.postgres.model_copy(update={"database": f"overround_{_digest(POSTGRES)}"})
    clickhouse = bare.clickhouse.model_copy(update={"database": f"overround_{_digest(CLICKHOUSE)}"})
    settings = bare.model_copy(update={"postgres": postgres, "clickhouse": clickhouse})
    with hold_use(settings.profile_dir):
        record = read_running(settings.profile_dir)
        if record is None or not record.is_ready:
            launch_up(settings, "--only-servers", "--linger-s", str(LINGER_S))
        yield settings


@pytest.fixture(scope="session")
def settings(stack: Settings) -> Settings:
    """Settings of servers that have every migration, also those that came since the servers were started."""
    command = [sys.executable, "-m", "infra.cli", "migrate"]
    environment = {**os.environ, **stack.environment()}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=MIGRATE_TIMEOUT_S)
    return stack


@pytest.fixture(scope="session")
def postgres_dsn(settings: Settings) -> str:
    """The migrated PostgreSQL database."""
    return settings.postgres_dsn


@pytest.fixture(scope="session")
def redis_url(settings: Settings) -> str:
    """The Redis database."""
    return settings.redis_url


@pytest.fixture(scope="session")
def kafka_client(settings: Settings) -> dict[str, str]:
    """What lets a client in at the broker, which has every declared topic."""
    return settings.kafka_client


@pytest.fixture(scope="session")
def clickhouse_dsn(settings: Settings) -> str:
    """The migrated ClickHouse database."""
    return settings.clickhouse_dsn


@pytest.fixture(scope="session")
def system() -> Iterator[RunningSystem]:
    """The whole system on empty data, without the simulation; one test run at a time has it."""
    ports = Ports().shifted(SYSTEM_PORT_OFFSET)
    settings = load_settings("test").model_copy(update={"ports": ports, "data_dir": ROOT / ".local" / "e2e"})
    with hold_use(settings.data_dir, is_exclusive=True):
        yield start_afresh(settings, "--without-simulation")
        shut_down(settings)


def _digest(folder: Path) -> str:
    files = sorted(folder.rglob("*.sql"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
