"""What a bet calculator is asked, and answers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from bets.calculator import CalculatedLeg, CalculatedReturn, RaceFinish
from bets.systems import LEGS_MAX, SYSTEM_BY_NAME, System, SystemMalformed
from kernel.money import Money
from markets.odds import FACTOR_ONE_MICRO, ODDS_ONE_MILLI
from markets.results import OutcomeResult, ResultMalformed
from odds.model_input import ModelInputInvalid
from odds.models.racing.each_way import (
    EachWayTerms,
    deduction_percent,
    standard_terms,
    sum_deductions,
)
from overround.bets.v1 import betting_service_pb2
from overround.common.v1 import money_pb2
from wire.requests import RequestMalformed, parse_asked_money

RUNNERS_MAX: Final = 1_000
WITHDRAWN_MAX: Final = 40
UNIT_STAKE_MINOR_MAX: Final = 10**12
RETURN_MINOR_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Calculation:
    """What is to be calculated; see `bets.calculator.calculate`."""

    system: System
    legs: tuple[CalculatedLeg, ...]
    unit_stake: Money
    is_each_way: bool


def parse_calculation(message: betting_service_pb2.CalculateReturnRequest) -> Calculation:
    """Return what is asked for.

    Raises:
        RequestMalformed: If odds, a stake, a result or a finish is out of all bounds.
        SystemMalformed: If there is no such system on so many legs.
    """
    if not 1 <= len(message.legs) <= LEGS_MAX:
        raise SystemMalformed(f"A system must have 1 to {LEGS_MAX} legs, had {len(message.legs)}")
    unit_stake = parse_asked_money(message.unit_stake)
    if not 0 < unit_stake.amount_minor <= UNIT_STAKE_MINOR_MAX:
        raise RequestMalformed(f"Unit stake must be 1 to {UNIT_STAKE_MINOR_MAX}, was {unit_stake.amount_minor}")
    try:
        legs = tuple(_parse_leg(leg) for leg in message.legs)
    except (ModelInputInvalid, ResultMalformed) as error:
        raise RequestMalformed(error.message) from error
    return Calculation(_parse_system(message), legs, unit_stake, message.is_each_way)


def build_calculated(calculated: CalculatedReturn, *, currency: str) -> betting_service_pb2.CalculateReturnResponse:
    """Return the answer.

    Raises:
        RequestMalformed: If more would be returned than any account holds.
    """
    if calculated.return_minor > RETURN_MINOR_MAX:
        raise RequestMalformed(f"A bet must return at most {RETURN_MINOR_MAX}, this one would return more")
    return betting_service_pb2.CalculateReturnResponse(
        line_count=calculated.line_count,
        stake=money_pb2.Money(amount_minor=calculated.stake_minor, currency=currency),
        return_amount=money_pb2.Money(amount_minor=calculated.return_minor, currency=currency),
    )


def _parse_system(message: betting_service_pb2.CalculateReturnRequest) -> System:
    if not message.system:
        return System(len(message.legs), tuple(message.fold_sizes))
    system = SYSTEM_BY_NAME.get(message.system)
    if system is None or message.fold_sizes:
        named = ", ".join(SYSTEM_BY_NAME)
        raise SystemMalformed(f"A system must be one of {named}, or its fold sizes, was {message.system[:32]!r}")
    if system.leg_count != len(message.legs):
        raise SystemMalformed(f"A {message.system} must have {system.leg_count} legs, had {len(message.legs)}")
    return system


def _parse_leg(message: betting_service_pb2.CalculatedLeg) -> CalculatedLeg:
    if message.decimal_odds_milli <= ODDS_ONE_MILLI:
        raise RequestMalformed(f"Decimal odds must be above {ODDS_ONE_MILLI}, were {message.decimal_odds_milli}")
    match message.WhichOneof("course"):
        case "result":
            result = message.result
            course = OutcomeResult("leg", result.win_factor_micro, result.void_factor_micro, FACTOR_ONE_MICRO)
            return CalculatedLeg(message.decimal_odds_milli, course)
        case "finish":
            return CalculatedLeg(message.decimal_odds_milli, _parse_finish(message.finish))
        case _:
            raise RequestMalformed("Each leg must have its result or its finish, one had none")


def _parse_finish(message: betting_service_pb2.RaceFinish) -> RaceFinish:
    tied = message.tied_count or 1
    if not tied <= message.runner_count <= RUNNERS_MAX or message.position > message.runner_count:
        raise RequestMalformed(f"At most {RUNNERS_MAX} may run, no fewer than are tied, was {message.runner_count}")
    if len(message.withdrawn_odds_milli) > WITHDRAWN_MAX:
        raise RequestMalformed(f"At most {WITHDRAWN_MAX} may be withdrawn, were {len(message.withdrawn_odds_milli)}")
    deductions = [deduction_percent(odds, is_smallest_waived=False) for odds in message.withdrawn_odds_milli]
    return RaceFinish(message.position, tied, _parse_terms(message), sum_deductions(deductions))


def _parse_terms(message: betting_service_pb2.RaceFinish) -> EachWayTerms:
    if not message.places:
        return standard_terms(message.runner_count, is_handicap=message.is_handicap)
    if not 1 <= message.place_fraction_of <= RUNNERS_MAX:
        raise RequestMalformed(f"Places must pay one in 1 to {RUNNERS_MAX}, was one in {message.place_fraction_of}")
    return EachWayTerms(message.places, Fraction(1, message.place_fraction_of))
