"""Paired differences in blocks: their standard errors, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from odds.margin.methods import MarginMethod
from studies.accuracy.comparisons import ALONE, NOTHING_SHOWN, SAME, BlockMean, block_mean, compare, survive_holm
from studies.accuracy.metrics import mean_of
from studies.accuracy.page import PageUnfit, fill
from studies.accuracy.plots import Forecast, draw_calibration
from studies.accuracy.prices import fair_by, take_bets
from studies.accuracy.seasons import BOOKMAKERS, MatchTable


def of_p_value(p_value: float, *, blocks: int = 101) -> BlockMean:
    return BlockMean(-float(stdtrit(blocks - 1, p_value / 2.0)), 1.0, blocks, blocks)


def test_blocks_of_one_give_the_error_of_independent_values() -> None:
    values = np.random.default_rng(1).normal(size=50)
    found, plain = block_mean(values, np.arange(50)), mean_of(values)
    assert (found.mean, found.standard_error) == pytest.approx((plain.mean, plain.standard_error))


def test_values_repeated_within_a_block_add_nothing() -> None:
    values = np.random.default_rng(2).normal(size=30)
    repeated = block_mean(np.repeat(values, 7), np.repeat(np.arange(30), 7))
    assert repeated.standard_error == pytest.approx(mean_of(values).standard_error)
    assert (repeated.blocks, repeated.count) == (30, 210)


def test_the_error_is_that_of_a_bootstrap_of_whole_blocks() -> None:
    generator = np.random.default_rng(3)
    sizes = generator.integers(1, 12, 150)
    blocks = np.repeat(np.arange(150), sizes)
    values = generator.normal(size=150)[blocks] + generator.normal(size=len(blocks))
    sums = np.bincount(blocks, weights=values)
    drawn = generator.integers(0, 150, (20_000, 150))
    bootstrap = (sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)).std()
    found = block_mean(values, generator.permutation(150)[blocks])
    assert found.standard_error == pytest.approx(bootstrap, rel=0.05)
    assert found.standard_error > 1.5 * mean_of(values).standard_error


def test_a_single_block_has_no_error() -> None:
    only = block_mean(np.array([1.0, 3.0]), np.array([5, 5]))
    assert only.mean == 2.0
    assert np.isnan(only.standard_error)
    assert not only.is_shown


@pytest.mark.parametrize(("mean", "is_shown"), [(1.99, False), (2.0, True), (-2.0, True), (-1.99, False)])
def test_two_standard_errors_are_needed(mean: float, is_shown: bool) -> None:
    assert BlockMean(mean, 1.0, 100, 100).is_shown is is_shown


def test_holm_stops_at_the_first_that_fails() -> None:
    p_values = (0.015, 0.04, 0.03, 0.005)
    assert survive_holm([of_p_value(p_value) for p_value in p_values]) == [True, False, False, True]
    assert survive_holm([of_p_value(p_value) for p_value in (0.02, 0.02, 0.02)]) == [False] * 3
    assert survive_holm([of_p_value(0.04)]) == [True]


def test_verdicts_say_no_more_than_the_errors_carry() -> None:
    generator = np.random.default_rng(4)
    truth = generator.dirichlet([4.0, 2.0, 3.0], 2_000)
    results = np.array([generator.choice(3, p=row) for row in truth])
    noisy = 0.999 * truth + 0.001 * generator.dirichlet([1.0, 1.0, 1.0], 2_000)
    forecasts = {"truth": truth, "again": truth.copy(), "flat": np.full_like(truth, 1.0 / 3.0), "noisy": noisy}
    lines = compare(forecasts, reference="truth", results=results, blocks=np.arange(2_000) // 10)
    verdicts = {line.name: line.verdict for line in lines}
    assert verdicts == {
        "truth": "reference",
        "again": SAME,
        "flat": "worse by RPS and log loss",
        "noisy": NOTHING_SHOWN,
    }


def test_what_is_shown_alone_but_not_among_many_is_marked() -> None:
    generator = np.random.default_rng(5)
    results = generator.integers(0, 3, 400)
    even = np.full((400, 3), 1.0 / 3.0)
    guesses = {f"guess {n}": 0.95 * even + 0.05 * generator.dirichlet([1.0] * 3, 400) for n in range(60)}
    lines = compare({"even": even, **guesses}, reference="even", results=results, blocks=np.arange(400))
    shown = [line for line in lines if "by" in line.verdict]
    assert shown
    survivors = survive_holm([line.differences[metric] for line in lines[1:] for metric in ("RPS", "log loss")])
    marked = sum(line.verdict.count(ALONE) for line in shown)
    counted = sum(line.differences[metric].is_shown for line in shown for metric in ("RPS", "log loss"))
    assert marked == counted - sum(survivors)
    assert marked > 0


def test_fair_probabilities_keep_their_rows_and_leave_out_what_has_no_price() -> None:
    decimal_odds = np.array([[2.0, 3.3, 4.0], [np.nan] * 3, [2.2, 3.6, 3.9]])
    fair = fair_by(decimal_odds, MarginMethod.POWER)
    np.testing.assert_allclose(fair[[0, 2]].sum(axis=1), 1.0)
    assert np.isnan(fair[1]).all()
    assert (1.0 / decimal_odds[2]).sum() < 1.0


def test_a_bet_is_taken_from_five_percent_on_and_valued_at_the_close() -> None:
    missing = np.full((3, 3), np.nan)
    table = MatchTable(
        ("a", "b"),
        np.full(3, 2015),
        np.array([735_800, 735_807, 735_814]),
        np.array([0, 1, 0]),
        np.array([1, 0, 1]),
        np.array([2, 0, 1]),
        np.array([0, 0, 1]),
        dict.fromkeys(BOOKMAKERS, missing),
        {},
    )
    taken = np.array([[2.1, 3.0, 4.0], [2.1, 3.0, 4.0], [np.nan] * 3])
    closing = np.array([[0.5, 0.3, 0.2], [0.4, 0.35, 0.25], [0.4, 0.35, 0.25]])
    chances = np.array([[0.5, 0.3, 0.2], [0.4, 0.36, 0.24], [0.9, 0.05, 0.05]])
    bets = take_bets(table, taken, closing, chances)
    assert bets is not None
    assert bets.value.count == 2  # 2.1 x 0.5 is the edge itself, 3.0 x 0.36 above it; a price that is not there is none
    assert bets.value.mean == pytest.approx((2.1 * 0.5 + 3.0 * 0.35) / 2.0 - 1.0)
    assert bets.profit.mean == pytest.approx((1.1 + 2.0) / 2.0)
    assert take_bets(table, taken, closing, 0.5 * chances) is None


def test_a_page_without_the_place_for_a_table_is_refused() -> None:
    text = "a\n<!-- t: begin -->\nold\n<!-- t: end -->\nb\n"
    assert fill(text, {"t": "new"}) == "a\n<!-- t: begin -->\nnew\n<!-- t: end -->\nb\n"
    for broken in ("nothing", "<!-- t: begin --> only", text + text):
        with pytest.raises(PageUnfit, match="expected once"):
            fill(broken, {"t": "new"})


def test_the_same_forecasts_draw_the_same_picture(tmp_path: Path) -> None:
    generator = np.random.default_rng(6)
    forecast = Forecast(generator.dirichlet([3.0, 2.0, 2.0], 200), generator.integers(0, 3, 200))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_calibration(
            tmp_path / name / "plot.svg", reliability={"prices": forecast}, bias={"power": forecast, "shin": forecast}
        )
    pictures = [(tmp_path / name / "plot.svg").read_bytes() for name in ("a", "b")]
    assert pictures[0] == pictures[1]
    assert b"prices" in pictures[0]
