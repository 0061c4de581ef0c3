"""Limited-overs cricket against the published resource table and innings played at random."""

import numpy as np
import pytest
from scipy.stats import nbinom

from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag
from odds.models.cricket import (
    InningsScores,
    MatchForecast,
    flag_matches,
    resources,
    runs_to_come,
    win_matches,
)

TABLE = {
    0: (100.0, 89.3, 75.1, 66.5, 56.6, 32.1, 17.2),
    2: (85.1, 77.8, 67.3, 60.5, 52.4, 30.8, 16.8),
    5: (49.0, 47.6, 44.7, 42.2, 38.6, 26.1, 15.4),
    7: (22.0, 22.0, 21.8, 21.7, 21.2, 17.9, 12.5),
    9: (4.7, 4.7, 4.7, 4.7, 4.7, 4.7, 4.6),
}


def forecast(count: int = 1, first: float = 250.0, second: float = 250.0) -> MatchForecast:
    return MatchForecast(
        np.full(count, first), np.full(count, second), np.full(count, 12.0), np.full(count, 300, dtype=np.int64)
    )


def chase(runs: int, wickets: int, balls_left: int, target: int) -> InningsScores:
    return InningsScores(*(np.array([value]) for value in (True, runs, wickets, balls_left, target)))


def first_innings(runs: int, wickets: int, balls_left: int) -> InningsScores:
    return InningsScores(*(np.array([value]) for value in (False, runs, wickets, balls_left, 0)))


@pytest.mark.parametrize("wickets", TABLE)
def test_resources_are_close_to_the_published_table(wickets: int) -> None:
    balls = np.array([50, 40, 30, 25, 20, 10, 5]) * 6
    np.testing.assert_allclose(resources(balls, np.full(7, wickets)) * 100.0, TABLE[wickets], atol=0.7)


def test_resources_agree_where_the_fit_did_not_look() -> None:
    np.testing.assert_allclose(resources(np.full(3, 180), np.array([4, 6, 8])) * 100.0, [54.1, 33.6, 11.9], atol=0.7)


def test_a_side_all_out_or_out_of_balls_scores_no_more() -> None:
    assert runs_to_come(np.array([250.0]), np.array([300]), np.array([100]), np.array([10])).tolist() == [0.0]
    assert runs_to_come(np.array([250.0]), np.array([300]), np.array([0]), np.array([3])).tolist() == [0.0]
    assert runs_to_come(np.array([160.0]), np.array([120]), np.array([120]), np.array([0])).tolist() == [160.0]


@pytest.mark.parametrize(
    ("state", "chances"),
    [
        (chase(251, 4, 10, 251), [0.0, 0.0, 1.0]),
        (chase(250, 10, 10, 251), [0.0, 1.0, 0.0]),
        (chase(250, 4, 0, 251), [0.0, 1.0, 0.0]),
        (chase(249, 4, 0, 251), [1.0, 0.0, 0.0]),
    ],
    ids=["target reached", "all out level", "no balls left level", "no balls left short"],
)
def test_a_chase_that_is_over_is_certain(state: InningsScores, chances: list[float]) -> None:
    assert win_matches(forecast(), state).tolist() == [chances]


TWENTY_OVERS = MatchForecast(np.array([165.0]), np.array([165.0]), np.array([7.0]), np.array([120]))


@pytest.mark.parametrize("of", [TWENTY_OVERS, forecast()], ids=["20 overs", "50 overs"])
@pytest.mark.parametrize(
    ("needed", "balls_left", "least", "most"),
    [
        *((6, 1, 0.04, 0.15), (7, 1, 0.001, 0.01), (8, 1, 0.0, 0.01), (12, 1, 0.0, 0.002), (13, 1, 0.0, 0.002)),
        *((12, 2, 0.0025, 0.05), (13, 2, 0.0002, 0.01), (19, 3, 0.0, 0.01), (25, 3, 0.0, 0.002), (37, 6, 0.0, 0.002)),
        (24, 6, 0.02, 0.2),
    ],
)
def test_more_than_six_a_ball_needs_an_extra(
    of: MatchForecast, needed: int, balls_left: int, least: float, most: float
) -> None:
    chances = win_matches(of, chase(160 - needed, 5, balls_left, 160))[0]
    assert least <= chances[2] <= most
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_last_balls_of_the_first_innings_are_bounded_as_those_of_a_chase() -> None:
    one_ball = MatchForecast(np.array([1.5]), np.array([1.5]), np.array([7.0]), np.array([1]))
    off_the_ball = [win_matches(one_ball, chase(0, 0, 1, needed))[0, 2] for needed in range(1, 40)]
    masses = -np.diff([1.0, *off_the_ball, 0.0])
    level = float((masses**2).sum())
    chances = win_matches(one_ball, first_innings(0, 0, 1))[0]
    np.testing.assert_allclose(chances, [(1.0 - level) / 2.0, level, (1.0 - level) / 2.0], atol=1e-9)


def test_what_six_a_ball_reaches_early_is_not_bounded() -> None:
    early, at_once = forecast(), chase(0, 0, 300, 301)
    reached = negative_binomial_at_least(301, 250.0, 12.0)
    assert win_matches(early, at_once)[0, 2] == pytest.approx(reached, abs=1e-12)


def negative_binomial_at_least(runs: int, mean: float, dispersion: float) -> float:
    return float(nbinom.sf(runs - 1, mean / (dispersion - 1.0), 1.0 / dispersion))


def test_chances_agree_with_innings_played_at_random() -> None:
    generator = np.random.default_rng(11)
    games = 200_000

    def score(mean: float) -> np.ndarray:
        return generator.negative_binomial(mean / 11.0, 1.0 / 12.0, games)

    def agree(sample: np.ndarray, chance: float) -> None:
        assert abs(sample.mean() - chance) < 4.0 * np.sqrt(chance * (1.0 - chance) / games)

    to_come = runs_to_come(np.array([250.0]), np.array([300]), np.array([120]), np.array([3]))[0]
    first, second = 140 + score(to_come), score(240.0)
    chances = win_matches(forecast(second=240.0), first_innings(140, 3, 120))[0]
    for column, sample in enumerate((first > second, first == second, first < second)):
        agree(sample, chances[column])
    second = 140 + score(to_come)
    chances = win_matches(forecast(), chase(140, 3, 120, 252))[0]
    for column, sample in enumerate((second < 251, second == 251, second > 251)):
        agree(sample, chances[column])


def test_the_end_of_the_first_innings_is_the_start_of_the_chase() -> None:
    before = win_matches(forecast(), first_innings(231, 7, 0))
    after = win_matches(forecast(), chase(0, 0, 300, 232))
    np.testing.assert_allclose(before, after, atol=1e-11)


def test_sides_alike_win_alike() -> None:
    chances = win_matches(forecast(), first_innings(0, 0, 300))[0]
    assert chances[0] == pytest.approx(chances[2], abs=1e-11)


BAD_MATCHES = {
    "wickets past ten": ("wickets", 11, RowFlag.INNINGS_IMPOSSIBLE),
    "wickets below none": ("wickets", -1, RowFlag.INNINGS_IMPOSSIBLE),
    "runs below none": ("runs", -1, RowFlag.INNINGS_IMPOSSIBLE),
    "more balls than an innings": ("balls_left", 301, RowFlag.INNINGS_IMPOSSIBLE),
    "balls below none": ("balls_left", -1, RowFlag.INNINGS_IMPOSSIBLE),
    "no target": ("target", 0, RowFlag.INNINGS_IMPOSSIBLE),
    "no runs expected": ("first_mean", 0.0, RowFlag.FORECAST_OUT_OF_RANGE),
    "unknown runs": ("second_mean", np.nan, RowFlag.FORECAST_OUT_OF_RANGE),
    "no dispersion": ("dispersion", 1.0, RowFlag.FORECAST_OUT_OF_RANGE),
    "no innings": ("innings_balls", 0, RowFlag.FORECAST_OUT_OF_RANGE),
}


@pytest.mark.parametrize(("column", "value", "flag"), BAD_MATCHES.values(), ids=BAD_MATCHES)
def test_a_match_that_cannot_be_is_flagged_and_leaves_the_others(column: str, value: float, flag: RowFlag) -> None:
    columns = {
        "first_mean": np.array([250.0, 240.0, 230.0]),
        "second_mean": np.array([245.0, 250.0, 255.0]),
        "dispersion": np.full(3, 12.0),
        "innings_balls": np.full(3, 300),
        "is_second": np.array([False, True, True]),
        "runs": np.array([100, 120, 140]),
        "wickets": np.array([3, 4, 5]),
        "balls_left": np.array([150, 140, 130]),
        "target": np.array([0, 250, 260]),
    }
    expected = win(columns)
    assert not np.isnan(expected).any()
    columns[column][1] = value
    found = win(columns)
    np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])
    assert np.isnan(found[1]).all()
    forecast, state = split(columns)
    assert flag_matches(forecast, state).tolist() == [RowFlag.FINE, flag, RowFlag.FINE]
    assert EXPECTED_BY_FLAG[flag]


def split(columns: dict[str, np.ndarray]) -> tuple[MatchForecast, InningsScores]:
    values = list(columns.values())
    return MatchForecast(*values[:4]), InningsScores(*values[4:])


def win(columns: dict[str, np.ndarray]) -> np.ndarray:
    return win_matches(*split(columns))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="one length"):
        MatchForecast(np.ones(2), np.ones(1), np.ones(1), np.array([300]))
    with pytest.raises(ModelInputInvalid, match="one length"):
        win_matches(forecast(2), chase(0, 0, 10, 100))
