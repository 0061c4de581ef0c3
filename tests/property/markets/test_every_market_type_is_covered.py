"""Liability and reservation of every market of the catalogue, held against every way in which it can come out."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from markets.catalogue import TYPES, market_of, winners_of
from risk.exposure import MarketExposure
from risk.liability import FixtureLiability, LegChange, OutboxPosition, fold
from tests.joint_results import Result, results_by_market
from tests.tries import tries

MARKET_IDS = sorted(results_by_market(), key=lambda market_id: market_of(market_id).type.type_id)
IDS_BY_TYPE = {type_id: list(ids) for type_id, ids in groupby(MARKET_IDS, lambda name: market_of(name).type.type_id)}
Bet = tuple[str, int, int]
"""Outcome, stake and payout."""


@st.composite
def bets_on_a_market(draw: st.DrawFn) -> tuple[str, list[Bet]]:
    market_id = draw(
        st.sampled_from(sorted(IDS_BY_TYPE)).flatmap(lambda type_id: st.sampled_from(IDS_BY_TYPE[type_id]))
    )
    outcome_ids = sorted(results_by_market()[market_id][0])
    stakes, odds = st.integers(1, 10**6), st.integers(1_010, 20_000)
    asked = draw(st.lists(st.tuples(st.sampled_from(outcome_ids), stakes, odds), min_size=1, max_size=12))
    return market_id, [(outcome_id, stake, stake * milli // 1_000) for outcome_id, stake, milli in asked]


def loss(result: Result, bets: list[Bet]) -> float:
    return sum(
        payout * result[outcome_id][0] + stake * result[outcome_id][1] - stake for outcome_id, stake, payout in bets
    )


def test_every_type_and_every_name_of_it_is_looked_at() -> None:
    assert set(IDS_BY_TYPE) == {known.type_id for known in TYPES} | {""}


@tries(300)
@given(bets_on_a_market())
def test_the_worst_loss_of_a_market_is_that_of_its_dearest_result(drawn: tuple[str, list[Bet]]) -> None:
    market_id, bets = drawn
    changes = [LegChange(OutboxPosition(1, row), market_id, *bet, "EUR", True) for row, bet in enumerate(bets, 1)]
    found_minor = fold(FixtureLiability("f", "EUR"), changes, time_us=1).liability.worst_loss_minor()
    results = results_by_market()[market_id]
    dearest_minor = max(0.0, *(loss(result, bets) for result in results))
    assert found_minor >= dearest_minor
    # Parts of stakes make it a bound.
    if all(back == 0.0 and win in (0.0, 1.0) for result in results for win, back in result.values()):
        assert found_minor == dearest_minor


@tries(300)
@given(bets_on_a_market(), st.integers(0, 10**6))
def test_no_result_costs_more_than_the_limit(drawn: tuple[str, list[Bet]], loss_minor_max: int) -> None:
    market_id, asked = drawn
    exposure, taken = MarketExposure(winners=winners_of(market_id)), list[Bet]()
    for outcome_id, stake_minor, payout_minor in asked:
        amounts = {"stake_minor": stake_minor, "payout_minor": payout_minor}
        if exposure.takes(outcome_id, **amounts, loss_minor_max=loss_minor_max):
            exposure = exposure.with_bet(outcome_id, **amounts)
            taken.append((outcome_id, stake_minor, payout_minor))
    assert max(loss(result, taken) for result in results_by_market()[market_id]) <= loss_minor_max
