"""Liability of a fixture, bet by bet."""

import pytest

from overround.risk.v1 import risk_pb2
from risk.liability import FixtureLiability, LegChange, OutboxPosition, OutcomeLiability, fold
from wire.risk import build_fixture_liability, parse_fixture_liability

EMPTY = FixtureLiability("sim:1:1", "EUR")


def _bet(
    row_id: int,
    stake_minor: int,
    payout_minor: int,
    *,
    market_id: str = "1x2",
    outcome_id: str = "home",
    is_acceptance: bool = True,
    currency: str = "EUR",
) -> LegChange:
    position = OutboxPosition(10, row_id)
    return LegChange(position, market_id, outcome_id, stake_minor, payout_minor, currency, is_acceptance)


def _leave(row_id: int, stake_minor: int, payout_minor: int) -> LegChange:
    return _bet(row_id, -stake_minor, -payout_minor, is_acceptance=False)


def test_the_worst_loss_is_the_dearest_outcome_less_all_stakes() -> None:
    bets = [_bet(1, 1_000, 2_500), _bet(2, 500, 2_000, outcome_id="draw"), _bet(3, 100, 150, outcome_id="away")]
    liability = fold(EMPTY, bets, time_us=7).liability
    market = liability.markets["1x2"]
    assert market.outcomes["home"] == OutcomeLiability(1_000, 2_500, 1)
    assert (market.stake_minor, market.bet_count, market.worst_loss_minor()) == (1_600, 3, 900)
    assert (liability.turnover_minor, liability.worst_loss_minor(), liability.time_us) == (1_600, 900, 7)


def test_a_market_on_which_every_outcome_pays_us_loses_nothing() -> None:
    bets = [_bet(1, 1_000, 1_500), _bet(2, 1_000, 1_500, outcome_id="away")]
    assert fold(EMPTY, bets, time_us=1).liability.worst_loss_minor() == 0


def test_two_outcomes_of_a_double_chance_win_together() -> None:
    ids = ["1x", "12", "x2"]
    bets = [_bet(row, 1_000, 1_300 + row, market_id="double_chance", outcome_id=ids[row]) for row in range(3)]
    bets = [bet for bet in bets if bet.position.row_id] + [
        _bet(9, 100, 1_600, market_id="double_chance", outcome_id="1x")
    ]
    assert fold(EMPTY, bets, time_us=1).liability.worst_loss_minor() == 1_600 + 1_302 - 2_100


@pytest.mark.parametrize("part", ["", "first_half_", "second_half_"])
def test_a_home_lead_pays_both_double_chances_that_it_is_in(part: str) -> None:
    bets = [
        _bet(row, 1_000, 1_300, market_id=f"{part}double_chance", outcome_id=outcome_id)
        for row, outcome_id in enumerate(("1x", "12"), 1)
    ]
    assert fold(EMPTY, bets, time_us=1).liability.worst_loss_minor() == 600


def test_worst_losses_of_markets_add_up() -> None:
    bets = [_bet(1, 100, 300), _bet(2, 100, 500, market_id="total:2.5", outcome_id="over")]
    assert fold(EMPTY, bets, time_us=1).liability.worst_loss_minor() == 600


def test_a_bet_delivered_twice_counts_once() -> None:
    bet = _bet(1, 1_000, 2_500)
    once = fold(EMPTY, [bet], time_us=1).liability
    assert fold(EMPTY, [bet, bet], time_us=1).liability == once
    assert fold(once, [bet], time_us=2).liability is once


def test_a_settled_bet_leaves_nothing_but_turnover_and_comes_back_when_rolled_back() -> None:
    accepted = fold(EMPTY, [_bet(1, 1_000, 2_500)], time_us=1).liability
    settled = fold(accepted, [_leave(2, 1_000, 2_500)], time_us=2).liability
    assert (settled.markets, settled.turnover_minor, settled.worst_loss_minor()) == ({}, 1_000, 0)
    returned = fold(settled, [_bet(3, 1_000, 2_500, is_acceptance=False)], time_us=3).liability
    assert (returned.markets, returned.turnover_minor) == (accepted.markets, 1_000)


def test_the_version_rises_even_if_the_clock_falls() -> None:
    first = fold(EMPTY, [_bet(1, 1, 2)], time_us=100).liability
    second = fold(first, [_bet(2, 1, 2)], time_us=50).liability
    third = fold(second, [_bet(3, 1, 2)], time_us=500).liability
    assert [first.version, second.version, third.version] == [100, 101, 500]


def test_a_bet_that_never_entered_is_refused_and_the_rest_is_counted() -> None:
    folded = fold(EMPTY, [_leave(1, 5, 9), _bet(2, 1_000, 2_500)], time_us=1)
    assert [refusal.reason for _, refusal in folded.refused] == ["LIABILITY_BELOW_ZERO"]
    assert folded.liability.markets["1x2"].bet_count == 1
    assert fold(folded.liability, [_leave(1, 5, 9)], time_us=2).refused == ()


def test_a_bet_in_another_currency_is_refused() -> None:
    folded = fold(EMPTY, [_bet(1, 1_000, 2_500, currency="GBP")], time_us=1)
    assert [refusal.reason for _, refusal in folded.refused] == ["BOOK_CURRENCY_MISMATCH"]
    assert folded.liability.turnover_minor == 0


def test_liability_survives_the_wire() -> None:
    bets = [_bet(1, 1_000, 2_500), _bet(2, 500, 2_000, market_id="total:2.5", outcome_id="over")]
    liability = fold(EMPTY, bets, time_us=9).liability
    encoded = build_fixture_liability(liability).SerializeToString()
    message = risk_pb2.FixtureLiability.FromString(encoded)
    assert parse_fixture_liability(message) == liability
    assert (message.worst_loss_minor, message.markets[0].worst_loss_minor) == (3_000, 1_500)
