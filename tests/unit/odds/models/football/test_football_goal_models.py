"""Goal models fitted to results; their published and exact figures are among the reference values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from odds.models.football.fitting import maximise
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import (
    FittedGoalModel,
    GoalModelMalformed,
    GoalModelSpec,
    fit_goal_model,
    problem_of,
)
from odds.models.football.results import MatchResults, ResultsMalformed, decay_weights
from tests.reference.reference_values import read_season

Floats = NDArray[np.float64]

POISSON = GoalModelSpec(GoalFamily.POISSON)
SPECS = (
    POISSON,
    GoalModelSpec(GoalFamily.DIXON_COLES),
    GoalModelSpec(GoalFamily.NEGATIVE_BINOMIAL),
    GoalModelSpec(GoalFamily.CONWAY_MAXWELL),
    GoalModelSpec(GoalFamily.BIVARIATE_POISSON),
    GoalModelSpec(GoalFamily.BIVARIATE_POISSON, inflated_draws=3),
)


def drawn_season(seed: int, *, teams: int = 8) -> MatchResults:
    random = np.random.default_rng(seed)
    names = [f"team {number}" for number in range(teams)]
    pairs = [(home, away) for home in names for away in names if home != away]
    goals = random.poisson(1.4, (2, len(pairs)))
    return MatchResults.of(
        [home for home, _ in pairs],
        [away for _, away in pairs],
        goals[0],
        goals[1],
        is_neutral=(random.random(len(pairs)) < 0.2).tolist(),
        weights=random.uniform(0.2, 1.0, len(pairs)),
        covariate_names=("rest_days",),
        home_covariates=random.normal(0.0, 1.0, (len(pairs), 1)),
        away_covariates=random.normal(0.0, 1.0, (len(pairs), 1)),
    )


def test_dixon_coles_reaches_the_maximum_of_the_season() -> None:
    model = fit_goal_model(read_season(), GoalModelSpec(GoalFamily.DIXON_COLES))
    assert model.log_likelihood == pytest.approx(-1087.3593, abs=1e-4)
    assert model.rho == pytest.approx(-0.13365, abs=1e-5)


def test_the_season_shows_no_overdispersion() -> None:
    model = fit_goal_model(read_season(), GoalModelSpec(GoalFamily.NEGATIVE_BINOMIAL))
    assert np.exp(model.extras["log_dispersion"]) < 1e-3
    assert model.log_likelihood == pytest.approx(-1088.99104, abs=1e-4)


def test_the_season_varies_less_than_poisson_and_grids_show_it() -> None:
    model = fit_goal_model(read_season(), GoalModelSpec(GoalFamily.CONWAY_MAXWELL))
    assert model.log_likelihood > -1088.1
    assert np.exp(model.extras["log_upsilon"]) > 1.05
    means = model.goal_means(["Arsenal"], ["Fulham"])
    goals, masses = np.arange(40.0), model.score_grid(*means, size=40).sum(axis=2)[0]
    assert masses @ goals**2 - (masses @ goals) ** 2 < 0.95 * means[0][0]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_gradients_and_curvature_agree_with_finite_differences(spec: GoalModelSpec) -> None:
    problem = problem_of(drawn_season(3), spec)
    point = problem.start() + np.random.default_rng(1).normal(0.0, 0.1, len(problem.start()))
    steps = np.eye(len(point)) * 1e-6
    slopes = [(problem.value(point + step) - problem.value(point - step)) / 2e-6 for step in steps]
    bends = [(problem.gradient(point + step) - problem.gradient(point - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(problem.gradient(point), slopes, atol=2e-6)
    np.testing.assert_allclose(problem.curvature(point), np.array(bends), atol=2e-6)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_no_start_leads_higher_than_the_fit(spec: GoalModelSpec) -> None:
    results = drawn_season(5)
    best = fit_goal_model(results, spec)
    random = np.random.default_rng(2)
    start = problem_of(results, spec).start()
    for _ in range(3):
        again = fit_goal_model(results, spec, start=start + random.normal(0.0, 0.15, len(start)))
        assert again.log_likelihood <= best.log_likelihood + 1e-6


@pytest.mark.parametrize("seed", [4, 5, 11])
def test_a_start_at_a_flat_bound_leads_to_a_maximum(seed: int) -> None:
    problem = problem_of(drawn_season(seed), GoalModelSpec(GoalFamily.BIVARIATE_POISSON, inflated_draws=3))
    lower, upper = problem.bounds()
    start = problem.start()
    start[-3:] = [-4.0, 2.0, lower[-1]]
    top = maximise(problem, start)
    slope = problem.gradient(top)
    slope[((top <= lower) & (slope < 0.0)) | ((top >= upper) & (slope > 0.0))] = 0.0
    np.testing.assert_allclose(slope, 0.0, atol=1e-4)
    assert problem.value(top) > problem.value(start)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_every_family_gives_score_grids_of_its_means(spec: GoalModelSpec) -> None:
    model = fit_goal_model(drawn_season(7), spec)
    means = model.goal_means(
        ["team 0"], ["team 1"], home_covariates=np.array([[0.5]]), away_covariates=np.array([[0.0]])
    )
    grid = model.score_grid(*means, size=40)
    assert grid.sum() == pytest.approx(1.0, abs=1e-12)
    assert (grid >= 0.0).all()
    if not spec.inflated_draws:
        assert float((grid.sum(axis=2) @ np.arange(40.0))[0]) == pytest.approx(float(means[0][0]), rel=1e-6)


def test_nobody_at_home_takes_the_advantage_away() -> None:
    model = fit_goal_model(read_season(), POISSON)
    at_home, _ = model.goal_means(["Arsenal"], ["Fulham"])
    neutral, _ = model.goal_means(["Arsenal"], ["Fulham"], is_neutral=True)
    assert float(np.log(at_home / neutral)[0]) == pytest.approx(model.home_advantage)


def test_covariates_find_the_effect_that_made_the_goals() -> None:
    random = np.random.default_rng(11)
    names = [f"team {number}" for number in range(12)]
    pairs = [(home, away) for home in names for away in names if home != away] * 20
    rest = random.normal(0.0, 1.0, (2, len(pairs)))
    goals = random.poisson(np.exp(0.2 + 0.3 * rest))
    results = MatchResults.of(
        [home for home, _ in pairs],
        [away for _, away in pairs],
        goals[0],
        goals[1],
        covariate_names=("rest",),
        home_covariates=rest[0][:, None],
        away_covariates=rest[1][:, None],
    )
    assert fit_goal_model(results, POISSON).covariates[0] == pytest.approx(0.3, abs=0.04)


def test_a_match_of_weight_two_counts_like_two_matches() -> None:
    once = MatchResults.of(["a", "b", "a", "b"], ["b", "a", "b", "a"], [1, 2, 3, 0], [0, 1, 1, 2], weights=[2, 1, 1, 1])
    twice = MatchResults.of(["a", "a", "b", "a", "b"], ["b", "b", "a", "b", "a"], [1, 1, 2, 3, 0], [0, 0, 1, 1, 2])
    assert fit_goal_model(once, POISSON).attack == pytest.approx(fit_goal_model(twice, POISSON).attack, abs=1e-7)


def test_weights_decay_with_the_days() -> None:
    weights = decay_weights(np.array([0.0, 100.0, 200.0]), decay_per_day=0.002)
    np.testing.assert_allclose(weights, [1.0, np.exp(-0.2), np.exp(-0.4)])
    with pytest.raises(ResultsMalformed):
        decay_weights(np.array([-1.0]), decay_per_day=0.002)


@pytest.mark.parametrize(
    ("homes", "aways", "home_goals", "weights"),
    [
        ([], [], [], None),
        (["a"], ["a"], [1], None),
        (["a"], ["b"], [-1], None),
        (["a"], ["b"], [float("nan")], None),
        (["a"], ["b"], [1, 2], None),
        (["a"], ["b"], [1], [float("inf")]),
        (["a"], ["b"], [1], [0.0]),
    ],
)
def test_results_that_cannot_be_are_refused(
    homes: list[str], aways: list[str], home_goals: list[Any], weights: list[float] | None
) -> None:
    with pytest.raises(ResultsMalformed):
        MatchResults.of(homes, aways, home_goals, [0] * len(homes), weights=weights)


def test_unknown_teams_and_missing_covariates_are_refused() -> None:
    model = fit_goal_model(drawn_season(7), POISSON)
    with pytest.raises(GoalModelMalformed, match="nobody"):
        model.goal_means(["nobody"], ["team 1"])
    with pytest.raises(GoalModelMalformed, match="Covariates"):
        model.goal_means(["team 0"], ["team 1"])


DIXON_COLES = GoalModelSpec(GoalFamily.DIXON_COLES)
A_DOZEN = MatchResults.of(
    list("ABCDEFACEBDF"),
    list("BCDEFADEBFAC"),
    [1, 0, 0, 1, 5, 2, 2, 3, 1, 0, 0, 0],
    [1, 0, 4, 1, 2, 3, 1, 0, 2, 0, 4, 0],
)


def means_of_all_pairs(model: FittedGoalModel) -> tuple[Floats, Floats]:
    pairs = [(home, away) for home in model.teams for away in model.teams if home != away]
    means = [
        model.goal_means([home for home, _ in pairs], [away for _, away in pairs], is_neutral=is_neutral)
        for is_neutral in (False, True)
    ]
    return np.concatenate([home for home, _ in means]), np.concatenate([away for _, away in means])


def expect_possible(model: FittedGoalModel) -> None:
    home_means, away_means = means_of_all_pairs(model)
    assert (model.rho >= np.maximum(-1.0 / home_means, -1.0 / away_means)).all()
    assert (model.rho <= np.minimum(1.0 / (home_means * away_means), 1.0)).all()
    grids = model.score_grid(home_means, away_means, size=12)
    assert (grids >= 0.0).all()
    np.testing.assert_allclose(grids.sum(axis=(1, 2)), 1.0, atol=1e-9)


def test_a_dozen_matches_give_a_rho_that_every_pair_may_have() -> None:
    model = fit_goal_model(A_DOZEN, DIXON_COLES)
    expect_possible(model)
    assert model.rho < 0.0
    assert model.log_likelihood >= fit_goal_model(A_DOZEN, POISSON).log_likelihood


@pytest.mark.parametrize("match_count", [20, 30, 40, 60, 80, 100, 150])
def test_the_beginning_of_a_season_gives_a_rho_that_every_pair_may_have(match_count: int) -> None:
    season = read_season()
    beginning = slice(0, match_count)
    model = fit_goal_model(
        MatchResults.of(
            [season.teams[team] for team in season.home_teams[beginning]],
            [season.teams[team] for team in season.away_teams[beginning]],
            season.home_goals[beginning].astype(np.int64),
            season.away_goals[beginning].astype(np.int64),
        ),
        DIXON_COLES,
    )
    expect_possible(model)


def test_a_fixture_has_as_much_of_rho_as_its_means_allow() -> None:
    model = replace(fit_goal_model(read_season(), DIXON_COLES), extras={"rho": -0.5})
    grids = model.score_grid(np.array([1.2, 4.0]), np.array([1.1, 0.5]), size=12)
    assert (grids >= 0.0).all()
    np.testing.assert_allclose(grids.sum(axis=(1, 2)), 1.0, atol=1e-12)
    assert grids[1, 0, 1] == pytest.approx(0.0, abs=1e-15)
    assert grids[0, 0, 1] == pytest.approx(1.1 * np.exp(-2.3) * (1.0 - 0.5 * 1.2))
