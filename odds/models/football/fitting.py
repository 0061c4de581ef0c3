"""Maximum likelihood for goal models: damped Newton steps on the whole parameter vector.

The gradient is analytic. The curvature comes from central differences of each match's own gradient, in its two means
and the family's few parameters, carried to the teams by the design matrix: exact to about ten digits, which keeps the
steps quadratic, while the gradient alone decides where the maximum is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from kernel.errors import Category, DomainError
from odds.models.football.likelihoods import Likelihood, Scores
from odds.models.football.results import MatchResults

Floats = NDArray[np.float64]

STEPS_MAX = 200
GAIN_TOLERANCE = 1e-11
"""A fit ends where the quadratic model sees no more than this to gain in log-likelihood."""
DAMPING_MIN = 1e-9
DAMPING_MAX = 1e12
STEP_MAX = 2.0
CURVATURE_MIN = 1e-6
"""Damping takes no parameter for flatter: at a bound some are all but flat, and their steps would dwarf all others."""
DIFFERENCE = 1e-5


class FitNotConverged(DomainError):
    """The steps allowed did not reach the maximum of the likelihood."""

    reason = "FIT_NOT_CONVERGED"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """How the parameters of a model enter the logarithms of the means: linearly.

    Columns: intercept, home advantage where somebody is at home, attack and defence of all teams but the last (those
    of the last are minus the sum of the others), covariates.

    Attributes:
        home: Shape (n, n_linear).
        away: Shape (n, n_linear).
        has_home_advantage: Whether anybody is at home.
    """

    home: Floats
    away: Floats
    has_home_advantage: bool

    @classmethod
    def of(cls, results: MatchResults) -> Design:
        """Return the design of results."""
        at_home, visiting = _team_columns(results)
        ones = np.ones((len(results.weights), 1))
        is_home = (~results.is_neutral).astype(np.float64)[:, None]
        has_home_advantage = bool(is_home.any())
        advantage = (is_home, np.zeros_like(is_home)) if has_home_advantage else (is_home[:, :0], is_home[:, :0])
        return cls(
            np.hstack([ones, advantage[0], at_home, -visiting, results.home_covariates]),
            np.hstack([ones, advantage[1], visiting, -at_home, results.away_covariates]),
            has_home_advantage,
        )


@dataclass(frozen=True, slots=True, eq=False)
class FitProblem:
    """What is maximised: the weighted log-likelihood over linear parameters and the family's own."""

    likelihood: Likelihood
    scores: Scores
    weights: Floats
    design: Design

    @property
    def linear_count(self) -> int:
        """Return how many parameters enter the means linearly."""
        return int(self.design.home.shape[1])

    def start(self) -> Floats:
        """Return equal teams and the family's own start."""
        linear = np.zeros(self.linear_count)
        goals = np.average(self.scores.home + self.scores.away, weights=self.weights) / 2.0
        linear[0] = np.log(max(goals, 0.05))
        return np.concatenate([linear, self.likelihood.start])

    def value(self, parameters: Floats) -> float:
        """Return the log-likelihood."""
        home_etas, away_etas = self._etas(parameters)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            values, _ = self.likelihood.evaluate(self.scores, home_etas, away_etas, parameters[self.linear_count :])
            total = float(self.weights @ values)
        return total if np.isfinite(total) else -np.inf

    def gradient(self, parameters: Floats) -> Floats:
        """Return the gradient of the log-likelihood."""
        home_etas, away_etas = self._etas(parameters)
        _, slopes = self.likelihood.evaluate(self.scores, home_etas, away_etas, parameters[self.linear_count :])
        slopes *= self.weights
        means = self.design.home.T @ slopes[0] + self.design.away.T @ slopes[1]
        return np.concatenate([means, slopes[2:].sum(axis=1)])

    def curvature(self, parameters: Floats) -> Floats:
        """Return the Hessian of the log-likelihood, symmetric."""
        home_etas, away_etas = self._etas(parameters)
        extras = parameters[self.linear_count :]
        blocks = self._match_curvature(home_etas, away_etas, extras)
        home, away, begin = self.design.home, self.design.away, self.linear_count
        hessian = np.empty((len(parameters), len(parameters)))
        hessian[:begin, :begin] = home.T @ (blocks[0, 0][:, None] * home + blocks[0, 1][:, None] * away)
        hessian[:begin, :begin] += away.T @ (blocks[0, 1][:, None] * home + blocks[1, 1][:, None] * away)
        cross = home.T @ blocks[0, 2:].T + away.T @ blocks[1, 2:].T
        hessian[:begin, begin:] = cross
        hessian[begin:, :begin] = cross.T
        hessian[begin:, begin:] = blocks[2:, 2:].sum(axis=2)
        return hessian

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the least and the most each parameter may be."""
        free = np.full(self.linear_count, np.inf)
        return np.concatenate([-free, self.likelihood.lower]), np.concatenate([free, self.likelihood.upper])

    def means(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Return the means of the matches that are fitted to, each of shape (n,)."""
        home_etas, away_etas = self._etas(parameters)
        return np.exp(home_etas), np.exp(away_etas)

    def _etas(self, parameters: Floats) -> tuple[Floats, Floats]:
        linear = parameters[: self.linear_count]
        return self.design.home @ linear, self.design.away @ linear

    def _match_curvature(self, home_etas: Floats, away_etas: Floats, extras: Floats) -> Floats:
        inner = [home_etas, away_etas, *extras]
        blocks = np.empty((len(inner), len(inner), len(home_etas)))
        for index in range(len(inner)):
            sides = []
            for step in (DIFFERENCE, -DIFFERENCE):
                moved = [value + step if place == index else value for place, value in enumerate(inner)]
                moved_extras = np.array(moved[2:], dtype=np.float64)
                sides.append(self.likelihood.evaluate(self.scores, moved[0], moved[1], moved_extras)[1])
            blocks[index] = (sides[0] - sides[1]) / (2.0 * DIFFERENCE)
        return (blocks + blocks.transpose(1, 0, 2)) * (0.5 * self.weights)


def maximise(problem: FitProblem, start: Floats) -> Floats:
    """Climb from `start` to a maximum by Newton's steps, damped where the curvature misleads.

    Returns:
        Parameters at which no more than 1e-11 of log-likelihood is to be gained, to second order.

    Raises:
        FitNotConverged: If 200 steps do not get there.
    """
    lower, upper = problem.bounds()
    parameters = np.clip(start, lower, upper)
    value, damping = problem.value(parameters), DAMPING_MIN
    for _ in range(STEPS_MAX):
        slope = _FreeSlope.at(problem, parameters)
        parameters, value, damping, gain = _climb(problem, slope, parameters, value, damping)
        if gain <= GAIN_TOLERANCE:
            return parameters
    raise FitNotConverged(f"A fit must reach the maximum within {STEPS_MAX} steps, did not")


@dataclass(frozen=True, slots=True, eq=False)
class _FreeSlope:
    is_free: NDArray[np.bool_]
    gradient: Floats
    curvature: Floats

    @classmethod
    def at(cls, problem: FitProblem, parameters: Floats) -> _FreeSlope:
        """Return slope and curvature over the parameters that are not held at a bound."""
        lower, upper = problem.bounds()
        gradient = problem.gradient(parameters)
        is_held = ((parameters <= lower) & (gradient < 0.0)) | ((parameters >= upper) & (gradient > 0.0))
        is_free = ~is_held
        return cls(is_free, gradient[is_free], -problem.curvature(parameters)[np.ix_(is_free, is_free)])


def _climb(
    problem: FitProblem, slope: _FreeSlope, parameters: Floats, value: float, damping: float
) -> tuple[Floats, float, float, float]:
    """Return where the first step that does not go down leads, its value, the next damping, and what was to gain."""
    lower, upper = problem.bounds()
    while damping <= DAMPING_MAX:
        step, gain = _damped_step(slope, damping)
        if step is not None:
            moved = parameters.copy()
            moved[slope.is_free] += step
            np.clip(moved, lower, upper, out=moved)
            moved_value = problem.value(moved)
            if moved_value >= value:
                is_newton = damping <= DAMPING_MIN
                return moved, moved_value, max(damping / 100.0, DAMPING_MIN), gain if is_newton else np.inf
            if gain <= GAIN_TOLERANCE:
                return parameters, value, damping, gain
        damping *= 10.0
    raise FitNotConverged("The log-likelihood must rise along its gradient, did not")


def _damped_step(slope: _FreeSlope, damping: float) -> tuple[Floats | None, float]:
    """Return the step and what it promises to gain; none where the curvature is not that of a maximum."""
    diagonal = np.abs(np.diag(slope.curvature)) + CURVATURE_MIN
    try:
        factor = cho_factor(slope.curvature + np.diag(damping * diagonal))
    except (LinAlgError, ValueError):
        return None, np.inf
    step = cho_solve(factor, slope.gradient)
    longest = float(np.abs(step).max(initial=0.0))
    gain = 0.5 * float(slope.gradient @ step)
    return (step * (STEP_MAX / longest) if longest > STEP_MAX else step), gain


def _team_columns(results: MatchResults) -> tuple[Floats, Floats]:
    """Return effect-coded team columns: one a team but the last, whose row is -1 throughout."""
    codes = np.vstack([np.eye(len(results.teams) - 1), np.full((1, len(results.teams) - 1), -1.0)])
    return codes[results.home_teams], codes[results.away_teams]
