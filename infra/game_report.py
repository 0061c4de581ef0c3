"""`overround games`: every game of the house in every edition, with its PAR sheet, and what it returned so far."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import asyncpg
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from casino.drift import Return, return_of
from casino.games import GameEdition
from casino.par_sheet import ParSheet, par_sheet_of
from infra.games import read_games
from infra.settings import Settings
from infra.stores.postgres import UNAVAILABLE

TOLERANCE: Final = 0.005
TIMEOUT_S: Final = 30

_PLAYED: Final = """
    SELECT game_code, game_version, count(*) AS rounds, avg(win_minor::double precision / stake_minor) AS mean
    FROM casino.round GROUP BY 1, 2
"""
Played = Mapping[tuple[str, int], tuple[int, float]]


def show_games(settings: Settings, console: Console) -> int:
    """Print every game; return 0 unless one returned what chance does not explain.

    Raises:
        HouseRefused: If a game cannot be what its file says.
        GameMalformed: If one has too many ways to stop to go through them.
    """
    played = _read_played(settings)
    figures = (
        "version",
        "cycle",
        "RTP",
        "hits",
        "deviation",
        "VI 95 %",
        "most",
        "± 0.5 % after",
        "played",
        "returned",
        "z",
    )
    table = Table("game", "from", *(Column(figure, justify="right") for figure in figures), title="PAR sheets")
    is_any_off = False
    for editions in read_games(settings.house_dir).editions.values():
        for edition in editions:
            sheet = par_sheet_of(edition.game)
            found = None if played is None else _return_of(edition, sheet, played)
            is_any_off |= found is not None and found.is_off
            table.add_row(*_cells(edition, sheet), *_returned(found))
    console.print(table)
    if played is None:
        console.print("What was played is not known: PostgreSQL does not answer.")
    if is_any_off:
        console.print("[red]A game returned what chance does not explain: close it, and look at its rounds.[/red]")
    return int(is_any_off)


def _return_of(edition: GameEdition, sheet: ParSheet, played: Played) -> Return | None:
    found = played.get((edition.game.code, edition.game.version))
    return None if found is None else return_of(sheet, rounds=found[0], mean=found[1])


def _read_played(settings: Settings) -> Played | None:
    async def read() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(settings.postgres_dsn, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
        try:
            return await connection.fetch(_PLAYED)
        finally:
            await connection.close()

    try:
        rows = asyncio.run(read())
    except (*UNAVAILABLE, asyncpg.PostgresError):
        return None
    return {(row["game_code"], row["game_version"]): (row["rounds"], row["mean"]) for row in rows}


def _cells(edition: GameEdition, sheet: ParSheet) -> list[str]:
    game = edition.game
    return [
        escape(f"{game.name} ({game.code})"),
        edition.from_day.isoformat(),
        str(game.version),
        f"{sheet.cycle:,}",
        f"{sheet.rtp} = {float(sheet.rtp):.6f}",
        f"{sheet.hits / sheet.cycle:.4f}",
        f"{sheet.deviation:.6f}",
        f"{sheet.volatility_index:.4f}",
        f"{float(sheet.win_max):g}x in {sheet.win_max_ways}",
        f"{sheet.spins_within(TOLERANCE):,}",
    ]


def _returned(found: Return | None) -> list[str]:
    if found is None:
        return ["-", "-", "-"]
    z = f"{found.z:+.2f}" if found.is_known else "too few"
    return [f"{found.rounds:,}", f"{found.mean:.6f}", f"[red]{z}[/red]" if found.is_off else z]
