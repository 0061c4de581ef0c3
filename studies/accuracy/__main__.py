"""`make accuracy`: forecast real seasons walk-forward, score, print the tables and keep them in docs/accuracy.md."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.settings import ROOT
from loadtests.report import describe_machine
from studies.accuracy import page, studies
from studies.accuracy.history import forecast_years
from studies.accuracy.plots import draw_calibration
from studies.accuracy.seasons import MatchTable, SeasonMalformed, read_seasons
from studies.accuracy.studies import Evidence
from studies.accuracy.walks import Walks, refits_in_all, walk_all

DATA: Final = ROOT.parent / "shared" / "data" / "football"
PAGE: Final = ROOT / "docs" / "accuracy.md"
PLOT: Final = ROOT / "docs" / "images" / "calibration.svg"


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of seasons as football-data.co.uk lays them out.")] = DATA,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Write docs/accuracy.md and its plot.")] = True,
) -> None:
    """Measure how well prices, goal models and ratings forecast real seasons."""
    console = Console()
    if not data.is_dir():
        console.print(f"The seasons are not at {data}: name their folder with --data.")
        raise typer.Exit(1)
    begun_s = time.process_time()
    try:
        table = read_seasons(data)
    except SeasonMalformed as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from error
    evidence = Evidence(table, _walk(table, console))
    blocks = _blocks(evidence)
    blocks["run"] = _describe_run(table, time.process_time() - begun_s)
    for name, block in blocks.items():
        console.print(f"\n{name}\n{block}", markup=False, highlight=False, soft_wrap=True)
    if keep:
        PAGE.write_text(page.fill(PAGE.read_text(encoding="utf-8"), blocks))
        draw_calibration(PLOT, reliability=studies.plotted_reliability(evidence), bias=studies.plotted_bias(evidence))


def _walk(table: MatchTable, console: Console) -> Walks:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("fits", total=refits_in_all(table))
        return walk_all(
            table,
            advance=lambda: progress.advance(task),
            say=lambda name: progress.update(task, description=name),
        )


def _blocks(evidence: Evidence) -> dict[str, str]:
    at_the_close = page.comparison_table(studies.models_at_the_close(evidence))
    by_bookmaker = studies.methods_by_bookmaker(evidence)
    return {
        "models at the close": f"{at_the_close}\n\n{page.growth_sentence(studies.errors_by_month(evidence))}",
        "margin methods at the close": page.comparison_table(studies.methods_at_the_close(evidence), digits=3),
        "bookmakers before the close": page.comparison_table(studies.bookmakers_before_the_close(evidence)),
        "margin methods by bookmaker, RPS": page.method_matrix(by_bookmaker, "RPS"),
        "margin methods by bookmaker, log loss": page.method_matrix(by_bookmaker, "log loss"),
        "longshots and favourites": page.tails_table(studies.longshots_and_favourites(evidence)),
        "models before the close": page.comparison_table(studies.models_before_the_close(evidence)),
        "models alone": page.comparison_table(studies.models_alone(evidence)),
        "totals": page.comparison_table(studies.totals_before_the_close(evidence)),
        "closing line": page.bets_table(studies.bets_before_the_close(evidence)),
        "settings": page.settings_table(evidence.walks.settings),
    }


def _describe_run(table: MatchTable, cpu_s: float) -> str:
    years = table.years()
    return (
        f"Run on {datetime.now(UTC):%Y-%m-%d} ({describe_machine()}): {len(table.days):,} matches of {len(years)} "
        f"seasons, {len(forecast_years(table))} of them forecast, {refits_in_all(table):,} fits of goal models, "
        f"{cpu_s / 60.0:.1f} minutes of one core."
    )


if __name__ == "__main__":
    typer.run(main)
