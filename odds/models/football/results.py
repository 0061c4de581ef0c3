"""Past results as columns: what goal models are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernel.errors import Category, DomainError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MATCHES_MAX = 200_000
TEAMS_MAX = 2_000
GOALS_MAX = 60


class ResultsMalformed(DomainError):
    """Past results do not line up, or hold what cannot be."""

    reason = "RESULTS_MALFORMED"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True, eq=False)
class MatchResults:
    """One row a match.

    Attributes:
        teams: Names; the two team columns index into them.
        home_teams: Shape (n,).
        away_teams: Shape (n,).
        home_goals: Shape (n,), whole numbers.
        away_goals: Shape (n,), whole numbers.
        is_neutral: Shape (n,): nobody is at home.
        weights: Shape (n,), 0.0 or above.
        covariate_names: What the covariate columns are.
        home_covariates: Shape (n, n_covariates), as they act on the home side's goals.
        away_covariates: Shape (n, n_covariates), as they act on the away side's goals.
    """

    teams: tuple[str, ...]
    home_teams: Integers
    away_teams: Integers
    home_goals: Floats
    away_goals: Floats
    is_neutral: NDArray[np.bool_]
    weights: Floats
    covariate_names: tuple[str, ...]
    home_covariates: Floats
    away_covariates: Floats

    @classmethod
    def of(
        cls,
        home_names: Sequence[str],
        away_names: Sequence[str],
        home_goals: Sequence[int] | Integers,
        away_goals: Sequence[int] | Integers,
        *,
        is_neutral: Sequence[bool] | None = None,
        weights: Sequence[float] | Floats | None = None,
        covariate_names: Sequence[str] = (),
        home_covariates: Floats | None = None,
        away_covariates: Floats | None = None,
    ) -> MatchResults:
        """Build the columns and check them; teams are numbered in the order of their names.

        Raises:
            ResultsMalformed: If columns differ in length, a side plays itself, goals or weights are impossible, or a
                team has no match that counts.
        """
        match_count = len(home_names)
        teams = tuple(sorted({*home_names, *away_names}))
        index_by_team = {team: index for index, team in enumerate(teams)}
        no_covariates = np.zeros((match_count, len(covariate_names)))
        results = cls(
            teams,
            np.array([index_by_team[name] for name in home_names], dtype=np.int64),
            np.array([index_by_team[name] for name in away_names], dtype=np.int64),
            np.asarray(home_goals, dtype=np.float64),
            np.asarray(away_goals, dtype=np.float64),
            np.zeros(match_count, dtype=bool) if is_neutral is None else np.asarray(is_neutral, dtype=bool),
            np.ones(match_count) if weights is None else np.asarray(weights, dtype=np.float64),
            tuple(covariate_names),
            no_covariates if home_covariates is None else np.asarray(home_covariates, dtype=np.float64),
            no_covariates if away_covariates is None else np.asarray(away_covariates, dtype=np.float64),
        )
        _expect_aligned(results)
        _expect_possible(results)
        return results


def decay_weights(days_ago: Floats, *, decay_per_day: float) -> Floats:
    """Return exp(-xi days): how much a match of long ago still counts.

    Args:
        days_ago: Shape (n,), 0.0 or above.
        decay_per_day: xi, 0.0 or above; Dixon and Coles found about 0.0065 per half week.

    Raises:
        ResultsMalformed: If a day is to come, or the decay below zero.
    """
    if not (decay_per_day >= 0.0 and np.isfinite(days_ago).all() and (days_ago >= 0.0).all()):
        raise ResultsMalformed("Days ago and their decay must be finite and 0.0 or above")
    return np.asarray(np.exp(-decay_per_day * days_ago))


def _expect_aligned(results: MatchResults) -> None:
    match_count = len(results.home_teams)
    if not 1 <= match_count <= MATCHES_MAX or not 2 <= len(results.teams) <= TEAMS_MAX:
        raise ResultsMalformed(
            f"From 1 to {MATCHES_MAX} matches of 2 to {TEAMS_MAX} teams are needed, "
            f"had {match_count} of {len(results.teams)}"
        )
    columns = (results.away_teams, results.home_goals, results.away_goals, results.is_neutral, results.weights)
    if any(column.shape != (match_count,) for column in columns):
        raise ResultsMalformed(f"Every column must have {match_count} matches")
    shape = (match_count, len(results.covariate_names))
    if results.home_covariates.shape != shape or results.away_covariates.shape != shape:
        raise ResultsMalformed(f"Covariates must have shape {shape}")


def _expect_possible(results: MatchResults) -> None:
    goals = np.concatenate([results.home_goals, results.away_goals])
    if not ((goals >= 0) & (goals <= GOALS_MAX) & (goals == np.floor(goals))).all():
        raise ResultsMalformed(f"Goals must be whole, from 0 to {GOALS_MAX}")
    if not (np.isfinite(results.weights).all() and (results.weights >= 0.0).all()):
        raise ResultsMalformed("Weights must be finite and 0.0 or above")
    if not (np.isfinite(results.home_covariates).all() and np.isfinite(results.away_covariates).all()):
        raise ResultsMalformed("Covariates must be finite")
    if (results.home_teams == results.away_teams).any():
        raise ResultsMalformed("A team must not play itself")
    counted = results.weights > 0.0
    playing = {*results.home_teams[counted].tolist(), *results.away_teams[counted].tolist()}
    if len(playing) < len(results.teams):
        idle = next(team for index, team in enumerate(results.teams) if index not in playing)
        raise ResultsMalformed(f"Every team needs a match that counts, {idle[:64]!r} has none")
