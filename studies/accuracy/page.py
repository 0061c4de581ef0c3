"""The tables as Markdown, and the page they are kept in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from studies.accuracy.comparisons import ALONE, METRICS, BlockMean, Line, survive_holm
from studies.accuracy.prices import Bets, name_of
from studies.accuracy.studies import MethodCells

NOT_SHOWN: Final = "○"
"""No difference shown, where a cell has no room for words."""


class PageUnfit(Exception):
    """The page has no place for a table."""


def fill(page: str, blocks: Mapping[str, str]) -> str:
    """Return the page with each block in its place.

    Raises:
        PageUnfit: If a block's place is not there once.
    """
    for name, block in blocks.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found or begin in rest:
            raise PageUnfit(f"{begin} ... {end} was expected once")
        page = f"{before}{begin}\n{block}\n{end}{after}"
    return page


def comparison_table(lines: Sequence[Line], *, digits: int = 2) -> str:
    """Return one line a forecaster; differences are in thousandths."""
    counted = [line for line in lines if line.differences]
    example = next(iter(counted[0].differences.values()))
    heads = " | ".join(f"{metric} | difference" for metric in METRICS)
    rows = [f"| | {heads} | what is shown |", f"|---|{'---|' * (2 * len(METRICS))}---|"]
    for line in lines:
        cells = [
            cell
            for metric in METRICS
            for cell in (f"{line.means[metric]:.4f}", _thousandths(line.differences.get(metric), digits))
        ]
        rows.append(f"| {line.name} | {' | '.join(cells)} | {line.verdict} |")
    return "\n".join([f"{example.count:,} matches in {example.blocks:,} half-weeks.", "", *rows])


def method_matrix(cells: Sequence[MethodCells], metric: str) -> str:
    """Return one line a bookmaker, one column a margin method."""
    methods = list(cells[0].differences[metric])
    flat = [row.differences[metric][method] for row in cells for method in methods]
    survivors = iter(survive_holm(flat))
    heads = " | ".join(map(name_of, methods))
    rows = [f"| | matches | refused | overround | {heads} |", f"|---|---|---|---|{'---|' * len(methods)}"]
    for row in cells:
        marked = " | ".join(_marked(row.differences[metric][method], survives=next(survivors)) for method in methods)
        rows.append(f"| {row.book} | {row.matches:,} | {row.refused} | {row.overround:.3f} | {marked} |")
    return "\n".join(rows)


def bets_table(lines: Sequence[tuple[str, str, Bets]]) -> str:
    """Return what prices taken before the close were worth, in percent."""
    means = [mean for _, _, bets in lines for mean in (bets.value, bets.profit)]
    survivors = iter(survive_holm(means))
    rows = ["| price of | taken | bets | closing line value, % | profit, % |", "|---|---|---|---|---|"]
    for book, choice, bets in lines:
        cells = [_percent(mean, survives=next(survivors)) for mean in (bets.value, bets.profit)]
        rows.append(f"| {book} | {choice} | {bets.value.count:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def tails_table(lines: Sequence[tuple[str, BlockMean, BlockMean]]) -> str:
    """Return what longshots and favourites have left over, in percentage points."""
    survivors = iter(survive_holm([mean for _, *means in lines for mean in means]))
    _, low, high = lines[0]
    rows = [f"| | longshots ({low.count:,} prices) | favourites ({high.count:,} prices) |", "|---|---|---|"]
    for name, *means in lines:
        rows.append(f"| {name} | {' | '.join(_percent(mean, survives=next(survivors)) for mean in means)} |")
    return "\n".join(rows)


def settings_table(settings: Mapping[str, Mapping[int, str]]) -> str:
    """Return what was chosen for each season."""
    heads = list(settings)
    years = sorted(next(iter(settings.values())))
    rows = [f"| season | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    rows += [f"| {season_name(year)} | {' | '.join(settings[head][year] for head in heads)} |" for year in years]
    return "\n".join(rows)


def growth_sentence(growths: Sequence[float]) -> str:
    """Say how the standard errors change with longer blocks."""
    return (
        f"With whole months as blocks the standard errors of this table are {min(growths):.2f} to "
        f"{max(growths):.2f} times these, {median(growths):.2f} in the middle."
    )


def season_name(year: int) -> str:
    """Return a season as people call it."""
    return f"{year}-{(year + 1) % 100:02d}"


def _thousandths(difference: BlockMean | None, digits: int) -> str:
    if difference is None:
        return ""
    if difference.is_same:
        return "0"
    return f"{1e3 * difference.mean:+.{digits}f} ± {1e3 * difference.standard_error:.{digits}f}"


def _marked(difference: BlockMean, *, survives: bool) -> str:
    return f"{_thousandths(difference, 2)}{_mark(difference, survives=survives)}"


def _percent(mean: BlockMean, *, survives: bool) -> str:
    return f"{1e2 * mean.mean:+.2f} ± {1e2 * mean.standard_error:.2f}{_mark(mean, survives=survives)}"


def _mark(mean: BlockMean, *, survives: bool) -> str:
    if not mean.is_shown:
        return f" {NOT_SHOWN}"
    return "" if survives else f" {ALONE}"
