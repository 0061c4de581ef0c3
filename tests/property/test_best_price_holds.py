"""What must hold for the price that gains most, whatever the chance."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from odds.models.demand import best_implied_probabilities, bet_intensities, expected_gain_rates

inside_unit = st.floats(1e-6, 1.0 - 1e-6)


@settings(deadline=None)
@given(inside_unit, st.lists(inside_unit, min_size=1, max_size=20))
def test_no_other_price_gains_more_than_the_best(fair: float, others: list[float]) -> None:
    prices = np.array(others)
    best = best_implied_probabilities(np.array([fair]))
    most = expected_gain_rates(np.array([fair]), best)[0]
    gains = expected_gain_rates(np.full(len(prices), fair), prices)
    assert best[0] > fair
    assert most > 0.0
    assert (gains <= most * (1.0 + 1e-9) + 1e-15).all()


@settings(deadline=None)
@given(st.floats(0.001, 0.999))
def test_a_search_finds_the_best_price_too(fair: float) -> None:
    def loss(implied: float) -> float:
        return -float(expected_gain_rates(np.array([fair]), np.array([implied]))[0])

    found = minimize_scalar(loss, bounds=(fair, 1.0 - 1e-9), method="bounded", options={"xatol": 1e-10})
    np.testing.assert_allclose(found.x, best_implied_probabilities(np.array([fair]))[0], atol=1e-6)


@settings(deadline=None)
@given(inside_unit, inside_unit, inside_unit)
def test_dearer_bets_are_fewer_and_the_fair_price_is_what_they_are_counted_by(
    fair: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    rates = bet_intensities(np.full(3, fair), np.array([low, high, fair]))
    assert rates[0] >= rates[1] > 0.0
    np.testing.assert_allclose(rates[2], 1.0, rtol=1e-14)
