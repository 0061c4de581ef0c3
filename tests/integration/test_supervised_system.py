"""The real servers under the real supervisor, killed and stopped in every way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from infra.local.data import throw_away
from infra.local.locks import AlreadyRunning
from infra.local.program import Program, Stage, Unhealthy
from infra.local.runner import StartFailed
from infra.local.secrets import LocalSecrets
from infra.local.state import ProgramRecord, read_running
from infra.local.supervisor import Supervisor
from infra.local.up import Terminal
from infra.settings import ROOT, TEST_PORT_OFFSET, Ports, Settings, load_settings
from tests.running_system import RunningSystem, launch_up, running, shut_down, wait_until

SERVERS = ("postgres", "redis", "clickhouse", "kafka")
STOP_LIMIT_S = 10.0
WAIT_S = 180.0


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Data below a folder that is closed to everybody else, as a checkout in /root is."""
    data_dir = tmp_path_factory.mktemp("closed")
    data_dir.chmod(0o700)
    ports = Ports().shifted(TEST_PORT_OFFSET + 600)
    settings = load_settings("test").model_copy(update={"ports": ports, "data_dir": data_dir})
    yield settings
    shut_down(settings)


@pytest.fixture
def servers(own_settings: Settings) -> RunningSystem:
    """The servers, up and healthy, on what the test before has left: each test leaves data that can be gone on with."""
    if read_running(own_settings.profile_dir) is None:
        launch_up(own_settings, "--only-servers")
    system = RunningSystem(own_settings, LocalSecrets.load(own_settings))
    for name in SERVERS:
        system.wait_healthy(name)
    return system


def _processes_of(settings: Settings) -> list[psutil.Process]:
    """Every process that works on this data folder, or was started by one that does."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(settings.data_dir) in " ".join([*(process.info["cmdline"] or ()), process.info["cwd"] or ""])
    ]


def _wait_restarted(system: RunningSystem, before: ProgramRecord) -> None:
    name = before.name
    wait_until(lambda: system.find(name).restarts > before.restarts, WAIT_S, lambda: f"{name} stayed dead")


def test_every_killed_server_is_started_again_with_its_data(servers: RunningSystem) -> None:
    before = {name: servers.find(name) for name in SERVERS}
    for name in SERVERS:
        os.kill(before[name].pid or 0, signal.SIGKILL)
    for name in SERVERS:
        _wait_restarted(servers, before[name])
        after = servers.wait_healthy(name, WAIT_S)
        assert after.pid != before[name].pid
        assert after.restarts == before[name].restarts + 1


def test_a_second_supervisor_is_refused_and_data_in_use_is_kept(servers: RunningSystem) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "infra.cli", "up", "--only-servers"],
        env={**os.environ, **servers.settings.environment()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert second.returncode == 1
    assert f"as process {running(servers.settings).pid}" in " ".join(second.stdout.split())
    with pytest.raises(AlreadyRunning):
        throw_away(servers.settings.profile_dir)
    assert servers.settings.profile_dir.exists()


def test_stopping_ends_every_process_within_ten_seconds(servers: RunningSystem) -> None:
    supervisor = psutil.Process(running(servers.settings).pid)
    assert len(_processes_of(servers.settings)) >= len(SERVERS)
    begun_s = time.monotonic()
    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait(STOP_LIMIT_S)
    assert time.monotonic() - begun_s < STOP_LIMIT_S
    assert _processes_of(servers.settings) == []


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_one_goes_on(servers: RunningSystem) -> None:
    psutil.Process(running(servers.settings).pid).kill()
    wait_until(lambda: _processes_of(servers.settings) == [], WAIT_S, lambda: str(_processes_of(servers.settings)))
    launch_up(servers.settings, "--only-servers")
    assert {servers.find(name).state for name in SERVERS} == {"healthy"}


def test_topics_of_another_number_of_partitions_are_refused_with_the_way_to_keep_them(servers: RunningSystem) -> None:
    settings = servers.settings
    declared = settings.kafka.partitions
    shut_down(settings)
    more = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"partitions": declared + 1})})
    said = _say_refused(more)
    assert f"must have {declared + 1} partitions, has {declared}: OVERROUND_KAFKA__PARTITIONS={declared}" in said


def test_a_taken_port_is_named_with_its_holder_and_the_setting_that_moves_ours(own_settings: Settings) -> None:
    shut_down(own_settings)
    with socket.create_server((own_settings.host, own_settings.ports.redis)):
        said = _say_refused(own_settings)
    assert f"Port {own_settings.ports.redis} (of redis) is taken by process {os.getpid()}" in said
    assert "OVERROUND_PORTS__REDIS=" in said


def test_a_program_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = _program(tmp_path, "sh", "-c", "echo the disk is full; exit 3")
    supervisor = Supervisor(
        tmp_path, [program], autostart=["broken"], audience=Terminal(Console(quiet=True), ["broken"])
    )
    with pytest.raises(StartFailed, match=r"broken exited with code 3\n(  the disk is full\n)+"):
        asyncio.run(supervisor.run(on_up=lambda: None))


def test_servers_are_found_where_debian_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    program = _program(tmp_path, "clickhouse-server", "--nonsense")
    supervisor = Supervisor(
        tmp_path, [program], autostart=["broken"], audience=Terminal(Console(quiet=True), ["broken"])
    )
    with pytest.raises(StartFailed, match="Unknown option specified: nonsense"):
        asyncio.run(supervisor.run(on_up=lambda: None))


def _say_refused(settings: Settings) -> str:
    """Return in one line what a start says that is refused."""
    refused = subprocess.run(
        [sys.executable, "-m", "infra.cli", "up", "--only-servers"],
        env={**os.environ, **settings.environment()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert refused.returncode == 1
    return " ".join(refused.stdout.split())


def _program(folder: Path, *command: str) -> Program:
    async def refuse() -> None:
        raise Unhealthy("it never works")

    return Program(
        name="broken",
        command=command,
        check=refuse,
        log=folder / "broken.log",
        stage=Stage.SERVER,
        working_dir=folder,
    )
