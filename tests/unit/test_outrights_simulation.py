"""Outrights against small leagues whose chances can be counted."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import poisson

from odds.model_input import ModelInputInvalid
from odds.outrights import LeagueTable, RemainingFixtures, SeasonOutcomes, simulate_seasons

SEASONS = 40_000


def league(
    points: list[int], goals_for: list[int] | None = None, goals_against: list[int] | None = None
) -> LeagueTable:
    nothing = [0] * len(points)
    return LeagueTable(*(np.array(counts) for counts in (points, goals_for or nothing, goals_against or nothing)))


def fixtures(*rows: tuple[int, int, float, float]) -> RemainingFixtures:
    def column(at: int, kind: type) -> np.ndarray:
        return np.array([row[at] for row in rows], dtype=kind)

    return RemainingFixtures(column(0, int), column(1, int), column(2, float), column(3, float))


def play(table: LeagueTable, left: RemainingFixtures, seed: int = 5, strength_sd: float = 0.0) -> SeasonOutcomes:
    return simulate_seasons(table, left, np.random.default_rng(seed), seasons=SEASONS, strength_sd=strength_sd)


def test_the_table_decides_once_nothing_is_left() -> None:
    none_left = fixtures()
    outcomes = play(league([10, 12, 10, 10], [9, 5, 9, 8], [4, 5, 3, 3]), none_left)
    # By points, then goal difference (6 before 5 twice), then goals (9 before 8).
    assert outcomes.counts.tolist() == [
        [0, 0, SEASONS, 0],
        [SEASONS, 0, 0, 0],
        [0, SEASONS, 0, 0],
        [0, 0, 0, SEASONS],
    ]
    assert outcomes.points_mean.tolist() == [10.0, 12.0, 10.0, 10.0]
    assert (outcomes.winner().standard_errors > 0.0).all()


def test_teams_level_throughout_are_parted_by_lot() -> None:
    winner = play(league([3, 3, 3]), fixtures()).winner()
    assert np.abs(winner.probabilities - 1.0 / 3.0).max() < 4.0 * winner.standard_errors.max()


def test_chances_agree_with_all_results_counted() -> None:
    table = league([4, 3, 1], [3, 2, 1], [2, 2, 2])
    left = fixtures((0, 1, 1.4, 1.1), (2, 0, 0.8, 1.7))
    exact = np.zeros((3, 3))
    goals = range(14)
    chances = [[poisson.pmf(goals, mean) for mean in means] for means in ((1.4, 1.1), (0.8, 1.7))]
    for a, b, c, d in product(goals, repeat=4):
        chance = chances[0][0][a] * chances[0][1][b] * chances[1][0][c] * chances[1][1][d]
        points, scored, conceded = [4, 3, 1], [3 + a + d, 2 + b, 1 + c], [2 + b + c, 2 + a, 2 + d]
        for home, away, one, other in ((0, 1, a, b), (2, 0, c, d)):
            points[home] += 3 * (one > other) + (one == other)
            points[away] += 3 * (one < other) + (one == other)
        standing = [(points[team], scored[team] - conceded[team], scored[team]) for team in range(3)]
        for team in range(3):
            better = sum(other > standing[team] for other in standing)
            level = sum(other == standing[team] for other in standing)
            exact[team, better : better + level] += chance / level
    outcomes = play(table, left)
    positions = outcomes.positions()
    assert (np.abs(positions.probabilities - exact) < 4.0 * positions.standard_errors + 1e-4).all()
    np.testing.assert_allclose(outcomes.top(2).probabilities, positions.probabilities[:, :2].sum(axis=1))
    np.testing.assert_allclose(outcomes.bottom(1).probabilities, positions.probabilities[:, 2])


def test_the_errors_stated_are_those_that_happen() -> None:
    table, left = league([0, 0, 0]), fixtures((0, 1, 1.5, 1.0), (1, 2, 1.3, 1.3), (2, 0, 1.1, 1.4))
    runs = [
        simulate_seasons(table, left, np.random.default_rng(seed), seasons=500, strength_sd=0.0).winner()
        for seed in range(200)
    ]
    spread = np.std([run.probabilities for run in runs], axis=0)
    np.testing.assert_allclose(spread, runs[0].standard_errors, rtol=0.25)


def test_the_same_seed_gives_the_same_answer_and_another_one_does_not() -> None:
    table, left = league([0, 0]), fixtures((0, 1, 1.4, 1.2))
    assert play(table, left, seed=1).counts.tolist() == play(table, left, seed=1).counts.tolist()
    assert play(table, left, seed=1).counts.tolist() != play(table, left, seed=2).counts.tolist()


def test_uncertain_strengths_spread_the_chances() -> None:
    home, away = (side.ravel() for side in np.where(~np.eye(8, dtype=bool)))
    means = np.where(home == 0, 2.2, 1.3), np.where(away == 0, 2.0, 1.2)
    left = RemainingFixtures(home, away, *means)
    certain, uncertain = (play(league([0] * 8), left, strength_sd=sd).winner().probabilities for sd in (0.0, 0.3))
    assert certain[0] > uncertain[0] + 0.05
    assert uncertain.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0, 0, 1.0, 1.0), "must play another"),
        ((0, 3, 1.0, 1.0), "Teams must be 0 to 1, was 3"),
        ((0, 1, 0.0, 1.0), "Goal means"),
        ((0, 1, 1.0, float("nan")), "Goal means must be above 0.0 and up to 30.0, was nan in row 0"),
    ],
)
def test_fixtures_that_cannot_be_are_refused(row: tuple[int, int, float, float], message: str) -> None:
    with pytest.raises(ModelInputInvalid, match=message):
        play(league([0, 0]), fixtures(row))


def test_counts_that_cannot_be_are_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ModelInputInvalid, match="Seasons"):
        simulate_seasons(league([0, 0]), fixtures(), generator, seasons=0, strength_sd=0.0)
    with pytest.raises(ModelInputInvalid, match="standard deviation"):
        simulate_seasons(league([0, 0]), fixtures(), generator, seasons=1, strength_sd=-0.1)
    outcomes = play(league([0, 1]), fixtures())
    for places in (0, 3):
        with pytest.raises(ModelInputInvalid, match="Places must be 1 to 2"):
            outcomes.top(places)
