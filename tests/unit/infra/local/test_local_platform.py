"""The parts of the local platform that need no server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import socket
import stat
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import codec
from rich.console import Console

from infra.local.data import DataFolderRefused, expect_usable
from infra.local.locks import AlreadyRunning, hold_supervisor_lock, hold_use, is_used
from infra.local.logs import bound_logs
from infra.local.ports import PORTS_NAMED_MAX, PortTaken, expect_free_ports
from infra.local.probes import probe_redis
from infra.local.program import Port, Program, ProgramState, Stage, Unhealthy
from infra.local.programs.clickhouse import clickhouse_program
from infra.local.programs.envoy_proxy import envoy_program
from infra.local.programs.redis_server import redis_program
from infra.local.runner import LOG_BYTES_READ, Runner
from infra.local.secrets import PROVIDERS, LocalSecrets
from infra.local.state import find_process, write_state
from infra.local.status import show_status
from infra.local.system import choose, describe_system
from infra.local.topic_report import TopicState, find_difference
from infra.local.up import Terminal, run_up
from infra.migrations.clickhouse_migration import split_statements
from infra.migrations.kafka_migration import (
    PartitionsDiffer,
    TopicDeclaration,
    declare,
    expect_partitions,
)
from infra.migrations.steps import Step, find_pending
from infra.settings import Ports, Settings, SettingsRefused, load_settings
from kernel.errors import InvariantBroken
from wire.topics import BET_EVENTS, BET_LEGS, BOOKS, FEED_UPDATES, LIABILITIES, RESULTS, TRADING_COMMANDS, WALLET_EVENTS


def test_another_process_loads_the_very_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings("test")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_the_test_profile_shares_no_port_with_the_local_one() -> None:
    local, test = (set(load_settings(name).ports.model_dump().values()) for name in ("local", "test"))
    assert len(local) == len(test) == len(Ports.model_fields)
    assert not local & test


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OVERROUND_PORTS__WEB", "99999"),
        ("OVERROUND_PORTS__REDIS", "abc"),
        ("OVERROUND_KAFKA", "{"),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    name = variable.removeprefix("OVERROUND_")
    with pytest.raises(SettingsRefused, match=f"(?i){name}"):
        load_settings()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])  # noqa: S104 - to have them refused
def test_a_host_that_is_every_address_is_refused_also_where_there_are_passwords(host: str, tmp_path: Path) -> None:
    LocalSecrets.load(Settings(data_dir=tmp_path))
    said = io.StringIO()
    settings = Settings(data_dir=tmp_path, host=host)
    assert run_up(settings, Console(file=said), with_simulation=False, only_servers=True, linger_s=None) == 1
    assert f"OVERROUND_HOST must be one address of this machine, was {host!r}" in said.getvalue()


def test_a_port_that_was_set_by_hand_does_not_move() -> None:
    moved = Ports(kafka=9092).shifted(100)
    assert moved.kafka == 9092
    assert moved.redis == Ports().redis + 100


def test_every_program_that_is_needed_exists_and_every_port_is_claimed_once() -> None:
    programs = describe_system(load_settings("local"))
    names = {program.name for program in programs}
    ports = [port.number for program in programs for port in program.ports]
    assert {needed for program in programs for needed in program.needs} <= names
    assert sorted(ports) == sorted(Ports().model_dump().values())


def test_only_what_is_wanted_starts_from_the_beginning() -> None:
    programs = describe_system(load_settings("local"))
    assert choose(programs, with_simulation=True, only_servers=False) == [program.name for program in programs]
    assert "simulation" not in choose(programs, with_simulation=False, only_servers=False)
    only_servers = choose(programs, with_simulation=True, only_servers=True)
    assert sorted(only_servers) == ["clickhouse", "kafka", "postgres", "redis"]


def test_secrets_are_made_once_and_readable_by_this_user_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = LocalSecrets.load(settings)
    file = settings.profile_dir / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert LocalSecrets.load(settings) == first
    assert len({*first.provider_api_keys.values(), first.trader_password}) == len(PROVIDERS) + 1


def test_a_provider_that_came_later_gets_a_key_and_the_others_keep_theirs(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = LocalSecrets.load(settings)
    file = settings.profile_dir / "secrets.json"
    fields = json.loads(file.read_text(encoding="utf-8"))
    del fields["provider_api_keys"]["uof"]
    file.write_text(json.dumps(fields))
    second = LocalSecrets.load(settings)
    assert set(second.provider_api_keys) == set(PROVIDERS)
    assert second.provider_api_keys["betfair"] == first.provider_api_keys["betfair"]


def test_two_supervisors_on_one_data_folder_are_refused(tmp_path: Path) -> None:
    refused = pytest.raises(AlreadyRunning, match=f"as process {os.getpid()}")
    with hold_supervisor_lock(tmp_path), refused, hold_supervisor_lock(tmp_path):
        pass
    with hold_supervisor_lock(tmp_path):
        pass


def test_a_data_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = io.StringIO()
    settings = Settings(data_dir=tmp_path / "file")
    console = Console(file=said)
    assert run_up(settings, console, with_simulation=False, only_servers=True, linger_s=None) == 1
    assert "must be a folder that can be written to, but: Not a directory" in said.getvalue()
    assert said.getvalue().count("\n") == 1


def test_a_data_folder_without_room_is_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect_usable(tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=20_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataFolderRefused, match="must have 300 MB free, has 20 MB"):
        expect_usable(tmp_path)


def test_what_others_wrote_is_shown_as_it_is(tmp_path: Path) -> None:
    said = io.StringIO()
    file = tmp_path / "[bold]file[red]"
    file.touch()
    run_up(Settings(data_dir=file), Console(file=said), with_simulation=False, only_servers=True, linger_s=None)
    assert str(file) in said.getvalue()


async def test_what_a_program_complains_of_is_shown_as_it_is(tmp_path: Path) -> None:
    said, complaint = io.StringIO(), "a result of 'x[/red]' waits [bold]"
    settings, console = Settings(data_dir=tmp_path), Console(file=said, width=200)
    settings.profile_dir.mkdir()
    runner = Runner(redis_program(settings), lambda _: None)
    runner.detail, runner.restarts = complaint, 1
    for state in (ProgramState.WAITING, ProgramState.UNHEALTHY):
        runner.state = state
        Terminal(console, ()).on_change(runner)
    write_state(settings.profile_dir, is_ready=True, runners=[runner])
    assert show_status(settings, console) == 1
    assert said.getvalue().count(complaint) == 3


async def test_what_a_program_that_died_said_last_is_its_state(tmp_path: Path) -> None:
    waits = asyncio.Event()

    async def work() -> None:
        return None

    def see(seen: Runner) -> None:
        if seen.state is ProgramState.WAITING:
            waits.set()

    script = f"yes line | head -c {2 * LOG_BYTES_READ}; printf '\\nFATAL:  the disk is full\\n\\n'; exit 1"
    program = Program(
        name="server",
        command=("sh", "-c", script),
        check=work,
        log=tmp_path / "server.log",
        stage=Stage.SERVER,
        working_dir=tmp_path,
    )
    runner = Runner(program, see)
    runner.start()
    running = asyncio.create_task(runner.keep_running())
    await waits.wait()
    assert runner.detail == "exited with code 1: FATAL:  the disk is full"
    running.cancel()
    await asyncio.wait([running])


async def test_redis_says_why_it_takes_nothing() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"+OK\r\n-MISCONF Errors writing to the AOF file: No space left on device\r\n+OK\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(Unhealthy, match=r"^-MISCONF .* No space left on device$"):
            await probe_redis("127.0.0.1", server.sockets[0].getsockname()[1], "a password")


def test_a_use_is_seen_until_it_ends(tmp_path: Path) -> None:
    assert not is_used(tmp_path)
    with hold_use(tmp_path), hold_use(tmp_path):
        assert is_used(tmp_path)
    assert not is_used(tmp_path)


def test_a_process_number_that_was_given_to_another_is_not_taken_for_ours() -> None:
    assert find_process(os.getpid(), 1.0) is None
    assert find_process(None, None) is None


def test_a_log_that_grew_too_large_starts_anew_and_keeps_its_past(tmp_path: Path) -> None:
    large, small = tmp_path / "large.log", tmp_path / "small.log"
    large.write_text("x" * 11)
    small.write_text("x" * 10)
    bound_logs([large, small, tmp_path / "missing.log"], bytes_max=10)
    assert large.read_text(encoding="utf-8") == ""
    assert (tmp_path / "large.log.1").read_text(encoding="utf-8") == "x" * 11
    assert small.read_text(encoding="utf-8") == "x" * 10


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- a comment;\nCREATE TABLE a (b String DEFAULT ';')\nENGINE = Log;  \n\nDROP TABLE c;\n"
    assert split_statements(text) == ["CREATE TABLE a (b String DEFAULT ';')\nENGINE = Log", "DROP TABLE c"]
    assert split_statements("SELECT 1") == ["SELECT 1"]


def test_only_new_steps_are_pending_and_an_edited_one_is_refused() -> None:
    old, new = Step("0001-old", "A"), Step("0002-new", "B")
    assert find_pending([old, new], {old.name: old.digest}) == [new]
    with pytest.raises(InvariantBroken, match="0001-old was changed"):
        find_pending([Step("0001-old", "edited"), new], {old.name: old.digest})


def test_a_topic_that_is_missing_or_differs_is_told() -> None:
    declared = TopicDeclaration("a.b.v1", 4, {"cleanup.policy": "compact"})
    assert "missing" in find_difference(declared, None)
    assert find_difference(declared, TopicState("a.b.v1", 4, 0, 9, {"cleanup.policy": "compact"})) == ""
    assert "4 partitions" in find_difference(declared, TopicState("a.b.v1", 1, 0, 9, {"cleanup.policy": "compact"}))
    found = TopicState("a.b.v1", 4, 0, 9, {"cleanup.policy": "delete"})
    assert find_difference(declared, found) == "cleanup.policy is delete, declared compact"


def test_partitions_that_differ_are_refused_with_the_setting_that_keeps_the_data() -> None:
    declared = [TopicDeclaration("a.v1", 2, {}), TopicDeclaration("b.v1", 2, {})]
    expect_partitions(declared, {"a.v1": 2, "other": 7})
    with pytest.raises(PartitionsDiffer, match=r"b\.v1 must have 2 partitions, has 4: OVERROUND_KAFKA__PARTITIONS=4"):
        expect_partitions(declared, {"a.v1": 2, "b.v1": 4})


def test_no_configuration_holds_a_path_that_a_server_could_misread(tmp_path: Path) -> None:
    settings = Settings(profile="test", data_dir=tmp_path / "Über & <Söhne>, 50 %" / "over 'round'")
    programs = [describe(settings) for describe in (redis_program, clickhouse_program, envoy_program)]
    for program in programs:
        program.prepare()
        assert program.working_dir.is_relative_to(settings.profile_dir)
    written = [path for program in programs for path in program.working_dir.iterdir() if path.is_file()]
    assert len(written) >= len(programs)
    assert not [path for path in written if "Söhne" in path.read_text(encoding="utf-8")]


AGENTS_READ = (
    *(FEED_UPDATES, TRADING_COMMANDS, RESULTS, BET_LEGS),
    *(BOOKS, BET_EVENTS, WALLET_EVENTS, LIABILITIES),
)


def test_what_an_agent_reads_is_compressed_by_nothing_it_lacks() -> None:
    is_there = {"gzip": codec.has_gzip, "lz4": codec.has_lz4, "snappy": codec.has_snappy, "zstd": codec.has_zstd}
    kinds = {topic.name: declare(topic, Settings()).config["compression.type"] for topic in AGENTS_READ}
    assert {name: kind for name, kind in kinds.items() if kind in is_there and not is_there[kind]()} == {}


def test_a_second_copy_of_the_system_is_told_in_one_sentence() -> None:
    with ExitStack() as stack:
        taken = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(PORTS_NAMED_MAX + 1)
        ]
        program = replace(describe_system(load_settings("local"))[0], ports=tuple(Port(port, "web") for port in taken))
        with pytest.raises(PortTaken) as many:
            expect_free_ports([program])
        with pytest.raises(PortTaken) as few:
            expect_free_ports([replace(program, ports=program.ports[:PORTS_NAMED_MAX])])
    assert str(many.value).startswith(
        f"{len(taken)} of our ports are taken, {taken[0]} (of {program.name}) by process "
    )
    assert "another copy of the system seems to run" in str(many.value)
    assert len(str(many.value).splitlines()) == 1
    assert len(str(few.value).splitlines()) == PORTS_NAMED_MAX
