"""Goal models of teams: fit to past results, predict means and score distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kernel.errors import Category, DomainError
from odds.models.football.fitting import Design, FitProblem, maximise
from odds.models.football.goal_family import GoalFamily
from odds.models.football.likelihoods import BivariatePoissonLikelihood, DixonColesLikelihood, Scores, likelihood_of
from odds.models.football.results import MatchResults
from odds.models.football.score_grids import (
    bivariate_poisson_grid,
    conway_maxwell_masses,
    dixon_coles_grid,
    independent_grid,
    inflate_diagonal,
    negative_binomial_masses,
    rho_bounds,
)

Floats = NDArray[np.float64]

INFLATED_DRAWS: Final = 3
RHO_ROUNDS_MAX: Final = 20
RHO_BOUND_KEPT: Final = 1e-9
"""Share of a bound by which rho keeps away from it: on it a score would be impossible."""


class GoalModelMalformed(DomainError):
    """A goal model is asked for what it does not know."""

    reason = "GOAL_MODEL_MALFORMED"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True)
class GoalModelSpec:
    """Which model to fit.

    Attributes:
        family: Joint distribution of the goals, given their means.
        inflated_draws: How many draws from 0-0 on are inflated; of use to the bivariate Poisson alone.
    """

    family: GoalFamily
    inflated_draws: int = 0


@dataclass(frozen=True, slots=True)
class FittedGoalModel:
    """A model with its parameters.

    log l = intercept + home_advantage (if somebody is at home) + attack(home) - defence(away) + covariates, and
    log m = intercept + attack(away) - defence(home) + covariates; attacks and defences each sum to zero.

    Attributes:
        gamma: Rue and Salvesen's adjustment, 0.0 unless asked for.
        extras: The family's own parameters by name, on the scale they were fitted on.
    """

    spec: GoalModelSpec
    teams: tuple[str, ...]
    intercept: float
    home_advantage: float
    attack: tuple[float, ...]
    defence: tuple[float, ...]
    covariate_names: tuple[str, ...]
    covariates: tuple[float, ...]
    gamma: float
    extras: Mapping[str, float]
    log_likelihood: float
    match_count: int

    @property
    def rho(self) -> float:
        """Return Dixon and Coles's rho, 0.0 in other families."""
        return self.extras.get("rho", 0.0)

    def goal_means(
        self,
        home_names: Sequence[str],
        away_names: Sequence[str],
        *,
        is_neutral: NDArray[np.bool_] | bool = False,
        home_covariates: Floats | None = None,
        away_covariates: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """Return the mean goals of both sides of fixtures to come, each of shape (n,).

        Raises:
            GoalModelMalformed: If a team is not in the model, or covariates are missing.
        """
        home, away = self._team_indices(home_names), self._team_indices(away_names)
        attack, defence = np.array(self.attack), np.array(self.defence)
        advantage = self.home_advantage * ~np.broadcast_to(is_neutral, home.shape)
        gap = self.gamma * (attack[home] + defence[home] - attack[away] - defence[away]) / 2.0
        home_logs = self.intercept + advantage + attack[home] - defence[away] - gap
        away_logs = self.intercept + attack[away] - defence[home] + gap
        home_logs = home_logs + self._covariate_effect(home_covariates, len(home))
        away_logs = away_logs + self._covariate_effect(away_covariates, len(home))
        shared = self._shared_mean()
        return np.exp(home_logs) + shared, np.exp(away_logs) + shared

    def score_grid(self, home_means: Floats, away_means: Floats, *, size: int) -> Floats:
        """Return the joint distributions of the goals of fixtures with these means, shape (n, size, size).

        Where rho is more than the means of a fixture allow, that fixture has as much of it as they do.

        Args:
            home_means: As `goal_means` gives them, shape (n,).
            away_means: As `goal_means` gives them, shape (n,).
            size: Cells a side; what is beyond is in the last.

        Raises:
            ModelInputInvalid: If a mean is above 30.0 in the Conway-Maxwell family.
        """
        family = self.spec.family
        if family is GoalFamily.NEGATIVE_BINOMIAL:
            dispersion = float(np.exp(self.extras["log_dispersion"]))
            sides = (negative_binomial_masses(means, dispersion, size=size) for means in (home_means, away_means))
            return independent_grid(*sides)
        if family is GoalFamily.CONWAY_MAXWELL:
            upsilon = float(np.exp(self.extras["log_upsilon"]))
            sides = (conway_maxwell_masses(means, upsilon, size=size) for means in (home_means, away_means))
            return independent_grid(*sides)
        if family is GoalFamily.BIVARIATE_POISSON:
            return self._bivariate_grid(home_means, away_means, size)
        rhos = np.clip(self.rho, *rho_bounds(home_means, away_means))
        return dixon_coles_grid(home_means, away_means, rhos, size=size)

    def adjusted_for_strength(self, gamma: float) -> FittedGoalModel:
        """Return the model with the means of unequal sides drawn together: log l -= gamma D, log m += gamma D.

        D is half the difference in strength, (attack + defence of home - attack - defence of away) / 2. Gamma is not
        fitted: with every attack and defence free it only renames them, and the likelihood is flat along it.

        Source:
            Rue and Salvesen (2000), The Statistician 49:399.
        """
        return replace(self, gamma=gamma)

    def _team_indices(self, names: Sequence[str]) -> NDArray[np.int64]:
        index_by_team = {team: index for index, team in enumerate(self.teams)}
        unknown = next((name for name in names if name not in index_by_team), None)
        if unknown is not None:
            raise GoalModelMalformed(f"Teams must be among those fitted, {unknown[:64]!r} is not")
        return np.array([index_by_team[name] for name in names], dtype=np.int64)

    def _covariate_effect(self, covariates: Floats | None, fixture_count: int) -> Floats:
        shape = (fixture_count, len(self.covariates))
        columns = np.zeros((fixture_count, 0)) if covariates is None else covariates
        if columns.shape != shape:
            raise GoalModelMalformed(f"Covariates must have shape {shape}, had {columns.shape}")
        return np.asarray(columns @ np.array(self.covariates, dtype=np.float64))

    def _shared_mean(self) -> float:
        return float(np.exp(self.extras["log_shared_mean"])) if "log_shared_mean" in self.extras else 0.0

    def _bivariate_grid(self, home_means: Floats, away_means: Floats, size: int) -> Floats:
        shared = np.full(len(home_means), self._shared_mean())
        grid = bivariate_poisson_grid(home_means, away_means, shared, size=size)
        if not self.spec.inflated_draws:
            return grid
        extras = np.array(list(self.extras.values()))
        draws = BivariatePoissonLikelihood(self.spec.inflated_draws).draw_masses(extras)
        return inflate_diagonal(grid, share=float(expit(extras[1])), draw_masses=draws)


def fit_goal_model(
    results: MatchResults, spec: GoalModelSpec, *, start: NDArray[np.float64] | None = None
) -> FittedGoalModel:
    """Find the parameters of greatest likelihood.

    Args:
        results: Past results with their weights.
        spec: What to fit.
        start: Where to begin, from equal teams unless given; of the length of `problem_of(results, spec).start()`.

    Raises:
        FitNotConverged: If the maximum was not reached.
    """
    problem = problem_of(results, spec)
    parameters = maximise(problem, problem.start() if start is None else start)
    if spec.family is GoalFamily.DIXON_COLES:
        parameters = _hold_rho(problem, parameters, lambda found: _fitted(results, spec, problem, found))
    return _fitted(results, spec, problem, parameters)


def problem_of(results: MatchResults, spec: GoalModelSpec) -> FitProblem:
    """Return what a fit maximises."""
    return FitProblem(
        likelihood_of(spec.family, inflated_draws=spec.inflated_draws),
        Scores.of(results.home_goals, results.away_goals),
        results.weights,
        Design.of(results),
    )


def _hold_rho(problem: FitProblem, parameters: Floats, model_of: Callable[[Floats], FittedGoalModel]) -> Floats:
    """Return the parameters with a rho that every pair of teams may have, the others fitted to it.

    The bounds hang on the means, which move a little with rho, so that both are found in turn. With hundreds of matches
    rho is far from its bounds; a dozen matches may be fitted best by one that no distribution of another pair has.
    """
    for _ in range(RHO_ROUNDS_MAX):
        least, most = _rho_bounds_of(problem, parameters, model_of(parameters))
        if least <= parameters[-1] <= most:
            return parameters
        start = np.append(parameters[:-1], np.clip(parameters[-1], least, most))
        parameters = maximise(replace(problem, likelihood=DixonColesLikelihood(least, most)), start)
    bounds = _rho_bounds_of(problem, parameters, model_of(parameters))
    return np.append(parameters[:-1], np.clip(parameters[-1], *bounds))


def _rho_bounds_of(problem: FitProblem, parameters: Floats, model: FittedGoalModel) -> tuple[float, float]:
    home, away = (names.ravel() for names in np.meshgrid(model.teams, model.teams))
    is_pair = home != away
    nothing = np.zeros((int(is_pair.sum()), len(model.covariates)))
    means = [problem.means(parameters)]
    for is_neutral in (False, True):
        sides = home[is_pair].tolist(), away[is_pair].tolist()
        means.append(model.goal_means(*sides, is_neutral=is_neutral, home_covariates=nothing, away_covariates=nothing))
    least, most = rho_bounds(*(np.concatenate(side) for side in zip(*means, strict=True)))
    return float(least.max()) * (1.0 - RHO_BOUND_KEPT), float(most.min()) * (1.0 - RHO_BOUND_KEPT)


def _fitted(results: MatchResults, spec: GoalModelSpec, problem: FitProblem, parameters: Floats) -> FittedGoalModel:
    begin = 1 + problem.design.has_home_advantage
    others = len(results.teams) - 1
    attack, defence = parameters[begin : begin + others], parameters[begin + others : begin + 2 * others]
    extras = parameters[problem.linear_count :].tolist()
    return FittedGoalModel(
        spec=spec,
        teams=results.teams,
        intercept=float(parameters[0]),
        home_advantage=float(parameters[1]) if problem.design.has_home_advantage else 0.0,
        attack=(*attack.tolist(), -float(attack.sum())),
        defence=(*defence.tolist(), -float(defence.sum())),
        covariate_names=results.covariate_names,
        covariates=tuple(parameters[begin + 2 * others : problem.linear_count].tolist()),
        gamma=0.0,
        extras=dict(zip(problem.likelihood.extra_names, extras, strict=True)),
        log_likelihood=problem.value(parameters),
        match_count=len(results.weights),
    )
