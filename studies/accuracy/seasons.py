"""Seasons of results and prices, read from files as football-data.co.uk lays them out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.models.football.results import GOALS_MAX

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BOOKMAKERS: Final[Mapping[str, str]] = {
    "PSC": "Pinnacle, closing",
    "PS": "Pinnacle",
    "B365": "Bet365",
    "BW": "Bet&Win",
    "GB": "Gamebookers",
    "IW": "Interwetten",
    "LB": "Ladbrokes",
    "SB": "Sportingbet",
    "WH": "William Hill",
    "SJ": "Stan James",
    "VC": "VC Bet",
    "BS": "Blue Square",
    "BbAv": "average of all",
    "BbMx": "best of all",
}
"""Column prefixes of 1x2 prices; all but the closing ones were collected on Friday or Tuesday afternoon."""
TOTALS: Final = ("BbAv", "BbMx")
"""Column prefixes of prices on over and under 2.5 goals."""
RESULT_LETTERS: Final = "HDA"
DATE_FORMATS: Final = ("%d/%m/%y", "%d/%m/%Y", "%Y-%m-%d")
FIRST_MONTH: Final = 7
"""A season that began in 2010 is one of dates up to June 2011; matches of July and after belong to the next."""
REQUIRED: Final = ("Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR")
MATCHES_MAX: Final = 2_000
"""In one file."""
REMATCH_DAYS_MIN: Final = 2
"""A pair may meet again at one ground in a season, as in Scotland; sooner, it is the same match written down twice."""
TUESDAY, FRIDAY = 1, 4


class SeasonMalformed(Exception):
    """A file holds what cannot be; the message says which file, which line, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Match:
    """One row of a file."""

    season_year: int
    day: date
    home: str
    away: str
    home_goals: int
    away_goals: int
    decimal_odds: Mapping[str, tuple[float, ...]]
    totals_decimal_odds: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class MatchTable:
    """Matches in the order of play, each of shape (n_matches,) unless said otherwise.

    Attributes:
        teams: Names; the two team columns index into them.
        season_years: The year in which the season began.
        days: As `date.toordinal`.
        home: Row of the home team.
        away: Row of the away team.
        home_goals: Its goals.
        away_goals: Its opponent's goals.
        decimal_odds: Home, draw and away by bookmaker, shape (n_matches, 3); NaN where there are none.
        totals_decimal_odds: Over and under 2.5 goals by bookmaker, shape (n_matches, 2).
    """

    teams: tuple[str, ...]
    season_years: Counts
    days: Counts
    home: Counts
    away: Counts
    home_goals: Counts
    away_goals: Counts
    decimal_odds: Mapping[str, Floats]
    totals_decimal_odds: Mapping[str, Floats]

    @classmethod
    def of(cls, matches: Iterable[Match]) -> MatchTable:
        """Sort matches by day and turn them into columns."""
        rows = sorted(matches, key=lambda match: match.day)
        teams = tuple(sorted({team for row in rows for team in (row.home, row.away)}))
        index_by_team = {team: index for index, team in enumerate(teams)}
        return cls(
            teams,
            _counts(row.season_year for row in rows),
            _counts(row.day.toordinal() for row in rows),
            _counts(index_by_team[row.home] for row in rows),
            _counts(index_by_team[row.away] for row in rows),
            _counts(row.home_goals for row in rows),
            _counts(row.away_goals for row in rows),
            {book: _prices([row.decimal_odds for row in rows], book, 3) for book in BOOKMAKERS},
            {book: _prices([row.totals_decimal_odds for row in rows], book, 2) for book in TOTALS},
        )

    @property
    def results(self) -> Counts:
        """Return 0 for a home win, 1 for a draw, 2 for an away win."""
        return np.asarray(1 - np.sign(self.home_goals - self.away_goals), dtype=np.int64)

    @property
    def half_weeks(self) -> Counts:
        """Return the Tuesday or Friday that begins each match's half of the week, as an ordinal day."""
        weekdays = (self.days - 1) % 7
        begins = np.where((weekdays >= TUESDAY) & (weekdays < FRIDAY), TUESDAY, FRIDAY)
        return np.asarray(self.days - (weekdays - begins) % 7)

    @property
    def months(self) -> Counts:
        """Return each match's calendar month, counted from year 0."""
        days = [date.fromordinal(day) for day in self.days.tolist()]
        return _counts(12 * day.year + day.month for day in days)

    def years(self) -> list[int]:
        """Return the seasons there are."""
        return sorted(set(self.season_years.tolist()))

    def teams_of(self, season_year: int) -> set[int]:
        """Return the rows of the teams of a season: its fixture list is known before its results."""
        rows = self.season_years == season_year
        return {*self.home[rows].tolist(), *self.away[rows].tolist()}


def read_seasons(folder: Path) -> MatchTable:
    """Read every file of a folder.

    Raises:
        SeasonMalformed: If there is none, or one holds what cannot be.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise SeasonMalformed(f"{folder}: seasons as CSV files were expected, were none")
    by_year: dict[int, list[Match]] = {}
    for file in files:
        matches = read_season(file)
        year = matches[0].season_year
        if year in by_year:
            raise SeasonMalformed(f"{file.name}: one file a season was expected, was a second of {year}")
        by_year[year] = matches
    return MatchTable.of(match for matches in by_year.values() for match in matches)


def read_season(file: Path) -> list[Match]:
    """Read one season.

    Raises:
        SeasonMalformed: If a row that is not blank holds what cannot be, or the same match is there twice.
    """
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := [name for name in REQUIRED if name not in (reader.fieldnames or ())]:
            raise SeasonMalformed(f"{file.name}: columns {', '.join(missing)} were expected, were not there")
        matches: list[Match] = []
        for row in reader:
            if _is_blank(row):
                continue
            if len(matches) == MATCHES_MAX:
                raise SeasonMalformed(f"{file.name}: at most {MATCHES_MAX} matches were expected, were more")
            matches.append(_read_row(row, f"{file.name} line {reader.line_num}"))
    if not matches:
        raise SeasonMalformed(f"{file.name}: matches were expected, were none")
    _expect_one_season(matches, file.name)
    return matches


def _read_row(row: Mapping[str, str | None], where: str) -> Match:
    home, away = _text(row, "HomeTeam"), _text(row, "AwayTeam")
    if not home or not away or home == away:
        raise SeasonMalformed(f"{where}: two teams were expected, were {home!r} and {away!r}")
    home_goals, away_goals = _goals(row, "FTHG", where), _goals(row, "FTAG", where)
    letter = RESULT_LETTERS[1 - (home_goals > away_goals) + (home_goals < away_goals)]
    if _text(row, "FTR") != letter:
        raise SeasonMalformed(
            f"{where}: FTR of {home_goals}-{away_goals} must be {letter!r}, was {_text(row, 'FTR')!r}"
        )
    day = _day(row, where)
    return Match(
        day.year - (day.month < FIRST_MONTH),
        day,
        home,
        away,
        home_goals,
        away_goals,
        {book: _odds(row, [f"{book}{letter}" for letter in RESULT_LETTERS], where) for book in BOOKMAKERS},
        {book: _odds(row, [f"{book}>2.5", f"{book}<2.5"], where) for book in TOTALS},
    )


def _odds(row: Mapping[str, str | None], columns: Sequence[str], where: str) -> tuple[float, ...]:
    """Return the prices of a market; NaN throughout where the bookmaker has none (some write 0) or not all."""
    texts = ["" if _number(text) == 0.0 else text for text in (_text(row, column) for column in columns)]
    for column, text in zip(columns, texts, strict=True):
        if text and not 1.0 < _number(text) < math.inf:
            raise SeasonMalformed(f"{where}: {column} must be empty or decimal odds above 1.0, was {text!r}")
    return tuple(map(_number, texts)) if all(texts) else (math.nan,) * len(columns)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _goals(row: Mapping[str, str | None], column: str, where: str) -> int:
    text = _text(row, column)
    if not (text.isascii() and text.isdigit() and int(text) <= GOALS_MAX):
        raise SeasonMalformed(f"{where}: {column} must be a whole number from 0 to {GOALS_MAX}, was {text!r}")
    return int(text)


def _day(row: Mapping[str, str | None], where: str) -> date:
    text = _text(row, "Date")
    for date_format in DATE_FORMATS:
        try:
            return datetime.strptime(text, date_format).date()  # noqa: DTZ007 - a day of play has no time zone
        except ValueError:
            continue
    raise SeasonMalformed(f"{where}: Date must be like 14/08/10, 14/08/2010 or 2010-08-14, was {text!r}")


def _is_blank(row: Mapping[str, str | Sequence[str] | None]) -> bool:
    """Return whether a row is commas alone; what goes beyond the header comes as a list."""
    return not any("".join(value or "").strip() for value in row.values())


def _text(row: Mapping[str, str | None], column: str) -> str:
    return (row.get(column) or "").strip()


def _expect_one_season(matches: Sequence[Match], name: str) -> None:
    years = {match.season_year for match in matches}
    if len(years) > 1:
        raise SeasonMalformed(f"{name}: dates of one season were expected, were of {sorted(years)}")
    day_by_pair: dict[tuple[str, str], date] = {}
    for match in sorted(matches, key=lambda match: match.day):
        pair = (match.home, match.away)
        if pair in day_by_pair and (match.day - day_by_pair[pair]).days < REMATCH_DAYS_MIN:
            raise SeasonMalformed(
                f"{name}: {match.home} against {match.away} on {match.day} was expected once, was there twice"
            )
        day_by_pair[pair] = match.day


def _counts(values: Iterable[int]) -> Counts:
    return np.fromiter(values, dtype=np.int64)


def _prices(rows: Sequence[Mapping[str, tuple[float, ...]]], book: str, outcomes: int) -> Floats:
    missing = (math.nan,) * outcomes
    return np.array([row.get(book, missing) for row in rows], dtype=np.float64).reshape(len(rows), outcomes)
