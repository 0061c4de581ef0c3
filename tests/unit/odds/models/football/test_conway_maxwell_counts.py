"""Conway-Maxwell-Poisson counts against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from odds.model_input import ModelInputInvalid
from odds.models.football.conway_maxwell import MEAN_MAX, UPSILON_MAX, UPSILON_MIN, ConwayMaxwellCounts
from odds.models.football.score_grids import conway_maxwell_masses

MEANS = np.array([1e-6, 0.01, 0.4, 1.0, 1.7, 5.0, 12.0, MEAN_MAX])
COUNTS = np.arange(160.0)
every_upsilon = pytest.mark.parametrize("upsilon", [UPSILON_MIN, 0.6, 0.999, 1.0, 1.12, 2.0, UPSILON_MAX])


@every_upsilon
def test_masses_have_the_means_asked_for_and_fall_as_they_are_defined_to(upsilon: float) -> None:
    counts = ConwayMaxwellCounts.of_means(MEANS, upsilon)
    np.testing.assert_allclose(counts.masses @ COUNTS, MEANS, rtol=1e-13)
    np.testing.assert_allclose(counts.masses.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(np.exp(-counts.log_sums), counts.masses[:, 0], rtol=1e-12)
    rates = counts.masses[:, 1:20] / counts.masses[:, :19] * COUNTS[1:20] ** upsilon
    np.testing.assert_allclose(rates, np.repeat(np.exp(counts.log_rates)[:, None], 19, axis=1), rtol=1e-11)


def test_an_upsilon_of_one_is_poisson_and_above_it_counts_vary_less() -> None:
    counts = ConwayMaxwellCounts.of_means(MEANS, 1.0)
    np.testing.assert_allclose(counts.masses, poisson.pmf(COUNTS, MEANS[:, None]), rtol=1e-11, atol=1e-300)
    assert (variances(1.2) < MEANS).all()
    assert (variances(0.8) > MEANS).all()


def variances(upsilon: float) -> np.ndarray:
    return np.asarray(ConwayMaxwellCounts.of_means(MEANS, upsilon).masses @ COUNTS**2 - MEANS**2)


@every_upsilon
def test_what_is_beyond_a_grid_is_in_its_last_cells_odd_to_odd(upsilon: float) -> None:
    whole = ConwayMaxwellCounts.of_means(MEANS, upsilon).masses
    for size in (2, 7, 12):
        masses = conway_maxwell_masses(MEANS, upsilon, size=size)
        np.testing.assert_array_equal(masses[:, : size - 2], whole[:, : size - 2])
        np.testing.assert_allclose(masses[:, size - 2], whole[:, size - 2 :: 2].sum(axis=1), atol=1e-14)
        np.testing.assert_allclose(masses[:, size - 1], whole[:, size - 1 :: 2].sum(axis=1), atol=1e-14)
    assert conway_maxwell_masses(MEANS, upsilon, size=200).shape == (len(MEANS), 200)


@pytest.mark.parametrize("mean", [0.0, -1.0, MEAN_MAX + 1e-9, np.nan, np.inf])
def test_a_mean_out_of_range_is_refused_with_its_row(mean: float) -> None:
    with pytest.raises(ModelInputInvalid, match=r"above 0\.0, at most 30\.0, was .* in row 1"):
        ConwayMaxwellCounts.of_means(np.array([1.0, mean]), 1.1)


@pytest.mark.parametrize("upsilon", [0.0, UPSILON_MIN * 0.99, UPSILON_MAX * 1.01, np.nan])
def test_an_upsilon_out_of_range_is_refused(upsilon: float) -> None:
    with pytest.raises(ModelInputInvalid, match=r"Upsilon must be 0\.3 to 5\.0"):
        ConwayMaxwellCounts.of_means(MEANS, upsilon)


def test_no_means_have_no_distributions() -> None:
    assert ConwayMaxwellCounts.of_means(np.empty(0), 1.1).masses.shape == (0, 160)
