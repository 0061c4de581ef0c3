"""`overround up`: run the system in a terminal."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from infra.house import read_house
from infra.local.data import DataFolderRefused, expect_usable
from infra.local.locks import AlreadyRunning
from infra.local.ports import HostRefused, PortTaken, expect_one_address
from infra.local.program import Program, ProgramState
from infra.local.runner import Runner, StartFailed
from infra.local.secrets import SecretsRefused
from infra.local.supervisor import Supervisor
from infra.local.system import choose, describe_system
from infra.settings import Settings, SettingsRefused

AWAITED_SHOWN = 4  # more than a narrow terminal's line would leave traces of the spinner


class Terminal:
    """Tells a person what happens, a line a step; a spinner says what is still awaited."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self._console = console
        self._awaited = list(names)
        self._status = Status("", console=console)
        self._is_stopping = False

    def begin(self) -> None:
        """Say what is being started."""
        self._show_awaited()
        self._status.start()

    def end(self) -> None:
        """Nothing is awaited any more."""
        self._status.stop()

    def on_leftovers(self, names: Sequence[str]) -> None:
        """What a killed supervisor had left was ended."""
        self._console.print(f"[yellow]![/] ended what an earlier run left behind: {', '.join(names)}")

    def on_ready(self, program: Program, seconds: float, done: str | None) -> None:
        """A program is healthy for the first time."""
        port = str(program.ports[0].number) if program.ports else ""
        note = f"  [dim]{escape(done)}[/]" if done else ""
        self._console.print(f"[green]✓[/] {program.name:<11} port {port:<6} {seconds:4.1f} s{note}", highlight=False)
        if program.name in self._awaited:  # not where it was started by hand, later
            self._awaited.remove(program.name)
        self._show_awaited()

    def on_change(self, runner: Runner) -> None:
        """Report what died and what came back; the first start is reported by on_ready."""
        name = runner.program.name
        if name in self._awaited or self._is_stopping:
            return
        if runner.state is ProgramState.WAITING and runner.restarts:
            self._console.print(f"[yellow]![/] {name} {escape(runner.detail)}: starting it again", highlight=False)
        elif runner.state is ProgramState.HEALTHY and runner.restarts:
            self._console.print(f"[green]✓[/] {name} is healthy", highlight=False)
        elif runner.state is ProgramState.UNHEALTHY:
            self._console.print(f"[yellow]![/] {name} is unhealthy: {escape(runner.detail)}", highlight=False)

    def on_stopping(self) -> None:
        """Everything is being stopped: it was asked for, or something failed."""
        self._status.stop()
        self._is_stopping = True
        self._console.print("stopping in order ...")

    def on_stopped(self, name: str) -> None:
        """A program was stopped in order."""
        self._console.print(f"[dim]· {name} stopped[/]", highlight=False)

    def _show_awaited(self) -> None:
        more = len(self._awaited) - AWAITED_SHOWN
        self._status.update(f"waiting for {', '.join(self._awaited[:AWAITED_SHOWN])}{f' and {more} more' * (more > 0)}")


def run_up(
    settings: Settings, console: Console, *, with_simulation: bool, only_servers: bool, linger_s: float | None
) -> int:
    """Run until Ctrl-C; return the exit status."""
    try:
        expect_usable(settings.profile_dir)
        if not only_servers:
            expect_readable_house(settings)
        programs = describe_system(settings)
        expect_one_address(settings.host)
    except (DataFolderRefused, HostRefused, SecretsRefused, SettingsRefused) as error:
        _say_failed(console, error)
        return 1
    names = choose(programs, with_simulation=with_simulation, only_servers=only_servers)
    begun_s = time.monotonic()
    terminal = Terminal(console, names)
    supervisor = Supervisor(settings.profile_dir, programs, autostart=names, audience=terminal, linger_s=linger_s)

    def on_up() -> None:
        terminal.end()
        show_addresses(settings, console, only_servers=only_servers)
        console.print(f"up after {time.monotonic() - begun_s:.1f} s; Ctrl-C stops everything", highlight=False)

    async def run() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)
        await supervisor.run(on_up)

    terminal.begin()
    try:
        asyncio.run(run())
    except (AlreadyRunning, PortTaken, StartFailed) as error:
        terminal.end()
        _say_failed(console, error)
        return 1
    finally:
        terminal.end()
    console.print("everything is stopped")
    return 0


def expect_readable_house(settings: Settings) -> None:
    """Read what the house decided before any process does, which could only fail over and over.

    Raises:
        SettingsRefused: If it cannot be.
    """
    read_house(settings.house_dir)


def show_addresses(settings: Settings, console: Console, *, only_servers: bool) -> None:
    """Print where everything is."""
    table = Table(box=None, show_header=False, padding=(0, 2))
    web = f"http://{settings.host}:{settings.ports.web}"
    if not only_servers:
        table.add_row("Betslip", f"[bold]{web}/[/]")
        table.add_row("Trading desk", f"[bold]{web}/desk[/]   user trader, password in {_secrets(settings)}")
        table.add_row("gRPC and gRPC-web", web)
    ports = settings.ports
    postgres, clickhouse = settings.postgres, settings.clickhouse
    table.add_row(
        "PostgreSQL", f"{settings.host}:{ports.postgres}   user {postgres.user}, database {postgres.database}"
    )
    table.add_row("Redis", f"{settings.host}:{ports.redis}   database {settings.redis.database}")
    table.add_row("Kafka", f"{settings.kafka_bootstrap}   user {settings.kafka.user}, SASL/PLAIN")
    table.add_row(
        "ClickHouse", f"{settings.host}:{ports.clickhouse}   user {clickhouse.user}, database {clickhouse.database}"
    )
    table.add_row("Passwords", str(settings.profile_dir / "secrets.json"))
    table.add_row("Logs", str(settings.profile_dir / "logs"))
    console.print(table)


def _say_failed(console: Console, error: Exception) -> None:
    """Say it in its own words: brackets in what others wrote, such as a log or a command line, mean nothing."""
    console.print(f"[red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)


def _secrets(settings: Settings) -> str:
    return f"{settings.profile_dir / 'secrets.json'} (trader_password)"
