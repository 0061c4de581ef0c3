"""Orders of finish against all orders counted one by one, and against races run at random."""

from itertools import permutations

import numpy as np
import pytest

from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag
from odds.models.racing.ordering import (
    HENERY,
    PlaceExponents,
    finish_probabilities,
    flag_races,
    place_probabilities,
)

HARVILLE = PlaceExponents(1.0, 1.0, 1.0)
RACE = np.array([[0.4, 0.25, 0.15, 0.12, 0.08]])


def chance_of_order(chances: np.ndarray, order: tuple[int, ...], exponents: PlaceExponents) -> float:
    powers = (1.0, exponents.second, exponents.third, exponents.fourth)
    left, chance = list(range(len(chances))), 1.0
    for runner, power in zip(order, powers, strict=False):
        chance *= chances[runner] ** power / sum(chances[other] ** power for other in left)
        left.remove(runner)
    return chance


@pytest.mark.parametrize("exponents", [HARVILLE, HENERY, PlaceExponents(1.3, 0.4, 0.9)])
def test_every_market_agrees_with_all_orders_counted(exponents: PlaceExponents) -> None:
    finish = np.zeros((5, 4))
    for order in permutations(range(5), 4):
        chance = chance_of_order(RACE[0], order, exponents)
        for place, runner in enumerate(order):
            finish[runner, place] += chance
    for places in (1, 2, 3, 4):
        np.testing.assert_allclose(
            finish_probabilities(RACE, exponents, places=places)[0], finish[:, :places], atol=1e-15
        )
    np.testing.assert_allclose(place_probabilities(RACE, exponents, places=3)[0], finish[:, :3].sum(axis=1), atol=1e-15)


def test_the_correction_is_closer_to_normal_running_times_than_harville() -> None:
    generator = np.random.default_rng(3)
    speeds = np.array([0.9, 0.5, 0.3, 0.0, 0.0, -0.2, -0.3, -0.5])
    times = generator.standard_normal((300_000, 8)) - speeds
    order = np.argsort(times, axis=1)[:, :4]
    finish = np.stack([np.bincount(order[:, place], minlength=8) for place in range(4)], axis=1) / len(order)
    harville, henery = (
        np.abs(finish_probabilities(finish[None, :, 0], model, places=4)[0] - finish).max()
        for model in (HARVILLE, HENERY)
    )
    assert henery < 0.012
    assert harville > 0.03


def test_short_races_are_padded_and_a_hot_favourite_is_exact() -> None:
    races = np.array([[0.5, 0.3, 0.2, np.nan, np.nan], [1.0 - 2e-9, 1e-9, 5e-10, 5e-10, np.nan]])
    finish = finish_probabilities(races, HENERY, places=3)
    assert np.isnan(finish[0, 3:]).all()
    assert np.isnan(finish[1, 4]).all()
    np.testing.assert_allclose(np.nansum(finish, axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.nansum(finish[0], axis=1)[:3], 1.0, atol=1e-12)
    alone = finish_probabilities(races[:1, :3], HENERY, places=3)
    np.testing.assert_array_equal(finish[0, :3], alone[0])


@pytest.mark.parametrize(
    ("race", "flag"),
    [
        ([0.5, 0.6], RowFlag.CHANCES_SUM_WRONG),
        ([0.5, 0.5 + 2e-9], RowFlag.CHANCES_SUM_WRONG),
        ([1.0, 0.0], RowFlag.CHANCES_OUT_OF_RANGE),
        ([1.5, -0.5], RowFlag.CHANCES_OUT_OF_RANGE),
        ([0.5, np.inf], RowFlag.CHANCES_OUT_OF_RANGE),
        ([1.0, np.nan], RowFlag.RUNNERS_TOO_FEW),
        ([np.nan, np.nan], RowFlag.RUNNERS_TOO_FEW),
    ],
)
def test_a_race_that_cannot_be_is_flagged_and_leaves_the_others(race: list[float], flag: RowFlag) -> None:
    three = np.array([0.5, 0.3, 0.2])
    races = np.stack([three, np.array([*race, np.nan]), three[::-1]])
    assert flag_races(races, runners_min=2).tolist() == [RowFlag.FINE, flag, RowFlag.FINE]
    assert EXPECTED_BY_FLAG[flag]
    others = races[[0, 2]]
    for found, expected in (
        (finish_probabilities(races, HENERY, places=2), finish_probabilities(others, HENERY, places=2)),
        (place_probabilities(races, HENERY, places=2), place_probabilities(others, HENERY, places=2)),
    ):
        np.testing.assert_array_equal(found[[0, 2]], expected)
        assert np.isnan(found[1]).all()


def test_a_race_of_fewer_than_are_placed_is_flagged() -> None:
    races = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, np.nan]])
    found = finish_probabilities(races, HENERY, places=3)
    assert np.isnan(found[1]).all()
    assert np.nansum(found[0]) > 0.99
    assert flag_races(races, runners_min=3).tolist() == [RowFlag.FINE, RowFlag.RUNNERS_TOO_FEW]
    with pytest.raises(ModelInputInvalid, match="Rows of runners"):
        flag_races(races[0], runners_min=1)


@pytest.mark.parametrize("places", [0, 5])
def test_places_that_cannot_be_are_refused(places: int) -> None:
    with pytest.raises(ModelInputInvalid, match="Places must be 1 to 4"):
        finish_probabilities(RACE, HARVILLE, places=places)
    with pytest.raises(ModelInputInvalid, match="Exponents above"):
        PlaceExponents(0.0, 1.0, 1.0)
