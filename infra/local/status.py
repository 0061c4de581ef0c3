"""`overround status`: what runs, since when, how often it was started again, and what it takes."""

from __future__ import annotations

import time

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.local.program import ProgramState
from infra.local.state import ProgramRecord, read_running
from infra.settings import Settings

BYTES_PER_MB = 1_000_000
COLOURS = {
    ProgramState.HEALTHY: "green",
    ProgramState.UNHEALTHY: "red",
    ProgramState.STARTING: "yellow",
    ProgramState.WAITING: "yellow",
}


def show_status(settings: Settings, console: Console) -> int:
    """Print a table of the programs; return 0 where the system is up and every program healthy, otherwise 1."""
    record = read_running(settings.profile_dir)
    if record is None:
        console.print(f"Nothing runs on {escape(str(settings.profile_dir))}: start it with `make run`")
        return 1
    table = Table(box=None, header_style="dim")
    for heading in ("program", "state", "pid", "up for", "restarts", "memory", "ports"):
        table.add_column(heading, no_wrap=True)
    sizes = {item.name: measure_memory_bytes(item.pid) for item in record.programs}
    for item in record.programs:
        table.add_row(*_row(item, sizes[item.name]))
    console.print(table)
    for item in record.programs:
        if item.detail:
            console.print(f"[yellow]![/] {item.name}: {escape(item.detail)}", highlight=False)
    console.print(f"all programs take {_megabytes(sum(sizes.values()))}", highlight=False)
    wanted = [item for item in record.programs if item.pid is not None or item.state is not ProgramState.WAITING]
    return 0 if record.is_ready and all(item.state is ProgramState.HEALTHY for item in wanted) else 1


def measure_memory_bytes(pid: int | None) -> int:
    """Return what a process and its children take; what they share counts once."""
    try:
        process = psutil.Process(pid) if pid else None
        family = [process, *process.children(recursive=True)] if process else []
    except psutil.NoSuchProcess:
        return 0
    return sum(_share_bytes(member) for member in family)


def _share_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _row(item: ProgramRecord, memory_bytes: int) -> tuple[str, ...]:
    colour = COLOURS.get(item.state, "dim")
    is_idle = item.pid is None and item.state is ProgramState.WAITING and not item.restarts
    return (
        item.name,
        "[dim]not started[/]" if is_idle else f"[{colour}]{item.state}[/]",
        str(item.pid or ""),
        _duration(time.time() - item.started_s) if item.started_s else "",
        str(item.restarts or ""),
        _megabytes(memory_bytes) if memory_bytes else "",
        " ".join(map(str, item.ports)),
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / BYTES_PER_MB:.0f} MB"


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute:02} min" if hours else f"{minute} min {second:02} s" if minute else f"{second} s"
