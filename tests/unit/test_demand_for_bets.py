"""The model of demand, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from odds.model_input import ModelInputInvalid
from odds.models.demand import best_implied_probabilities, bet_intensities, expected_gain_rates


def test_bets_come_and_gain_as_the_model_says() -> None:
    fair, implied = np.array([0.5, 0.25, 0.5]), np.array([0.5, 0.5, 0.4])
    np.testing.assert_allclose(bet_intensities(fair, implied), [1.0, 1 / 3, 1.5])
    np.testing.assert_allclose(expected_gain_rates(fair, implied), [0.0, 1 / 12, -0.15], atol=1e-16)


def test_the_best_price_of_an_outsider_is_further_from_fair() -> None:
    fair = np.array([[0.01, 0.25], [0.64, 0.81]])
    best = best_implied_probabilities(fair)
    np.testing.assert_allclose(best, [[0.1, 0.5], [0.8, 0.9]], rtol=1e-15)
    assert (np.diff((best / fair).ravel()) < 0.0).all()


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.1, np.nan, np.inf])
def test_a_probability_that_leaves_nothing_open_is_refused_with_its_row(probability: float) -> None:
    sound, wrong = np.array([0.5, 0.5]), np.array([0.5, probability])
    with pytest.raises(ModelInputInvalid, match=r"Fair probabilities must be above 0\.0 and below 1\.0, .* in row 1"):
        best_implied_probabilities(wrong)
    for rates in (bet_intensities, expected_gain_rates):
        with pytest.raises(ModelInputInvalid, match=r"Fair probabilities must be .* in row 1"):
            rates(wrong, sound)
        with pytest.raises(ModelInputInvalid, match=r"Implied probabilities must be .* in row 1"):
            rates(sound, wrong)


def test_probabilities_at_the_very_ends_are_taken() -> None:
    ends = np.array([np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)])
    assert np.isfinite(best_implied_probabilities(ends)).all()


def test_columns_of_other_shapes_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match=r"of one shape were expected, their shapes were \(\(2,\), \(1,\)\)"):
        bet_intensities(np.full(2, 0.5), np.full(1, 0.5))
