"""Outrights of a league: play the remaining fixtures many times and count who finishes where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SEASONS_AT_ONCE: Final = 4_096
TIE_BITS: Final = 20
"""Random bits behind points, goal difference and goals."""
COUNT_BITS: Final = 14
COUNT_MAX: Final = (1 << (COUNT_BITS - 1)) - 1
"""Largest number of points or goals, and goal difference either way, that a league may come to."""
GOAL_MEAN_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class LeagueTable:
    """Where the teams stand; each of shape (n_teams,)."""

    points: Counts
    goals_for: Counts
    goals_against: Counts


@dataclass(frozen=True, slots=True)
class RemainingFixtures:
    """What is still to be played; each of shape (n_fixtures,).

    Attributes:
        home: Row of the home team in the table.
        away: Row of the away team.
        home_mean: Goals expected of the home team.
        away_mean: Goals expected of the away team.
    """

    home: Counts
    away: Counts
    home_mean: Floats
    away_mean: Floats


@dataclass(frozen=True, slots=True)
class Estimates:
    """Probabilities counted in simulations, with their standard errors; same shapes.

    The error of a thing never or always seen is not zero: half a season is added to either side.
    """

    probabilities: Floats
    standard_errors: Floats


@dataclass(frozen=True, slots=True)
class SeasonOutcomes:
    """How often each team finished in each position.

    Attributes:
        counts: Shape (n_teams, n_teams): team, position from the top.
        points_mean: Shape (n_teams,), points at the end on average.
        seasons: How many were played.
    """

    counts: Counts
    points_mean: Floats
    seasons: int

    def positions(self) -> Estimates:
        """Return the chances of each position, shape (n_teams, n_teams); rows and columns sum to 1.0."""
        return _estimate(self.counts, self.seasons)

    def winner(self) -> Estimates:
        """Return the chances to finish first, shape (n_teams,)."""
        return self.top(1)

    def top(self, places: int) -> Estimates:
        """Return the chances of the first places, shape (n_teams,); they sum to that number."""
        self._check(places)
        return _estimate(self.counts[:, :places].sum(axis=1), self.seasons)

    def bottom(self, places: int) -> Estimates:
        """Return the chances of the last places: relegation, shape (n_teams,)."""
        self._check(places)
        return _estimate(self.counts[:, -places:].sum(axis=1), self.seasons)

    def _check(self, places: int) -> None:
        if not 1 <= places <= len(self.counts):
            raise ModelInputInvalid(f"Places must be 1 to {len(self.counts)}, was {places}")


def simulate_seasons(
    table: LeagueTable,
    fixtures: RemainingFixtures,
    generator: np.random.Generator,
    *,
    seasons: int,
    strength_sd: float,
) -> SeasonOutcomes:
    """Play the remaining fixtures many times.

    Goals are independent Poisson. Three points a win; level teams are parted by goal difference, by goals, by lot.

    Args:
        table: Where the teams stand.
        fixtures: What is to be played.
        generator: Where chance comes from; the same state gives the same answer.
        seasons: How often to play.
        strength_sd: How uncertain each team's strength is, as a standard deviation of the logarithm of its goal means,
            drawn once a season; 0.0 takes the means for certain and outrights for too certain.

    Raises:
        ModelInputInvalid: If a mean, a team or a count cannot be.
    """
    _check_league(table, fixtures, strength_sd)
    if seasons < 1:
        raise ModelInputInvalid(f"Seasons must be at least 1, was {seasons}")
    n_teams = len(table.points)
    counts = np.zeros((n_teams, n_teams), dtype=np.int64)
    points_total = np.zeros(n_teams, dtype=np.int64)
    for first in range(0, seasons, SEASONS_AT_ONCE):
        played = min(SEASONS_AT_ONCE, seasons - first)
        points, difference, scored = _play(table, fixtures, generator, played, strength_sd)
        points_total += points.sum(axis=0)
        order = np.argsort(-_ranking_keys(points, difference, scored, generator), axis=1)
        cells = order * n_teams + np.arange(n_teams)
        counts += np.bincount(cells.ravel(), minlength=n_teams**2).reshape(n_teams, n_teams)
    return SeasonOutcomes(counts, points_total / seasons, seasons)


def _check_league(table: LeagueTable, fixtures: RemainingFixtures, strength_sd: float) -> None:
    n_teams = len(table.points)
    for name, counts in (("Goals for", table.goals_for), ("Goals against", table.goals_against)):
        require((counts >= 0) & (counts <= COUNT_MAX // 2), expected=f"{name} must be 0 or more", found=counts)
    is_valid = np.abs(table.points) <= COUNT_MAX // 2
    require(is_valid, expected=f"Points must be at most {COUNT_MAX // 2} either way", found=table.points)
    for teams in (fixtures.home, fixtures.away):
        require((teams >= 0) & (teams < n_teams), expected=f"Teams must be 0 to {n_teams - 1}", found=teams)
    require(fixtures.home != fixtures.away, expected="A team must play another", found=fixtures.home)
    for means in (fixtures.home_mean, fixtures.away_mean):
        is_mean = (means > 0.0) & (means <= GOAL_MEAN_MAX)
        require(is_mean, expected=f"Goal means must be above 0.0 and up to {GOAL_MEAN_MAX}", found=means)
    if not 0.0 <= strength_sd <= 1.0:
        raise ModelInputInvalid(f"The strengths' standard deviation must be 0.0 to 1.0, was {strength_sd}")


def _play(
    table: LeagueTable, fixtures: RemainingFixtures, generator: np.random.Generator, seasons: int, strength_sd: float
) -> tuple[Counts, Counts, Counts]:
    """Return points, goal difference and goals of every team, each of shape (seasons, n_teams)."""
    n_teams = len(table.points)
    shape = (seasons, len(fixtures.home))
    home_mean, away_mean = fixtures.home_mean, fixtures.away_mean
    if strength_sd > 0.0:
        strengths = generator.normal(0.0, strength_sd, (seasons, n_teams))
        edge = np.exp(strengths[:, fixtures.home] - strengths[:, fixtures.away])
        home_mean, away_mean = home_mean * edge, away_mean / edge
    home, away = (generator.poisson(means, shape).astype(np.float32) for means in (home_mean, away_mean))
    # Whole numbers of this size are exact in float32, and the products run on the fast path.
    is_home, is_away = (_incidence(teams, n_teams) for teams in (fixtures.home, fixtures.away))
    home_points = np.float32(3.0) * (home > away) + (home == away)
    away_points = np.float32(3.0) * (home < away) + (home == away)
    points = home_points @ is_home + away_points @ is_away
    scored = home @ is_home + away @ is_away
    conceded = away @ is_home + home @ is_away
    before = table.goals_for - table.goals_against
    return (
        points.astype(np.int64) + table.points,
        (scored - conceded).astype(np.int64) + before,
        scored.astype(np.int64) + table.goals_for,
    )


def _incidence(teams: Counts, n_teams: int) -> NDArray[np.float32]:
    return np.asarray(teams[:, None] == np.arange(n_teams), dtype=np.float32)


def _ranking_keys(points: Counts, difference: Counts, scored: Counts, generator: np.random.Generator) -> Counts:
    """Return one number a team that is larger the better it stands, the last bits at random."""
    keys = points
    for counts in (difference, scored):
        keys = (keys << COUNT_BITS) + np.clip(counts, -COUNT_MAX, COUNT_MAX)
    lots = generator.integers(0, 1 << TIE_BITS, size=points.shape)
    return np.asarray((keys << TIE_BITS) + lots)


def _estimate(counts: Counts, seasons: int) -> Estimates:
    smoothed = (counts + 0.5) / (seasons + 1.0)
    return Estimates(counts / seasons, np.sqrt(smoothed * (1.0 - smoothed) / seasons))
