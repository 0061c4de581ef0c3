"""The bet calculator as it is asked over gRPC."""

from __future__ import annotations

from typing import Any

import pytest

from bets.systems import SystemMalformed
from kernel.errors import DomainError
from overround.bets.v1.betting_service_pb2 import (
    CalculatedLeg,
    CalculateReturnRequest,
    CalculateReturnResponse,
    LegResult,
    RaceFinish,
)
from overround.common.v1.money_pb2 import Money
from tests.fakes.fake_gateway import Door, call_by
from wire.requests import RequestMalformed

WON, LOST, VOID = (
    LegResult(win_factor_micro=win, void_factor_micro=void) for win, void in ((10**6, 0), (0, 0), (0, 10**6))
)


def leg(odds_milli: int, course: LegResult | RaceFinish) -> CalculatedLeg:
    if isinstance(course, LegResult):
        return CalculatedLeg(decimal_odds_milli=odds_milli, result=course)
    return CalculatedLeg(decimal_odds_milli=odds_milli, finish=course)


async def calculate(*legs: CalculatedLeg, unit_minor: int = 100, **others: Any) -> CalculateReturnResponse:
    request = CalculateReturnRequest(legs=legs, unit_stake=Money(amount_minor=unit_minor, currency="EUR"), **others)
    return await Door().betting.calculate_return(request, call_by())


def figures(answer: CalculateReturnResponse) -> tuple[int, int, int]:
    assert {answer.stake.currency, answer.return_amount.currency} == {"EUR"}
    return answer.line_count, answer.stake.amount_minor, answer.return_amount.amount_minor


async def test_a_named_system_costs_its_lines_and_returns_what_of_them_wins() -> None:
    legs = [leg(2_000, WON), leg(3_000, WON), leg(5_000, LOST), leg(4_000, VOID)]
    # Singles 2 + 3 + 1, doubles 6 + 2 + 3, treble 6: of one unit each.
    assert figures(await calculate(*legs, system="lucky15")) == (15, 1_500, 2_300)


async def test_an_accumulator_and_singles_are_named_by_their_sizes() -> None:
    legs = [leg(2_000, WON), leg(3_000, WON), leg(5_000, WON)]
    assert figures(await calculate(*legs, fold_sizes=[3])) == (1, 100, 3_000)
    assert figures(await calculate(*legs, fold_sizes=[1])) == (3, 300, 1_000)


async def test_each_line_is_rounded_down_by_itself() -> None:
    legs = [leg(1_333, WON), leg(1_333, WON)]
    # 1.333, 1.333 and 1.776889 of one cent.
    assert figures(await calculate(*legs, fold_sizes=[1, 2], unit_minor=1)) == (3, 3, 3)


async def test_each_way_terms_follow_from_the_race_and_rule_4_from_who_was_withdrawn() -> None:
    second = RaceFinish(position=2, runner_count=10)
    assert figures(await calculate(leg(11_000, second), fold_sizes=[1], is_each_way=True)) == (2, 200, 300)
    withdrawn = RaceFinish(position=2, runner_count=10, withdrawn_odds_milli=[5_500])
    assert figures(await calculate(leg(11_000, withdrawn), fold_sizes=[1], is_each_way=True)) == (2, 200, 270)
    named = RaceFinish(position=2, runner_count=10, places=2, place_fraction_of=4)
    assert figures(await calculate(leg(11_000, named), fold_sizes=[1], is_each_way=True)) == (2, 200, 350)
    dead_heat = RaceFinish(position=1, tied_count=2, runner_count=10)
    assert figures(await calculate(leg(11_000, dead_heat), fold_sizes=[1])) == (1, 100, 550)
    unplaced = RaceFinish(position=0, runner_count=10)
    assert figures(await calculate(leg(11_000, unplaced), fold_sizes=[1], is_each_way=True)) == (2, 200, 0)


@pytest.mark.parametrize(
    ("legs", "others", "refusal"),
    [
        ([], {"fold_sizes": [1]}, SystemMalformed),
        ([leg(2_000, WON)] * 21, {"fold_sizes": [1]}, SystemMalformed),
        ([leg(2_000, WON)] * 3, {"system": "lucky15"}, SystemMalformed),
        ([leg(2_000, WON)] * 3, {"system": "lucky16"}, SystemMalformed),
        ([leg(2_000, WON)] * 3, {"system": "patent", "fold_sizes": [1]}, SystemMalformed),
        ([leg(2_000, WON)], {}, SystemMalformed),
        ([leg(2_000, WON)], {"fold_sizes": [1], "is_each_way": True}, SystemMalformed),
        ([leg(1_000, WON)], {"fold_sizes": [1]}, RequestMalformed),
        ([CalculatedLeg(decimal_odds_milli=2_000)], {"fold_sizes": [1]}, RequestMalformed),
        ([leg(2_000, LegResult(win_factor_micro=10**6 + 1))], {"fold_sizes": [1]}, RequestMalformed),
        ([leg(2_000, RaceFinish(position=3, runner_count=2))], {"fold_sizes": [1]}, RequestMalformed),
        ([leg(2_000, RaceFinish(position=1, runner_count=1))], {"fold_sizes": [1]}, RequestMalformed),
        ([leg(2_000, RaceFinish(runner_count=9, withdrawn_odds_milli=[900]))], {"fold_sizes": [1]}, RequestMalformed),
        (
            [leg(2_000, RaceFinish(runner_count=9, withdrawn_odds_milli=[5_000] * 41))],
            {"fold_sizes": [1]},
            RequestMalformed,
        ),
        ([leg(2_000, RaceFinish(runner_count=9, places=2))], {"fold_sizes": [1]}, RequestMalformed),
        ([leg(2_000, WON)], {"fold_sizes": [1], "unit_minor": 0}, RequestMalformed),
        ([leg(4_000_000_000, WON)] * 9, {"fold_sizes": [9]}, RequestMalformed),
    ],
)
async def test_what_cannot_be_calculated_is_refused(
    legs: list[CalculatedLeg], others: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        await calculate(*legs, **others)
