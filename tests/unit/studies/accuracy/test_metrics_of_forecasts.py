"""Scores of forecasts, case by case."""

import numpy as np
import pytest

from odds.model_input import ModelInputInvalid
from studies.accuracy.metrics import (
    brier_scores,
    calibrate,
    closing_line_values,
    log_losses,
    mean_of,
    ranked_probability_scores,
)

FORECASTS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8, 0.1, 0.1], [0.5, 0.25, 0.25], [0.35, 0.3, 0.35]])
RESULTS = np.array([0, 0, 0, 2, 1])


def test_scores_are_those_of_their_definitions() -> None:
    np.testing.assert_allclose(
        ranked_probability_scores(FORECASTS, RESULTS),
        [0.0, 0.5, (0.04 + 0.01) / 2.0, (0.25 + 0.5625) / 2.0, (0.1225 + 0.1225) / 2.0],
    )
    np.testing.assert_allclose(
        brier_scores(FORECASTS, RESULTS), [0.0, 2.0, 0.06, 0.25 + 0.0625 + 0.5625, 2 * 0.1225 + 0.49]
    )
    losses = log_losses(FORECASTS, RESULTS)
    assert losses[1] == np.inf
    np.testing.assert_allclose(losses[2:], -np.log([0.8, 0.25, 0.3]))


def test_a_near_miss_costs_less_than_a_far_one_in_an_order() -> None:
    sure_draw, sure_away = np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    home = np.array([0])
    assert ranked_probability_scores(sure_draw, home) < ranked_probability_scores(sure_away, home)
    assert brier_scores(sure_draw, home) == brier_scores(sure_away, home)


def test_a_mean_comes_with_its_error() -> None:
    estimate = mean_of(np.array([1.0, 2.0, 3.0, 4.0]))
    assert (estimate.mean, estimate.count) == (2.5, 4)
    assert estimate.standard_error == pytest.approx(np.sqrt(5.0 / 3.0) / 2.0)
    assert np.isnan(mean_of(np.array([1.0])).standard_error)
    with pytest.raises(ModelInputInvalid, match="At least 1 value"):
        mean_of(np.array([]))


def test_right_forecasts_are_calibrated_and_bold_ones_are_not() -> None:
    generator = np.random.default_rng(4)
    truth = generator.uniform(0.05, 0.95, 50_000)
    happened = generator.random(50_000) < truth
    right = calibrate(truth, happened, bins=10)
    assert right.counts.tolist() == [5_000] * 10
    assert (np.abs(right.frequencies - right.forecast_means) < 4.0 * right.standard_errors).all()
    bold = calibrate(np.clip(truth * 2.0 - 0.5, 0.0, 1.0), happened, bins=10)
    assert right.error() < 0.01
    assert bold.error() > 0.1


def test_a_calibration_is_counted_by_hand() -> None:
    table = calibrate(np.array([0.9, 0.1, 0.3, 0.7, 0.2]), np.array([True, False, True, False, False]), bins=2)
    assert table.counts.tolist() == [3, 2]
    np.testing.assert_allclose(table.forecast_means, [0.2, 0.8])
    np.testing.assert_allclose(table.frequencies, [1 / 3, 0.5])
    np.testing.assert_allclose(table.standard_errors, [np.sqrt(0.09 + 0.16 + 0.21) / 3, np.sqrt(0.09 + 0.21) / 2])
    assert table.error() == pytest.approx((3 * (1 / 3 - 0.2) + 2 * 0.3) / 5)


def test_a_worse_price_than_the_close_has_a_negative_value() -> None:
    values = closing_line_values(np.array([2.0, 2.0, 1.8]), np.array([2.0, 2.5, 1.5]))
    np.testing.assert_allclose(values, [0.0, -0.2, 0.2])
    with pytest.raises(ModelInputInvalid, match="was nan in row 0"):
        closing_line_values(np.array([2.0]), np.array([np.nan]))


@pytest.mark.parametrize(
    ("forecast", "result", "message"),
    [
        ([0.5, 0.6], 0, "must sum to"),
        ([1.5, -0.5], 0, "must be 0.0 to 1.0, was 1.5"),
        ([0.5, 0.5], 2, "Results must be 0 to 1, was 2"),
        ([np.nan, 0.5], 0, "was nan"),
    ],
)
def test_what_is_no_forecast_is_refused(forecast: list[float], result: int, message: str) -> None:
    for score in (ranked_probability_scores, brier_scores, log_losses):
        with pytest.raises(ModelInputInvalid, match=message):
            score(np.array([forecast]), np.array([result]))
    with pytest.raises(ModelInputInvalid, match="Bins"):
        calibrate(np.array([0.5]), np.array([True]), bins=2)
