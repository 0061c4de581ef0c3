"""What the catalogue of market types says, for screens and for readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from markets.catalogue import SPORTS, TYPES
from markets.market_type import Family, Group, Line, MarketType, Part
from markets.winners import ALL_MAY_WIN, Winners

ORIGIN = "Generated from the catalogue of market types in markets/ by `python protos/generate.py`; do not edit."
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", ALL_MAY_WIN: "any"}


def write_market_words(out: Path) -> None:
    """Write what screens call each type, in TypeScript."""
    out.mkdir(parents=True)
    parts = {part.value: part.words for part in Part if part.value}
    types = {
        known.type_id: {"words": known.words, "group": known.group.value, "line": known.line.value} for known in TYPES
    }
    lines = [
        f"/** {ORIGIN} */",
        "",
        "/** In the order in which a match page shows them. */",
        f"export const MARKET_GROUPS = {json.dumps([group.value for group in Group])} as const;",
        "export type MarketGroup = (typeof MARKET_GROUPS)[number];",
        "",
        "/** What number the id of a market ends with. */",
        f"export type Line = {' | '.join(json.dumps(line.value) for line in Line)};",
        "",
        '/** "{line}", "{signed}" and "{nth}" in the words stand for the line, with its sign, as an ordinal. */',
        "export interface MarketType {",
        "  readonly words: string;",
        "  readonly group: MarketGroup;",
        "  readonly line: Line;",
        "}",
        "",
        "/** Parts of a match by what ids of markets on them begin with. */",
        "export const MATCH_PARTS: Readonly<Record<string, string>> = {",
        *(f"  {prefix}: {json.dumps(words)}," for prefix, words in parts.items()),
        "};",
        "",
        "export const MARKET_TYPES: Readonly<Record<string, MarketType>> = {",
        *(f"  {json.dumps(type_id)}: {_as_literal(entry)}," for type_id, entry in types.items()),
        "};",
        "",
    ]
    (out / "market_types.ts").write_text("\n".join(lines), encoding="utf-8")


def write_market_page(out: Path) -> None:
    """Write all of the catalogue as a table."""
    heads = ("type", "name", "sports", "outcomes", "win together", "line", "role", "group", "exchange", "UOF")
    lines = ["# Types of markets", "", ORIGIN, "", table_row(heads), table_row(["---"] * len(heads))]
    lines += [table_row(_cells(known)) for known in TYPES]
    (out / "market-types.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def table_row(cells: Sequence[str]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def _cells(known: MarketType) -> list[str]:
    outcomes = known.outcomes.value if isinstance(known.outcomes, Family) else ", ".join(known.outcomes)
    return [
        f"`{known.type_id}`",
        known.words,
        ", ".join(name for name, sport in SPORTS.items() if known in sport.types) or "any",
        outcomes,
        _together(known.winners),
        known.line.value,
        known.role.name.lower(),
        known.group.value,
        ", ".join(known.exchange),
        ", ".join(f"{name.number} ({name.part.words.lower()})" for name in known.uof),
    ]


def _together(winners: Winners) -> str:
    sets = (" and ".join(sorted(outcome_ids)) for outcome_ids in winners.sets)
    return ", or ".join(sets) or COUNTS[winners.count_max]


def _as_literal(entry: dict[str, str]) -> str:
    return f"{{ {', '.join(f'{name}: {json.dumps(value)}' for name, value in entry.items())} }}"
