"""Elo and Pi ratings against their formulas, one match after the other."""

import csv
from math import log10

import numpy as np
import pytest

from infra.settings import ROOT
from odds.model_input import ModelInputInvalid
from studies.accuracy.metrics import mean_of, ranked_probability_scores
from studies.accuracy.ratings import (
    EloSettings,
    OrderedLogit,
    PiSettings,
    PlayedMatches,
    expected_score,
    find_waves,
    fit_ordered_logit,
    rate_by_elo,
    rate_by_pi,
)

SEASON = ROOT.parent / "shared" / "data" / "football" / "E0_2011-2012.csv"


def matches(*rows: tuple[int, int, int, int]) -> PlayedMatches:
    return PlayedMatches(*(np.array(column) for column in zip(*rows, strict=True)))


def elo(step: float, margin_power: float = 0.0, home_advantage: float = 0.0) -> EloSettings:
    return EloSettings(np.array([step]), np.array([margin_power]), np.array([home_advantage]))


def test_an_even_win_moves_half_a_step_and_a_draw_none() -> None:
    rated = rate_by_elo(matches((0, 1, 1, 0)), elo(20.0), np.full((1, 2), 1_500.0))
    assert rated.ratings.tolist() == [[1_510.0, 1_490.0]]
    assert rated.forecasts.tolist() == [[0.5]]
    drawn = rate_by_elo(matches((0, 1, 2, 2)), elo(20.0), np.full((1, 2), 1_500.0))
    assert drawn.ratings.tolist() == [[1_500.0, 1_500.0]]
    assert expected_score(np.array([400.0]))[0] == pytest.approx(10.0 / 11.0)


def test_home_advantage_and_margin_count_as_set() -> None:
    rated = rate_by_elo(matches((0, 1, 0, 3)), elo(10.0, 1.0, 100.0), np.full((1, 2), 1_500.0))
    expected = 1.0 / (1.0 + 10.0 ** (-100.0 / 400.0))
    np.testing.assert_allclose(rated.ratings, [[1_500.0 - 40.0 * expected, 1_500.0 + 40.0 * expected]])


def test_a_pi_rating_moves_as_the_paper_says() -> None:
    ratings = np.array([[[1.6, 0.4], [0.3, -1.2]]])
    rated = rate_by_pi(matches((0, 1, 4, 1)), PiSettings(np.array([0.035]), np.array([0.7])), ratings)
    expected = (10.0 ** (1.6 / 3.0) - 1.0) + (10.0 ** (1.2 / 3.0) - 1.0)
    move = 0.035 * 3.0 * log10(1.0 + expected - 3.0)
    assert rated.forecasts[0, 0] == pytest.approx(expected)
    np.testing.assert_allclose(
        rated.ratings, [[[1.6 - move, 0.4 - 0.7 * move], [0.3 + 0.7 * move, -1.2 + move]]], atol=1e-14
    )
    np.testing.assert_allclose(rated.ratings, [[[1.5701, 0.3791], [0.3209, -1.1701]]], atol=5e-5)


def test_waves_keep_each_teams_order_and_never_hold_a_team_twice() -> None:
    home, away = np.array([0, 2, 1, 0, 3]), np.array([1, 3, 2, 4, 1])
    waves = [wave.tolist() for wave in find_waves(home, away)]
    assert waves == [[0, 1], [2, 3], [4]]


@pytest.mark.skipif(not SEASON.is_file(), reason="the reference data is not beside the repository")
def test_a_real_season_is_rated_as_one_match_after_the_other_and_forecasts_better_than_chance() -> None:
    with SEASON.open(encoding="latin-1") as file:
        rows = [row for row in csv.DictReader(file) if row["FTHG"]]
    teams = sorted({row["HomeTeam"] for row in rows})
    played = matches(
        *((teams.index(r["HomeTeam"]), teams.index(r["AwayTeam"]), int(r["FTHG"]), int(r["FTAG"])) for r in rows)
    )
    settings = PiSettings(np.array([0.035, 0.1]), np.array([0.7, 0.3]))
    together = rate_by_pi(played, settings, np.zeros((2, 20, 2)))
    alone = np.zeros((2, 20, 2))
    for position in range(380):
        one = matches(tuple(int(column[position]) for column in vars_of(played)))  # type: ignore[arg-type]
        rated = rate_by_pi(one, settings, alone)
        np.testing.assert_allclose(rated.forecasts[:, 0], together.forecasts[:, position], atol=1e-12)
        alone = rated.ratings
    np.testing.assert_allclose(alone, together.ratings, atol=1e-12)
    results = 1 - np.sign(played.home_goals - played.away_goals)
    model = fit_ordered_logit(together.forecasts[0, :190], results[:190])
    score = mean_of(ranked_probability_scores(model.probabilities(together.forecasts[0, 190:]), results[190:]))
    by_chance = np.tile(np.bincount(results[:190], minlength=3) / 190.0, (190, 1))
    assert score.mean < mean_of(ranked_probability_scores(by_chance, results[190:])).mean - 0.01


def vars_of(played: PlayedMatches) -> tuple[np.ndarray, ...]:
    return played.home, played.away, played.home_goals, played.away_goals


def test_an_ordered_logit_is_found_again() -> None:
    generator = np.random.default_rng(2)
    model = OrderedLogit(0.006, -0.9, 0.3)
    differences = generator.normal(0.0, 150.0, 40_000)
    chances = model.probabilities(differences)
    results = (generator.random(40_000)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1)
    found = fit_ordered_logit(differences, results)
    assert found.slope == pytest.approx(model.slope, rel=0.05)
    assert found.away_cut == pytest.approx(model.away_cut, abs=0.05)
    assert found.home_cut == pytest.approx(model.home_cut, abs=0.05)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="two teams"):
        matches((1, 1, 0, 0))
    with pytest.raises(ModelInputInvalid, match="Goals must be 0 or more, was -1"):
        matches((0, 1, 0, -1))
    with pytest.raises(ModelInputInvalid, match="must occur"):
        fit_ordered_logit(np.zeros(3), np.array([0, 0, 2]))
    with pytest.raises(ModelInputInvalid, match="away cut"):
        OrderedLogit(1.0, 0.5, 0.4)
