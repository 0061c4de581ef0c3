"""Real servers for the tests: started once, shared by every test run that needs them, on ports of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.locks import hold_use
from infra.local.state import read_running
from infra.settings import ROOT, Settings, load_settings

START_TIMEOUT_S = 120
LINGER_S = 15
MIGRATIONS = ROOT / "infra" / "migrations"


@pytest.fixture(scope="session")
def stack() -> Iterator[Settings]:
    """PostgreSQL, Redis, ClickHouse and Kafka; they stop by themselves soon after the last user is gone."""
    settings = load_settings("test")
    with hold_use(settings.profile_dir):
        _start_servers(settings)
        yield settings


@pytest.fixture(scope="session")
def settings(stack: Settings) -> Settings:
    """Settings of migrated databases. An edited migration gets a database of its own."""
    postgres = stack.postgres.model_copy(update={"database": f"overround_{_digest('postgres', '*.sql')}"})
    clickhouse = stack.clickhouse.model_copy(update={"database": f"overround_{_digest('clickhouse', '*.sql')}"})
    prepared = stack.model_copy(update={"postgres": postgres, "clickhouse": clickhouse})
    command = [sys.executable, "-m", "infra.cli", "migrate"]
    environment = {**os.environ, **prepared.environment()}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=START_TIMEOUT_S)
    return prepared


@pytest.fixture(scope="session")
def postgres_dsn(settings: Settings) -> str:
    """The migrated PostgreSQL database."""
    return settings.postgres_dsn


@pytest.fixture(scope="session")
def redis_url(settings: Settings) -> str:
    """The Redis database."""
    return settings.redis_url


@pytest.fixture(scope="session")
def kafka_bootstrap(settings: Settings) -> str:
    """The broker, with every declared topic."""
    return settings.kafka_bootstrap


@pytest.fixture(scope="session")
def clickhouse_dsn(settings: Settings) -> str:
    """The migrated ClickHouse database."""
    return settings.clickhouse_dsn


def _start_servers(settings: Settings) -> None:
    """Have a supervisor running; of two that are started at once, one gives way to the other."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    output = settings.profile_dir / "supervisor.log"
    while not ((record := read_running(settings.profile_dir)) and record.is_ready):
        if record is None:
            _launch(settings, output)
        if time.monotonic() > deadline_s:
            pytest.fail(f"the servers did not start:\n{output.read_text()[-4000:]}", pytrace=False)
        time.sleep(0.2)


def _launch(settings: Settings, output: Path) -> None:
    """Start a supervisor that outlives this run, so that the next one finds it."""
    up = ["up", "--profile", "test", "--only-servers", "--linger-s", str(LINGER_S)]
    with output.open("w") as log:
        command = ["setsid", "--fork", sys.executable, "-m", "infra.cli", *up]
        subprocess.run(command, check=True, cwd=ROOT, stdout=log, stderr=log, timeout=START_TIMEOUT_S)
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while read_running(settings.profile_dir) is None and time.monotonic() < deadline_s:
        if "✗" in (text := output.read_text()):
            pytest.fail(f"the servers did not start:\n{text}", pytrace=False)
        time.sleep(0.1)


def _digest(folder: str, pattern: str) -> str:
    files = sorted((MIGRATIONS / folder).glob(pattern))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
