"""Bets, balances and transfers survive the wire."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from bets.answer import BetRefusal
from bets.bet import SINGLE, Bet, BetEvent, BetEventKind, BetStatus, Leg
from kernel.money import Money
from markets.odds import potential_return_minor
from overround.common.v1.outbox_pb2 import OutboxPosition
from tests.currencies import EURO
from wallet.balance import Balance
from wallet.transfer import Transfer
from wire.bets import build_bet, build_leg, build_leg_changed, build_refusal, parse_bet
from wire.money import build_rate
from wire.wallet import build_balance, build_transfer_posted, parse_balance, parse_transfer_posted

LEG = Leg("sim:1:1", "1x2", "home", 2_333, 17, True, "Ajax v Feyenoord")
BET = Bet(
    uuid4(),
    uuid4(),
    uuid4(),
    (LEG,),
    SINGLE,
    Money(250, "EUR"),
    583,
    BetStatus.SETTLED,
    583,
    1_000,
    2_000,
    (BetEvent(BetEventKind.ACCEPTED, 1_000, -250), BetEvent(BetEventKind.SETTLED, 2_000, 583)),
)
POSITION = OutboxPosition(transaction_id=3, row_id=4)


def test_a_bet_comes_back_as_it_went() -> None:
    assert parse_bet(build_bet(BET)) == BET


def test_a_balance_comes_back_as_it_went() -> None:
    balance = Balance(100, 20, "EUR", 7)
    assert parse_balance(build_balance(balance)) == balance


def test_a_transfer_comes_back_as_it_went() -> None:
    transfer = Transfer(uuid4(), "bets", "key", 0, 1_004, 1_001, Money(250, "EUR"), "stake", 1_000)
    assert parse_transfer_posted(build_transfer_posted(transfer, POSITION)) == transfer


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        (BetEventKind.ACCEPTED, 1),
        (BetEventKind.SETTLED, -1),
        (BetEventKind.SETTLEMENT_ROLLED_BACK, 1),
        (BetEventKind.VOIDED, -1),
        (BetEventKind.VOID_ROLLED_BACK, 1),
    ],
)
def test_a_leg_counts_when_its_bet_opens_and_against_when_it_closes(kind: BetEventKind, sign: int) -> None:
    double = replace(BET, legs=(replace(LEG, fixture_id="sim:1:2"), LEG))
    change = build_leg_changed(double, 1, kind, POSITION, EURO)
    assert (change.leg, change.leg_place, change.rate) == (build_leg(LEG), 1, build_rate(EURO))
    assert (change.stake_minor, change.potential_return_minor) == (sign * 250, sign * 583)


def test_a_figure_that_is_not_the_trouble_is_unset() -> None:
    message = build_refusal(BetRefusal("INSUFFICIENT_FUNDS", "too little", stake_max_minor=0), "EUR")
    assert message.HasField("stake_max")
    assert message.stake_max.amount_minor == 0
    assert not message.HasField("stake_min")


@pytest.mark.parametrize(("stake_minor", "odds_milli", "expected"), [(100, 2_333, 233), (1, 1_999, 1), (3, 1_334, 4)])
def test_a_potential_return_is_rounded_down(stake_minor: int, odds_milli: int, expected: int) -> None:
    assert potential_return_minor(stake_minor, odds_milli) == expected


def test_odds_of_several_legs_are_multiplied_before_rounding() -> None:
    assert potential_return_minor(100, 1_999, 1_999) == 399
