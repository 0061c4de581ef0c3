"""What must hold for races, ratings, outrights and scores whatever the numbers."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bets.calculator import CalculatedLeg, RaceFinish, calculate
from bets.systems import System
from odds.models.racing.each_way import EachWayTerms
from odds.models.racing.ordering import (
    PlaceExponents,
    finish_probabilities,
    place_probabilities,
)
from studies.accuracy.metrics import brier_scores, log_losses, ranked_probability_scores
from studies.accuracy.ratings import EloSettings, PiSettings, PlayedMatches, rate_by_elo, rate_by_pi

powers = st.floats(0.2, 1.5)
models = st.builds(PlaceExponents, powers, powers, powers)
weights = st.floats(1e-6, 1.0)


def as_races(rows: list[list[float]]) -> np.ndarray:
    longest = max(len(row) for row in rows)
    padded = np.array([row + [np.nan] * (longest - len(row)) for row in rows])
    return np.asarray(padded / np.nansum(padded, axis=1)[:, None])


fields = st.lists(st.lists(weights, min_size=4, max_size=8), min_size=1, max_size=4).map(as_races)


@given(fields, models)
def test_every_place_goes_to_somebody(races: np.ndarray, model: PlaceExponents) -> None:
    finish = finish_probabilities(races, model, places=4)
    np.testing.assert_allclose(np.nansum(finish, axis=1), 1.0, atol=1e-12)
    assert ((np.nan_to_num(finish) >= 0.0) & (np.nan_to_num(finish) <= 1.0 + 1e-12)).all()
    assert (np.nan_to_num(finish.sum(axis=2)) <= 1.0 + 1e-12).all()
    for row, race in enumerate(races):
        alone = finish_probabilities(race[None, ~np.isnan(race)], model, places=4)[0]
        np.testing.assert_allclose(alone, finish[row, ~np.isnan(race)], atol=1e-13)


@given(fields, models, st.integers(1, 4))
def test_the_likelier_winner_is_the_likelier_placed(races: np.ndarray, model: PlaceExponents, places: int) -> None:
    placed = place_probabilities(races, model, places=places)
    for chances, row in zip(races, placed, strict=True):
        order = np.argsort(chances[~np.isnan(chances)])
        assert (np.diff(row[~np.isnan(chances)][order]) >= -1e-12).all()
        assert (row[~np.isnan(chances)] >= chances[~np.isnan(chances)] - 1e-12).all()


terms = st.builds(EachWayTerms, st.integers(2, 6), st.sampled_from([Fraction(1, 4), Fraction(1, 5), Fraction(1, 3)]))


@given(
    st.integers(0, 10**9),
    st.integers(1_001, 1_000_000),
    terms,
    st.tuples(st.integers(1, 10), st.integers(1, 4)),
    st.integers(0, 90),
)
def test_an_each_way_return_stays_inside_its_bounds(
    stake: int, odds_milli: int, at: EachWayTerms, finish: tuple[int, int], deducted: int
) -> None:
    position, tied = finish

    def returned(position: int, tied: int, deducted: int) -> int:
        leg = CalculatedLeg(odds_milli, RaceFinish(position, tied, at, deducted))
        return calculate(System(1, (1,)), [leg], unit_stake_minor=stake, is_each_way=True).return_minor

    most = stake * Fraction(odds_milli, 1_000) + stake * (1 + Fraction(odds_milli - 1_000, 1_000) * at.fraction)
    assert 0 <= returned(position, tied, deducted) <= most
    assert returned(position, tied, deducted) <= returned(position, tied, 0)
    assert returned(position, 1, deducted) <= returned(max(1, position - 1), 1, deducted)
    assert returned(1, tied, deducted) <= returned(1, 1, deducted)


played = st.lists(
    st.tuples(st.permutations(range(5)).map(lambda teams: teams[:2]), st.integers(0, 6), st.integers(0, 6)),
    min_size=1,
    max_size=40,
)


@given(played, st.floats(1.0, 60.0), st.floats(0.0, 1.0))
def test_ratings_in_waves_are_ratings_one_by_one(
    rows: list[tuple[list[int], int, int]], step: float, rate: float
) -> None:
    columns = [(pair[0], pair[1], one, other) for pair, one, other in rows]
    matches = PlayedMatches(*(np.array(column) for column in zip(*columns, strict=True)))
    elo = EloSettings(np.array([step, 20.0]), np.array([0.0, 1.0]), np.array([0.0, 80.0]))
    pi = PiSettings(np.array([rate, 0.035]), np.array([0.5, 0.7]))
    elo_start, pi_start = np.full((2, 5), 1_500.0), np.zeros((2, 5, 2))
    by_elo, by_pi = rate_by_elo(matches, elo, elo_start), rate_by_pi(matches, pi, pi_start)
    np.testing.assert_allclose(by_elo.ratings.sum(axis=1), 7_500.0)
    np.testing.assert_allclose(by_pi.ratings.sum(axis=(1, 2)), 0.0, atol=1e-9)
    for position, row in enumerate(columns):
        one = PlayedMatches(*(np.array([value]) for value in row))
        next_elo, next_pi = rate_by_elo(one, elo, elo_start), rate_by_pi(one, pi, pi_start)
        np.testing.assert_allclose(next_elo.forecasts[:, 0], by_elo.forecasts[:, position], atol=1e-9)
        np.testing.assert_allclose(next_pi.forecasts[:, 0], by_pi.forecasts[:, position], atol=1e-9)
        elo_start, pi_start = next_elo.ratings, next_pi.ratings
    np.testing.assert_allclose(by_elo.ratings, elo_start, atol=1e-9)
    np.testing.assert_allclose(by_pi.ratings, pi_start, atol=1e-9)


forecasts = st.lists(weights, min_size=2, max_size=6).map(lambda row: np.array(row) / sum(row))


@given(forecasts, st.data())
def test_no_forecast_expects_a_better_score_than_the_truth(truth: np.ndarray, data: st.DataObject) -> None:
    other = np.array(data.draw(st.lists(weights, min_size=len(truth), max_size=len(truth))))
    other = other / other.sum()
    results = np.arange(len(truth))
    for score in (ranked_probability_scores, brier_scores, log_losses):
        honest, bent = (score(np.tile(row, (len(truth), 1)), results) @ truth for row in (truth, other))
        assert honest <= bent + 1e-9
        assert honest >= 0.0
