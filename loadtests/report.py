"""What was measured beside what is to be reached: on the terminal, and kept in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from infra.settings import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
SYSTEM_TABLE, SETTLING_TABLE, SPINS_TABLE = "whole system", "beside a settlement", "spins"


@dataclass(frozen=True, slots=True)
class Line:
    """One figure."""

    figure: str
    measured: str
    to_reach: str
    is_reached: bool


def show(lines: list[Line], console: Console) -> None:
    """Print the figures."""
    table = Table(title="Load on a fresh system")
    for heading in ("figure", "measured", "to reach", ""):
        table.add_column(heading)
    for line in lines:
        table.add_row(line.figure, line.measured, line.to_reach, "[green]✓[/]" if line.is_reached else "[red]✗[/]")
    console.print(table)


def keep(lines: list[Line], *, table: str = SYSTEM_TABLE, page: Path = PAGE, now: datetime | None = None) -> None:
    """Replace that table in the page by the one just measured, with machine and date."""
    begin, end = f"<!-- {table}: begin -->", f"<!-- {table}: end -->"
    rows = [f"| {line.figure} | {line.measured} | {line.to_reach} | {_word(line)} |" for line in lines]
    heading = f"{(now or datetime.now(UTC)):%Y-%m-%d}, {describe_machine()}:"
    block = "\n".join([begin, heading, "", "| figure | measured | to reach | |", "|---|---|---|---|", *rows, end])
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(f"{begin}.*{end}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def describe_machine() -> str:
    """Return what the figures were measured on."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"


def _word(line: Line) -> str:
    return "reached" if line.is_reached else "not reached"
