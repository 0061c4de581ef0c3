"""`overround games`: every game of the house in every edition, with its PAR sheet, worked out as it is asked for."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from casino.games import GameEdition
from casino.par_sheet import par_sheet_of
from infra.games import read_games
from infra.settings import Settings

TOLERANCE = 0.005


def show_games(settings: Settings, console: Console) -> None:
    """Print every game.

    Raises:
        HouseRefused: If a game cannot be what its file says.
        GameMalformed: If one has too many ways to stop to go through them.
    """
    figures = ("version", "cycle", "RTP", "hits", "deviation", "VI 95 %", "most", "spins to ± 0.5 %")
    table = Table("game", "from", *(Column(figure, justify="right") for figure in figures), title="PAR sheets")
    for editions in read_games(settings.house_dir).editions.values():
        for edition in editions:
            table.add_row(*_cells(edition))
    console.print(table)


def _cells(edition: GameEdition) -> list[str]:
    game, sheet = edition.game, par_sheet_of(edition.game)
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
