"""Reference values of football against the library: fitted goal models, goal means behind prices, prices of markets."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from markets.fixture import Period
from odds.models.football.bet_builder import price_legs
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import FittedGoalModel, GoalModelSpec, fit_goal_model
from odds.models.football.implied_means import ImpliedMeans, PriceTargets, imply_goal_means
from odds.models.football.likelihoods import Scores, likelihood_of
from odds.models.football.markets import MatchPrices, price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from tests.builders.football_legs import legs, scores_of
from tests.reference.reference_values import Vector, close, read_season

Floats = NDArray[np.float64]

FIXTURES: Final = {
    "Arsenal v Fulham": ("Arsenal", "Fulham"),
    "Man United v Chelsea": ("Man United", "Chelsea"),
    "Bolton v Liverpool": ("Bolton", "Liverpool"),
}
LEG_BY_NAME: Final = {
    "home": "1x2 home",
    "draw": "1x2 draw",
    "over2.5": "total:2.5 over",
    "under2.5": "total:2.5 under",
    "btts": "btts yes",
}
EVEN_PACE: Final = GoalTiming(rise=0.0, first_half_added_minutes=0.0, second_half_added_minutes=0.0)


@cache
def fit_season(family: GoalFamily) -> FittedGoalModel:
    return fit_goal_model(read_season(), GoalModelSpec(family))


def ratings(values: tuple[float, ...], model: FittedGoalModel) -> dict[str, float]:
    return dict(zip(model.teams, values, strict=True))


def result_chances(model: FittedGoalModel) -> tuple[Floats, Floats]:
    """Goal means and chances of home, draw and away of the fixtures that predictions are published for."""
    homes, aways = zip(*FIXTURES.values(), strict=True)
    means = np.stack(model.goal_means(homes, aways), axis=1)
    grid = model.score_grid(means[:, 0], means[:, 1], size=40)
    chances = [np.tril(grid, -1).sum((1, 2)), np.trace(grid, axis1=1, axis2=2), np.triu(grid, 1).sum((1, 2))]
    return means, np.stack(chances, axis=1)


def check_fit_exact(vector: Vector) -> None:
    """Closer than the tolerances of a general optimiser."""
    model, expected = fit_season(GoalFamily.POISSON), vector["expected"]
    assert model.log_likelihood == pytest.approx(expected["loglik"], abs=1e-8)
    assert model.intercept == pytest.approx(expected["intercept"], abs=1e-5)
    assert model.home_advantage == pytest.approx(expected["hfa"], abs=1e-6)
    assert ratings(model.attack, model) == pytest.approx(expected["attack"], abs=1e-5)
    assert ratings(model.defence, model) == pytest.approx(expected["defense"], abs=1e-5)
    predicted = [expected["pred"][name] for name in FIXTURES]
    assert len(predicted) == len(expected["pred"])
    means, chances = result_chances(model)
    np.testing.assert_allclose(means, [[one["lam"], one["mu"]] for one in predicted], atol=2e-5, rtol=0.0)
    close(chances, [[one["p1"], one["px"], one["p2"]] for one in predicted], vector, "prob")


def check_fit_published(vector: Vector) -> None:
    model, expected = fit_season(GoalFamily.POISSON), vector["expected"]
    close(model.log_likelihood, expected["loglik"], vector, "loglik")
    close(model.intercept, expected["intercept"], vector, "param")
    close(model.home_advantage, expected["hfa"], vector, "hfa")
    for name, values in (("attack", model.attack), ("defense", model.defence)):
        by_team = ratings(values, model)
        close([by_team[team] for team in expected[name]], list(expected[name].values()), vector, "param")


def check_dixon_coles(vector: Vector) -> None:
    model, expected = fit_season(GoalFamily.DIXON_COLES), vector["expected"]
    close(model.log_likelihood, expected["loglik"], vector, "loglik")
    close(model.rho, expected["rho"], vector, "rho")
    close(model.home_advantage, expected["hfa"], vector, "other")
    close(model.intercept, expected["intercept"], vector, "other")


def check_strength_adjustment(vector: Vector) -> None:
    model = fit_season(GoalFamily.POISSON).adjusted_for_strength(vector["input"]["rue_salvesen_gamma"])
    close(result_chances(model)[1], vector["expected"]["p1x2"], vector)


def second_step(family: GoalFamily, low: float, high: float) -> float:
    """A family's own parameter where the likelihood is greatest with the means held at the Poisson fit."""
    results, model = read_season(), fit_season(GoalFamily.POISSON)
    names = np.array(model.teams)
    means = model.goal_means(names[results.home_teams].tolist(), names[results.away_teams].tolist())
    scores, likelihood = Scores.of(results.home_goals, results.away_goals), likelihood_of(family, inflated_draws=0)

    def slope(own: float) -> float:
        _, gradients = likelihood.evaluate(scores, np.log(means[0]), np.log(means[1]), np.array([own]))
        return float(gradients[2].sum())

    return float(brentq(slope, low, high))


def check_other_parameters(vector: Vector) -> None:
    expected, tolerance = vector["expected"], vector["tolerance"]
    close(second_step(GoalFamily.DIXON_COLES, -0.25, 0.1), expected["dc_rho_two_step"], vector, "rho")
    upsilon = np.exp(second_step(GoalFamily.CONWAY_MAXWELL, -0.5, 0.5))
    close(upsilon, expected["cmp_upsilon_two_step"], vector, "cmp")
    dispersion = np.exp(fit_season(GoalFamily.NEGATIVE_BINOMIAL).extras["log_dispersion"])
    assert max(dispersion, expected["negbin_dispersion"]) < float(tolerance["negbin"].removeprefix("<"))
    assert_gamma_only_renames(fit_season(GoalFamily.POISSON), expected["rs_gamma"])


def assert_gamma_only_renames(model: FittedGoalModel, gamma: float) -> None:
    """The published gamma is one of many with the same likelihood: other ratings give the means of the fit back."""
    attack, defence = np.array(model.attack), np.array(model.defence)
    strength = (attack + defence) / (1.0 - gamma)
    attack, defence = attack + gamma * strength / 2.0, defence + gamma * strength / 2.0
    renamed = replace(model, attack=tuple(attack.tolist()), defence=tuple(defence.tolist()))
    homes, aways = zip(*FIXTURES.values(), strict=True)
    means = renamed.adjusted_for_strength(gamma).goal_means(homes, aways)
    np.testing.assert_allclose(means, model.goal_means(homes, aways), rtol=1e-12)


def imply_from_result(chances: list[list[float]], rho: float) -> ImpliedMeans:
    columns = (("1x2", "home"), ("1x2", "draw"), ("1x2", "away"))
    return imply_goal_means(
        PriceTargets(columns, np.array(chances), np.ones(3)),
        rhos=np.full(len(chances), rho),
        states=MatchStates.before_kick_off(len(chances)),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )


def check_goal_means(vector: Vector) -> None:
    found = imply_from_result(vector["input"]["p1x2"], 0.0)
    close(np.stack([found.home_means, found.away_means], axis=1), vector["expected"]["expg"], vector)


def check_goal_means_with_rho(vector: Vector) -> None:
    # The rho is that of the package which published the means.
    found = imply_from_result([vector["input"]["predicted_1x2"]], 0.001)
    close(found.home_means[0], vector["expected"]["home_exp"], vector)
    close(found.away_means[0], vector["expected"]["away_exp"], vector)


def price_match(given: Vector, states: MatchStates) -> MatchPrices:
    return price_matches(
        np.array([given["home"]]),
        np.array([given["away"]]),
        rhos=np.array([given.get("rho", 0.0)]),
        states=states,
        timing=EVEN_PACE,
        red_cards=RedCardEffects(),
    )


def fair(prices: MatchPrices, market_id: str, *outcome_ids: str) -> list[float]:
    chances = prices.fair_probabilities()[0]
    return [float(chances[prices.catalogue.column(market_id, outcome_id)]) for outcome_id in outcome_ids]


def check_markets(vector: Vector) -> None:
    prices, expected = price_match(vector["input"], MatchStates.before_kick_off(1)), vector["expected"]
    close(fair(prices, "1x2", "home", "draw", "away"), expected["1x2"], vector)
    for name, market_id, outcome_id in (
        ("btts_yes", "btts", "yes"),
        ("win_to_nil_home", "home_win_to_nil", "yes"),
        ("odd_goals", "odd_even", "odd"),
        ("double_chance_1x", "double_chance", "1x"),
        ("draw_no_bet_home_prob", "draw_no_bet", "home"),
        ("winning_margin_home_by_1", "winning_margin", "home:1"),
    ):
        close(fair(prices, market_id, outcome_id), expected[name], vector)
    scores = expected["correct_score"]
    close(fair(prices, "correct_score", *scores), list(scores.values()), vector)
    odds = prices.fair_decimal_odds()[0]
    for line, over_odds in expected["total_over_fair_odds"].items():
        close(odds[prices.catalogue.column(f"total:{line}", "over")], over_odds, vector)
    for line, parts in expected["asian_handicap_home"].items():
        close(odds[prices.catalogue.column(f"handicap:{line}", "home")], parts["fair_odds"], vector)
        split = prices.stake_parts(f"handicap:{line}", "home")
        names = ("win", "half_win", "push", "half_lose", "lose")
        close([float(getattr(split, name)[0]) for name in names], [parts[name] for name in names], vector)
    given = vector["input"]
    match = scores_of(given["home"], given["away"], given["rho"])
    for names, probability in expected["bet_builder"].items():
        price = price_legs(match, legs(*(LEG_BY_NAME[name] for name in names.split("&"))))
        close(price.fair_probability, probability, vector)


def check_in_play(vector: Vector) -> None:
    given = vector["input"]
    minute = 90.0 * (1.0 - given["time_left_fraction"])
    period = Period.FIRST_HALF if minute < 45.0 else Period.SECOND_HALF
    whole = [np.array([number]) for number in (*given["score"], 0, 0, 0, 0)]
    states = MatchStates(np.array([int(period)]), np.array([minute]), np.array([np.nan]), *whole)
    close(fair(price_match(given, states), "1x2", "home", "draw", "away"), vector["expected"]["1x2"], vector)
