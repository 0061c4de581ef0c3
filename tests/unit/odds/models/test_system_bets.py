"""System bets, case by case; named ones are settled among the reference values too."""

from __future__ import annotations

import numpy as np
import pytest

from odds.model_input import ModelInputInvalid
from odds.models.system_bets import DECIMAL_ODDS_MAX, LEGS_MAX, SYSTEM_BY_NAME, System, leg_factors, system_returns

DOUBLES_OF_THREE = System(3, (2,))


def factors(*bets: tuple[float, ...]) -> np.ndarray:
    return np.array(bets, dtype=np.float64)


def of_one_leg(odds: float, win: float, void: float) -> float:
    found = leg_factors(factors((odds,)), win_weights=factors((win,)), void_weights=factors((void,)))
    return float(found[0, 0])


@pytest.mark.parametrize(
    ("win", "void", "factor"),
    [(1.0, 0.0, 3.0), (0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.5, 0.5, 2.0), (0.0, 0.5, 0.5), (0.5, 0.0, 1.5)],
    ids=["won", "lost", "void", "half won", "half lost", "two share"],
)
def test_a_leg_comes_to_what_of_it_wins_and_what_is_void(win: float, void: float, factor: float) -> None:
    assert of_one_leg(3.0, win, void) == factor


def test_the_doubles_out_of_three_legs_are_each_of_the_three_pairs() -> None:
    assert DOUBLES_OF_THREE.combination_count() == 3
    returns = system_returns(factors((2.0, 3.0, 5.0), (2.0, 3.0, 0.0), (2.0, 0.0, 0.0)), DOUBLES_OF_THREE)
    assert returns.tolist() == [6.0 + 10.0 + 15.0, 6.0, 0.0]


def test_a_void_leg_leaves_the_others_at_their_odds() -> None:
    trixie = SYSTEM_BY_NAME["trixie"]
    assert system_returns(factors((2.0, 3.0, 1.0)), trixie).tolist() == [6.0 + 2.0 + 3.0 + 6.0]


def test_a_half_won_leg_counts_by_its_factor_in_every_combination() -> None:
    patent = SYSTEM_BY_NAME["patent"]
    half_won = of_one_leg(3.0, 0.5, 0.5)
    assert system_returns(factors((half_won, 4.0, 0.0)), patent).tolist() == [2.0 + 4.0 + 8.0]


def test_an_open_leg_is_worth_its_probability_times_its_odds() -> None:
    odds = factors((2.5, 3.0, 1.8))
    won_then_open = leg_factors(odds, win_weights=factors((1.0, 0.4, 0.5)), void_weights=np.zeros((1, 3)))
    value = system_returns(won_then_open, SYSTEM_BY_NAME["treble"])
    assert value[0] == pytest.approx(2.5 * 1.2 * 0.9)


def test_fold_sizes_that_leave_some_out_are_a_system() -> None:
    legs = factors((2.0, 3.0, 5.0, 7.0))
    assert system_returns(legs, System(4, (1, 4))).tolist() == [17.0 + 210.0]
    assert System(4, (1, 4)).combination_count() == 5


def test_the_most_legs_have_a_million_combinations_and_one_more_is_refused() -> None:
    full = System(LEGS_MAX, tuple(range(1, LEGS_MAX + 1)))
    assert full.combination_count() == 2**LEGS_MAX - 1
    assert system_returns(np.ones((1, LEGS_MAX)), full).tolist() == [2.0**LEGS_MAX - 1.0]
    dearest = system_returns(np.full((1, LEGS_MAX), DECIMAL_ODDS_MAX), full)
    assert np.isfinite(dearest).all()
    for count in (0, LEGS_MAX + 1):
        with pytest.raises(ModelInputInvalid, match=f"1 to 20 legs, had {count}"):
            System(count, (1,))


@pytest.mark.parametrize("sizes", [(), (0,), (4,), (2, 1), (2, 2), (1, 4)])
def test_combinations_that_there_are_none_of_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ModelInputInvalid, match="Fold sizes must rise, each 1 to 3"):
        System(3, sizes)


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (1, 3, 1)])
def test_another_number_of_legs_than_the_system_has_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelInputInvalid, match="bets with 3 legs were expected"):
        system_returns(np.ones(shape), DOUBLES_OF_THREE)


@pytest.mark.parametrize("odds", [1.0, 0.9, -2.0, np.nan, np.inf, DECIMAL_ODDS_MAX * 1.001])
def test_odds_out_of_range_are_refused_with_their_row(odds: float) -> None:
    weights = np.zeros((2, 2))
    with pytest.raises(ModelInputInvalid, match=r"Decimal odds must be above 1\.0, at most 1000000, was .* in row 1"):
        leg_factors(factors((2.0, 2.0), (2.0, odds)), win_weights=weights, void_weights=weights)


def test_odds_at_either_end_are_taken() -> None:
    assert of_one_leg(np.nextafter(1.0, 2.0), 1.0, 0.0) > 1.0
    assert of_one_leg(DECIMAL_ODDS_MAX, 1.0, 0.0) == DECIMAL_ODDS_MAX


@pytest.mark.parametrize(
    ("win", "void", "message"),
    [
        (-0.1, 0.0, "Win weights must be 0.0 or above, was -0.1 in row 0"),
        (0.0, -0.1, "Void weights must be 0.0 or above, was -0.1 in row 0"),
        (np.nan, 0.0, "Win weights must be 0.0 or above, was nan in row 0"),
        (0.0, np.nan, "Void weights must be 0.0 or above, was nan in row 0"),
        (0.75, 0.5, "must sum to at most 1.0, was 1.25 in row 0"),
    ],
)
def test_weights_that_are_no_parts_of_a_stake_are_refused(win: float, void: float, message: str) -> None:
    with pytest.raises(ModelInputInvalid, match=message):
        of_one_leg(2.0, win, void)


@pytest.mark.parametrize("factor", [-0.1, np.nan, np.inf])
def test_a_factor_that_cannot_be_is_refused_with_its_row(factor: float) -> None:
    with pytest.raises(ModelInputInvalid, match=r"Factors must be 0\.0 to 1000000, was .* in row 1"):
        system_returns(factors((1.0, 1.0, 1.0), (1.0, factor, 1.0)), DOUBLES_OF_THREE)


def test_odds_and_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="Odds and weights of one shape"):
        leg_factors(np.full((2, 3), 2.0), win_weights=np.ones((2, 3)), void_weights=np.zeros((1, 3)))


def test_no_bets_return_nothing() -> None:
    assert system_returns(np.empty((0, 3)), DOUBLES_OF_THREE).shape == (0,)
