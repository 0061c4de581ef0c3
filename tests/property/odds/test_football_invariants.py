"""What holds for every market of every match at every moment."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odds.models.football.catalogue import catalogue
from odds.models.football.markets import MatchPrices
from odds.models.football.score_grids import Floats
from tests.builders.football_rows import Row, price, rows
from tests.tries import tries

SPLIT_MARKETS = (
    "1x2",
    "btts",
    "odd_even",
    "correct_score",
    "winning_margin",
    "exact_goals",
    "goal_range",
    "european_handicap:-1",
    "first_half_1x2",
    "first_half_correct_score",
    "second_half_1x2",
    "half_time_full_time",
    "most_goals_half",
    "home_clean_sheet",
)


def columns_of(prices: MatchPrices, market_id: str) -> slice:
    layout = prices.catalogue.layout
    index = layout.market_index(market_id)
    return slice(int(layout.offsets[index]), int(layout.offsets[index + 1]))


def wins(prices: MatchPrices, market_id: str, outcome_id: str) -> Floats:
    return np.asarray(prices.win_weights[:, prices.catalogue.column(market_id, outcome_id)])


@given(st.lists(rows(), min_size=1, max_size=6))
@tries(60)
def test_probabilities_are_probabilities_and_markets_add_up(drawn: list[Row]) -> None:
    prices = price(drawn)
    assert not prices.flags.any()
    known = prices.win_weights[~np.isnan(prices.win_weights)]
    assert known.min() >= -1e-12
    assert known.max() <= 1.0 + 1e-9
    for market_id in SPLIT_MARKETS:
        sums = prices.win_weights[:, columns_of(prices, market_id)].sum(axis=1)
        np.testing.assert_allclose(sums, 1.0, atol=1e-9, err_msg=market_id)
    np.testing.assert_allclose(prices.win_weights[:, columns_of(prices, "double_chance")].sum(axis=1), 2.0, atol=1e-9)
    total = prices.win_weights + prices.lose_weights()
    assert np.nanmax(total) <= 1.0 + 1e-9


@given(st.lists(rows(), min_size=1, max_size=6))
@tries(60)
def test_markets_never_contradict_each_other(drawn: list[Row]) -> None:
    prices = price(drawn)
    home, draw, away = (wins(prices, "1x2", outcome) for outcome in ("home", "draw", "away"))
    np.testing.assert_allclose(wins(prices, "handicap:-0.5", "home"), home, atol=1e-12)
    np.testing.assert_allclose(wins(prices, "handicap:0.5", "away"), away, atol=1e-12)
    np.testing.assert_allclose(
        wins(prices, "european_handicap:-1", "draw"), wins(prices, "winning_margin", "home:1"), atol=1e-12
    )
    named = [f"{goals}-{goals}" for goals in range(4)]
    assert (sum(wins(prices, "correct_score", score) for score in named) <= draw + 1e-12).all()
    np.testing.assert_allclose(wins(prices, "total:0.5", "under"), wins(prices, "correct_score", "0-0"), atol=1e-12)
    assert (wins(prices, "total:6.5", "over") <= wins(prices, "exact_goals", "6+") + 1e-12).all()
    both = wins(prices, "home_total:0.5", "over") + wins(prices, "away_total:0.5", "over") - 1.0
    np.testing.assert_allclose(wins(prices, "btts", "yes"), both + wins(prices, "correct_score", "0-0"), atol=1e-10)
    for result in ("home", "draw", "away"):
        pairs = sum(wins(prices, "half_time_full_time", f"{half}/{result}") for half in ("home", "draw", "away"))
        np.testing.assert_allclose(pairs, wins(prices, "1x2", result), atol=1e-6)
        pairs = sum(wins(prices, "half_time_full_time", f"{result}/{end}") for end in ("home", "draw", "away"))
        np.testing.assert_allclose(pairs, wins(prices, "first_half_1x2", result), atol=1e-9)


def name_line(line: float) -> str:
    return f"{line:g}" if line else "0"


QUARTERED = (
    ("handicap", -3.0, 3.0),
    ("total", 0.5, 6.5),
    ("home_total", 0.5, 3.5),
    ("away_total", 0.5, 3.5),
    *((f"{half}_half_handicap", -1.0, 1.0) for half in ("first", "second")),
    *((f"{half}_half_total", 0.5, 2.5) for half in ("first", "second")),
)


@given(st.lists(rows(), min_size=1, max_size=4))
@tries(40)
def test_a_quarter_line_is_half_a_stake_on_each_neighbour_and_lines_are_monotone(drawn: list[Row]) -> None:
    prices = price(drawn)
    both = (prices.win_weights, 1.0), (prices.lose_weights(), -1.0)
    for kind, first, last in QUARTERED:
        lines = [first + quarter / 4.0 for quarter in range(round((last - first) * 4) + 1)]
        for outcome_id in ("home", "away") if "handicap" in kind else ("over", "under"):
            columns = [prices.catalogue.column(f"{kind}:{name_line(line)}", outcome_id) for line in lines]
            for weights, gain in both:
                by_line = weights[:, columns]
                rise = gain if outcome_id in {"home", "under"} else -gain
                assert (np.diff(by_line, axis=1) * rise >= -1e-12).all()
                neighbours = (by_line[:, :-2:2] + by_line[:, 2::2]) / 2.0
                np.testing.assert_allclose(by_line[:, 1::2], neighbours, atol=1e-12, err_msg=kind)


def test_every_market_on_quarter_lines_is_looked_at() -> None:
    names = catalogue().layout.market_ids
    assert {kind for kind, *_ in QUARTERED} == {
        name.partition(":")[0] for name in names if name.endswith((".25", ".75"))
    }


COMPLEMENTS = (
    ("away_clean_sheet", "no", "home_total:0.5", "over"),
    ("home_clean_sheet", "yes", "away_total:0.5", "under"),
    ("draw_no_bet", "home", "handicap:0", "home"),
    ("draw_no_bet", "away", "handicap:0", "away"),
    ("double_chance", "1x", "handicap:0.5", "home"),
    ("double_chance", "x2", "handicap:-0.5", "away"),
    ("european_handicap:1", "draw", "winning_margin", "away:1"),
    ("exact_goals", "0", "total:0.5", "under"),
    ("home_exact_goals", "3+", "home_total:2.5", "over"),
    ("away_exact_goals", "0", "home_clean_sheet", "yes"),
    ("goal_range", "0-1", "total:1.5", "under"),
    ("goal_range", "6+", "total:5.5", "over"),
    ("first_half_draw_no_bet", "home", "first_half_handicap:0", "home"),
    ("first_half_exact_goals", "0", "first_half_total:0.5", "under"),
    ("second_half_exact_goals", "0", "second_half_total:0.5", "under"),
)
"""Outcomes that say the same."""

SUMS = (
    ("double_chance", "12", ("1x2", ("home", "away"))),
    ("european_handicap:-1", "home", ("winning_margin", ("home:2", "home:3", "home:4+"))),
    ("odd_even", "odd", ("exact_goals", ("1", "3", "5"))),
    ("1x2", "home", ("winning_margin", ("home:1", "home:2", "home:3", "home:4+"))),
    ("exact_goals", "0", ("correct_score", ("0-0",))),
    ("exact_goals", "2", ("correct_score", ("2-0", "1-1", "0-2"))),
    ("first_half_1x2", "draw", ("half_time_full_time", ("draw/home", "draw/draw", "draw/away"))),
)
"""An outcome and others that are all of it; of `odd`, all but numbers beyond those named."""


@given(st.lists(rows(), min_size=1, max_size=6))
@tries(40)
def test_complementary_markets_agree(drawn: list[Row]) -> None:
    prices = price(drawn)
    for one, one_outcome, other, other_outcome in COMPLEMENTS:
        np.testing.assert_allclose(
            wins(prices, one, one_outcome), wins(prices, other, other_outcome), atol=1e-9, err_msg=f"{one} {other}"
        )
    for market_id, outcome_id, (parts_id, parts) in SUMS:
        whole, found = wins(prices, market_id, outcome_id), sum(wins(prices, parts_id, part) for part in parts)
        if market_id == "odd_even":
            beyond = wins(prices, "exact_goals", "6+")
            assert ((found <= whole + 1e-9) & (whole <= found + beyond + 1e-9)).all()
        else:
            np.testing.assert_allclose(found, whole, atol=1e-9, err_msg=market_id)
    loses = prices.lose_weights()
    for column, mirror in zip(prices.catalogue.mirrored, prices.catalogue.mirrors, strict=True):
        np.testing.assert_allclose(prices.win_weights[:, column], loses[:, mirror], atol=1e-12)


@given(st.lists(rows(), min_size=2, max_size=8))
@tries(40)
def test_a_batch_prices_as_its_rows_do_alone(drawn: list[Row]) -> None:
    together = price(drawn).win_weights
    for index, row in enumerate(drawn):
        np.testing.assert_allclose(together[index], price([row]).win_weights[0], atol=1e-12)


@given(rows(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@tries(40)
def test_more_goals_to_come_never_make_fewer_likely(row: Row, first: float, second: float) -> None:
    fewer, more = sorted((0.05 + 4.0 * first, 0.05 + 4.0 * second))
    prices = price([(fewer, row[1], 0.0, *row[3:]), (more, row[1], 0.0, *row[3:])])
    for market_id, outcome_id in (("total:2.5", "over"), ("1x2", "home"), ("handicap:-1", "home"), ("btts", "yes")):
        low, high = wins(prices, market_id, outcome_id)
        assert high >= low - 1e-9
