"""What a forecaster may know before a half-week begins, and how newcomers come by a past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

HISTORY_SEASONS: Final = 3
"""So many finished seasons are fitted beside the current one."""
REST_DAYS_MAX: Final = 10
"""Longer rests count as this; so does that before a season's first match."""


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Past matches as a model may see them; each of shape (n,).

    Attributes:
        sources: Row of the match in the table.
        home: Row of the team that it counts for as the home team.
        away: Likewise.
        shares: How much of the match counts so, 1.0 or a part.
    """

    sources: Counts
    home: Counts
    away: Counts
    shares: Floats

    @classmethod
    def of(cls, table: MatchTable, rows: Counts) -> Experience:
        """Return matches as they were played."""
        return cls(rows, table.home[rows], table.away[rows], np.ones(len(rows)))

    def joined(self, other: Experience) -> Experience:
        """Return both."""
        return Experience(
            np.concatenate([self.sources, other.sources]),
            np.concatenate([self.home, other.home]),
            np.concatenate([self.away, other.away]),
            np.concatenate([self.shares, other.shares]),
        )


def forecast_years(table: MatchTable) -> list[int]:
    """Return the seasons that follow on one of the table: the others are there to learn from."""
    years = set(table.years())
    return sorted(year for year in years if year - 1 in years)


def experience_before(table: MatchTable, season_year: int) -> Experience:
    """Return the matches of the seasons before, those of relegated teams handed on to the teams that replaced them."""
    years = set(table.years())
    first = season_year
    while first - 1 in years and season_year - first < HISTORY_SEASONS:
        first -= 1
    known = Experience.of(table, np.empty(0, dtype=np.int64))
    for year in range(first, season_year):
        season = Experience.of(table, np.flatnonzero(table.season_years == year))
        known = known.joined(hand_over(season, *leavers_and_newcomers(table, year)))
    return known


def leavers_and_newcomers(table: MatchTable, season_year: int) -> tuple[list[int], list[int]]:
    """Return the teams that a season was the last of for now, and those that the next begins with."""
    before, after = table.teams_of(season_year), table.teams_of(season_year + 1)
    return sorted(before - after), sorted(after - before)


def hand_over(season: Experience, leavers: list[int], newcomers: list[int]) -> Experience:
    """Return a season in which every newcomer has, in equal shares, played what the leavers played.

    A team that comes up is about as good as one that went down, and nothing else is known of it here.
    """
    if not newcomers:
        return season
    gone = set(leavers)
    rows: list[tuple[int, int, int, float]] = []
    columns = (season.sources.tolist(), season.home.tolist(), season.away.tolist(), season.shares.tolist())
    for source, home, away, share in zip(*columns, strict=True):
        homes = newcomers if home in gone else [home]
        aways = newcomers if away in gone else [away]
        pairs = [(one, other) for one in homes for other in aways if one != other]
        rows += [(source, one, other, share / len(pairs)) for one, other in pairs]
    sources, at_home, visiting, shares = (np.array(column) for column in zip(*rows, strict=True))
    return Experience(sources, at_home, visiting, shares)


def rest_leads(table: MatchTable) -> Floats:
    """Return the logarithm of the home team's days of rest over the away team's, shape (n_matches,).

    Only league matches are known, and their dates are public before they are played.
    """
    last_day: dict[tuple[int, int], int] = {}
    leads = np.empty(len(table.days))
    columns = (table.season_years.tolist(), table.days.tolist(), table.home.tolist(), table.away.tolist())
    for row, (year, day, home, away) in enumerate(zip(*columns, strict=True)):
        rests = [min(day - last_day.get((year, team), 0), REST_DAYS_MAX) for team in (home, away)]
        last_day[year, home] = last_day[year, away] = day
        leads[row] = np.log(rests[0] / rests[1])
    return leads
