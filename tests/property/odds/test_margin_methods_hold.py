"""What must hold for every margin method and any books."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from odds.ladder.steps import LADDERS
from odds.margin.application import apply_margin, reachable_overrounds
from odds.margin.methods import MarginMethod
from odds.margin.quoting import quote_rows
from odds.margin.removal import remove_margin
from odds.margin.rows import MarginFlag
from tests.tries import tries

Floats = NDArray[np.float64]

SEVERAL = tries(40)
ALWAYS_SOLVABLE = (MarginMethod.POWER, MarginMethod.ODDS_RATIO, MarginMethod.LOGIT, MarginMethod.SHIN)
every_method = pytest.mark.parametrize("method", MarginMethod)


@st.composite
def fair_books(draw: st.DrawFn) -> Floats:
    """Books of differing numbers of outcomes, padded."""
    count, width = draw(st.tuples(st.integers(1, 6), st.integers(2, 12)))
    weights = draw(hnp.arrays(np.float64, (count, width), elements=st.floats(0.02, 1.0)))
    lengths = draw(hnp.arrays(np.int64, count, elements=st.integers(2, width)))
    weights = np.where(np.arange(width) < lengths[:, None], weights, np.nan)
    return np.asarray(weights / np.nansum(weights, axis=1, keepdims=True))


@st.composite
def implied_books(draw: st.DrawFn) -> Floats:
    """Books with a margin laid on crookedly: each outcome gets its own share."""
    fair = draw(fair_books())
    shares = draw(hnp.arrays(np.float64, fair.shape, elements=st.floats(0.001, 0.3)))
    return np.asarray(1.0 - (1.0 - fair) * (1.0 - shares))


@every_method
@given(implied=implied_books())
@SEVERAL
def test_solved_rows_are_probabilities_that_sum_to_one_and_others_say_why(
    method: MarginMethod, implied: Floats
) -> None:
    rows = remove_margin(1.0 / implied, method=method)
    solved, is_there = rows.probabilities[rows.is_solved], ~np.isnan(implied[rows.is_solved])
    np.testing.assert_allclose(np.nansum(solved, axis=1), 1.0, atol=1e-12)
    assert np.array_equal(~np.isnan(solved), is_there)
    assert np.all((solved[is_there] > 0.0) & (solved[is_there] < 1.0))
    assert np.isnan(rows.probabilities[~rows.is_solved]).all()
    assert not np.isin(rows.flags, [MarginFlag.NOT_CONVERGED]).any() or method is MarginMethod.JENSEN_SHANNON
    assert rows.is_solved.all() or method not in ALWAYS_SOLVABLE


@every_method
@given(implied=implied_books())
@SEVERAL
def test_longer_odds_are_less_likely(method: MarginMethod, implied: Floats) -> None:
    for given_row, fair in zip(implied, remove_margin(1.0 / implied, method=method).probabilities, strict=True):
        if not np.isnan(fair).all():
            order = np.argsort(given_row[~np.isnan(given_row)])
            assert np.all(np.diff(fair[~np.isnan(fair)][order]) >= -1e-12)


@every_method
@given(fair=fair_books(), overround=st.floats(1.0, 1.6))
@example(fair=np.array([[0.05424719, 0.06401526, 0.88173755]]), overround=1.5371939783776478)
@SEVERAL
def test_what_was_put_on_comes_off_again(method: MarginMethod, fair: Floats, overround: float) -> None:
    quoted = apply_margin(fair, overrounds=overround, method=method)
    is_solved = quoted.is_solved
    np.testing.assert_allclose(np.nansum(quoted.probabilities[is_solved], axis=1), overround, atol=1e-12)
    assert np.all(~(quoted.probabilities < fair - 1e-12))
    back = remove_margin(1.0 / quoted.probabilities[is_solved], method=method)
    assert back.is_solved.all()
    np.testing.assert_allclose(back.probabilities, fair[is_solved], atol=1e-10)
    np.testing.assert_allclose(back.parameters, quoted.parameters[is_solved], rtol=1e-7, atol=1e-9)


@every_method
@given(implied=implied_books())
@SEVERAL
def test_what_was_taken_off_goes_on_again(method: MarginMethod, implied: Floats) -> None:
    rows = remove_margin(1.0 / implied, method=method)
    is_solved = rows.is_solved
    sums = np.nansum(implied, axis=1)[is_solved]
    back = apply_margin(rows.probabilities[is_solved], overrounds=sums, method=method)
    assert back.is_solved.all()
    np.testing.assert_allclose(back.probabilities, implied[is_solved], atol=1e-10)


@every_method
@given(implied=implied_books(), data=st.data())
@SEVERAL
def test_one_price_shortened_makes_that_outcome_likelier_and_no_other(
    method: MarginMethod, implied: Floats, data: st.DataObject
) -> None:
    outcome = data.draw(st.integers(0, 1))
    shorter = implied.copy()
    shorter[:, outcome] += data.draw(st.floats(1e-6, 0.5)) * (1.0 - shorter[:, outcome])
    before, after = (remove_margin(1.0 / rows, method=method) for rows in (implied, shorter))
    moves = (after.probabilities - before.probabilities)[before.is_solved & after.is_solved]
    others = np.delete(moves, outcome, axis=1)
    assert np.all(moves[:, outcome] >= -1e-12)
    assert np.all(~(others > 1e-12))


@every_method
@given(fair=fair_books(), overround=st.floats(1.0, 1.3), more=st.floats(0.0, 0.2))
@SEVERAL
def test_a_greater_overround_shortens_every_price(
    method: MarginMethod, fair: Floats, overround: float, more: float
) -> None:
    less, greater = (apply_margin(fair, overrounds=total, method=method) for total in (overround, overround + more))
    both = less.is_solved & greater.is_solved
    assert np.all(~(greater.probabilities[both] < less.probabilities[both] - 1e-12))


@given(fair=fair_books(), overround=st.floats(1.0, 1.3), ratio=st.floats(1.01, 3.0))
@SEVERAL
def test_a_reachable_overround_divides_no_odds_against_by_more_than_allowed(
    fair: Floats, overround: float, ratio: float
) -> None:
    wanted = np.full(len(fair), overround)
    reachable = reachable_overrounds(fair, wanted=wanted, odds_ratio_max=ratio)
    assert np.all(reachable <= wanted)
    rows = apply_margin(fair, overrounds=reachable)
    assert rows.is_solved.all()
    ratios = (1.0 / fair - 1.0) / (1.0 / rows.probabilities - 1.0)
    assert np.nanmax(ratios) <= ratio + 1e-9
    assert np.nanmin(ratios[reachable < wanted], initial=ratio) >= ratio - 1e-9


@given(chances=st.lists(st.floats(1e-4, 0.5), min_size=2, max_size=12, unique=True))
@SEVERAL
def test_the_longer_a_shot_the_longer_its_price_on_lines_beside_each_other(chances: list[float]) -> None:
    over = np.sort(np.array(chances))
    fair = np.stack([over, 1.0 - over], axis=1)
    reachable = reachable_overrounds(fair, wanted=np.full(len(fair), 1.05), odds_ratio_max=1.75)
    prices = 1.0 / apply_margin(fair, overrounds=reachable).probabilities[:, 0]
    assert np.all(np.diff(prices) <= 1e-9 * prices[1:])
    assert np.all((prices - 1.0) * 1.75 >= (1.0 / over - 1.0) * (1.0 - 1e-9))


@every_method
@given(implied=implied_books())
@SEVERAL
def test_a_batch_comes_to_the_same_as_one_by_one_without_padding(method: MarginMethod, implied: Floats) -> None:
    together = remove_margin(1.0 / implied, method=method)
    for index, row in enumerate(implied):
        is_there = ~np.isnan(row)
        alone = remove_margin(1.0 / row[is_there][None], method=method)
        assert alone.flags[0] == together.flags[index]
        np.testing.assert_allclose(alone.probabilities[0], together.probabilities[index][is_there], atol=1e-13)
        np.testing.assert_allclose(alone.parameters[0], together.parameters[index], rtol=1e-11, atol=1e-13)


@every_method
@given(implied=implied_books(), data=st.data())
@SEVERAL
def test_the_order_of_outcomes_does_not_matter(method: MarginMethod, implied: Floats, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(implied.shape[1])))
    straight = remove_margin(1.0 / implied, method=method).probabilities
    shuffled = remove_margin(1.0 / implied[:, order], method=method).probabilities
    np.testing.assert_allclose(shuffled, straight[:, order], atol=1e-13)


@every_method
@given(fair=fair_books(), overround=st.floats(1.0, 1.3), ladder=st.sampled_from(sorted(LADDERS)))
@SEVERAL
def test_no_quoted_row_falls_below_its_overround(
    method: MarginMethod, fair: Floats, overround: float, ladder: str
) -> None:
    quoted = quote_rows(fair, overrounds=np.full(len(fair), overround), ladder=LADDERS[ladder], method=method)
    is_good = quoted.flags == MarginFlag.SOLVED
    assert np.all(quoted.overrounds[is_good] >= overround - 1e-9)
    assert not quoted.decimal_odds_milli[~is_good].any()
    odds = quoted.decimal_odds_milli[is_good]
    assert np.isin(odds[odds > 0], LADDERS[ladder]).all()


@every_method
@given(
    rows=hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 5), st.integers(0, 6)),
        elements=st.floats(allow_nan=True, allow_infinity=True, width=64) | st.floats(1.0, 20.0),
    )
)
@example(rows=np.full((1, 3), np.nextafter(1.0, 2.0)))
@example(rows=np.full((2, 3), 1.000000001))
@SEVERAL
def test_whatever_comes_in_every_row_is_probabilities_or_flagged(method: MarginMethod, rows: Floats) -> None:
    result = remove_margin(rows, method=method)
    for given_row, fair, flag in zip(rows, result.probabilities, result.flags, strict=True):
        if flag == MarginFlag.SOLVED:
            assert np.array_equal(np.isnan(fair), np.isnan(given_row))
            assert np.nansum(fair) == pytest.approx(1.0, abs=1e-10)
        else:
            assert np.isnan(fair).all()
