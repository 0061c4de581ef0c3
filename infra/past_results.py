"""Files of past results and of fixtures to come, as football-data.co.uk lays them out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from odds.models.football.results import MATCHES_MAX, MatchResults, decay_weights

DATE_FORMATS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y")
FIXTURES_MAX: Final = 500
RESULT_COLUMNS: Final = ("Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG")
FIXTURE_COLUMNS: Final = ("FixtureId", "Date", "Time", "HomeTeam", "AwayTeam")


class FileRefused(Exception):
    """A file holds what cannot be; the message says which line, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class FixtureToCome:
    """A match that is to be opened.

    Attributes:
        fixture_id: As the feeds know it.
        competition: "Premier League"; empty where the file does not say.
    """

    fixture_id: str
    competition: str
    start: datetime
    home_name: str
    away_name: str


def read_results(paths: Sequence[Path], *, today: date, half_life_days: float) -> MatchResults:
    """Return the matches of some files that were played before today, each counting for less the longer ago it was.

    Args:
        paths: Columns Date, HomeTeam, AwayTeam, FTHG and FTAG; others are passed over, and rows without goals.
        today: From which days are counted.
        half_life_days: A match so long ago counts for half.

    Raises:
        FileRefused: If a file cannot be read, or holds what is no result.
        ResultsMalformed: If there are too few matches, or too many.
    """
    rows = [row for path in paths for row in _rows(path, RESULT_COLUMNS, MATCHES_MAX) if row["FTHG"].strip()]
    played = [(row, day) for row in rows if (day := _day(row)) < today]
    goals = [[_count(row, name) for row, _ in played] for name in ("FTHG", "FTAG")]
    days_ago = np.array([(today - day).days for _, day in played], dtype=np.float64)
    return MatchResults.of(
        [row["HomeTeam"] for row, _ in played],
        [row["AwayTeam"] for row, _ in played],
        *goals,
        weights=decay_weights(days_ago, decay_per_day=float(np.log(2.0)) / half_life_days),
    )


def read_fixtures(path: Path) -> list[FixtureToCome]:
    """Return the fixtures of a file: FixtureId, Date, Time (UTC), HomeTeam, AwayTeam and, where told, Competition.

    Raises:
        FileRefused: If it cannot be read, or holds what is no fixture.
    """
    found: dict[str, FixtureToCome] = {}
    for row in _rows(path, FIXTURE_COLUMNS, FIXTURES_MAX):
        fixture_id, home, away = row["FixtureId"], row["HomeTeam"], row["AwayTeam"]
        if fixture_id in found:
            raise FileRefused(f"{row['']}: FixtureId must be another for each match, was {fixture_id[:64]!r} before")
        if home == away:
            raise FileRefused(f"{row['']}: HomeTeam and AwayTeam must be two, were {home[:64]!r} both")
        found[fixture_id] = FixtureToCome(fixture_id, row.get("Competition") or "", _start(row), home, away)
    return list(found.values())


def _rows(path: Path, columns: Sequence[str], rows_max: int) -> Iterator[dict[str, str]]:
    """Yield the rows that are not empty, and where each stands under ""."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise FileRefused(f"{path} must have the columns {', '.join(columns)}, lacks {', '.join(missing)}")
            rows = [row for row in islice(reader, rows_max + 1) if row["HomeTeam"]]
    except (OSError, csv.Error) as error:
        raise FileRefused(f"{path} must be a readable file of comma-separated values: {error}") from error
    if len(rows) > rows_max:
        raise FileRefused(f"{path} must have at most {rows_max} rows, has more")
    for number, row in enumerate(rows, 2):
        if any(not isinstance(row[name], str) for name in columns):
            raise FileRefused(f"{path}, row {number}: must have {', '.join(columns)}, is shorter")
        yield {**row, "": f"{path}, row {number}"}


def _day(row: Mapping[str, str]) -> date:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(row["Date"], form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise FileRefused(f"{row['']}: Date must be like 2026-11-21 or 21/11/2026, was {row['Date'][:32]!r}")


def _start(row: Mapping[str, str]) -> datetime:
    try:
        begins = time.fromisoformat(row["Time"])
    except ValueError:
        raise FileRefused(f"{row['']}: Time must be like 15:00, was {row['Time'][:32]!r}") from None
    if begins.tzinfo is not None:
        raise FileRefused(f"{row['']}: Time must be UTC and not say so, was {row['Time'][:32]!r}")
    return datetime.combine(_day(row), begins, UTC)


def _count(row: Mapping[str, str], name: str) -> int:
    try:
        return int(row[name])
    except ValueError:
        raise FileRefused(f"{row['']}: {name} must be a number of goals, was {row[name][:32]!r}") from None
