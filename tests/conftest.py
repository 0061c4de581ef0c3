"""Real servers for the tests, on ports and data folders of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

from infra.local.locks import hold_use
from infra.local.state import read_running
from infra.settings import ROOT, TEST_PORT_OFFSET, Ports, Settings, load_settings
from tests.running_system import RunningSystem, launch_up, one_at_a_time, shut_down, start_afresh

MIGRATE_TIMEOUT_S = 240
LINGER_S = 15
SYSTEM_PORT_OFFSET = TEST_PORT_OFFSET + 300
POSTGRES = ROOT / "infra" / "postgres"
CLICKHOUSE = ROOT / "infra" / "migrations" / "clickhouse"

hypothesis_settings.register_profile("short", deadline=None, derandomize=True)
hypothesis_settings.register_profile("long", deadline=None, max_examples=1_000, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--long` choose the long form of the tests that have two."""
    parser.addoption("--long", action="store_true", help="more examples, chosen anew, and longer walks through faults")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how much is tried: by default the same on every run."""
    is_long = config.getoption("long")
    hypothesis_settings.load_profile("long" if is_long else "short")
    if not is_long:
        # It also tries constants of all modules that are loaded: which those are differs from worker to worker.
        HypothesisProvider._local_constants = property(lambda _: Constants())  # type: ignore[method-assign, assignment]


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """PostgreSQL, Redis, ClickHouse and Kafka, shared by test runs; they go soon after the last user.

    An edited migration or function gets a database of its own, and so does each worker of a run of several.
    """
    bare = load_settings("test")
    worker_id = getattr(request.config, "workerinput", {"workerid": "alone"})["workerid"]
    postgres = bare.postgres.model_copy(update={"database": f"overround_{_digest(POSTGRES)}_{worker_id}"})
    clickhouse = bare.clickhouse.model_copy(update={"database": f"overround_{_digest(CLICKHOUSE)}_{worker_id}"})
    settings = bare.model_copy(update={"postgres": postgres, "clickhouse": clickhouse})
    with hold_use(settings.profile_dir):
        with one_at_a_time(settings.profile_dir):
            record = read_running(settings.profile_dir)
            if record is None or not record.is_ready:
                launch_up(settings, "--only-servers", "--linger-s", str(LINGER_S))
        yield settings


@pytest.fixture(scope="session")
def settings(stack: Settings) -> Settings:
    """Settings of servers that have every migration, also those that came since the servers were started."""
    command = [sys.executable, "-m", "infra.cli", "migrate"]
    environment = {**os.environ, **stack.environment()}
    with one_at_a_time(stack.profile_dir):
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
