"""What a bet of any type comes to, by how its legs came out: the arithmetic of a slip before there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TypeAlias

from bets.bet import Line
from bets.settlement import leg_factor
from bets.systems import System, SystemMalformed
from markets.odds import FACTOR_ONE_MICRO, ODDS_ONE_MILLI
from markets.results import OutcomeResult
from odds.models.racing.each_way import EachWayTerms, dead_heat_factor, return_of

_Ratio: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RaceFinish:
    """How a runner finished.

    Attributes:
        position: Where, the first of the positions shared in a dead heat; 0 for nowhere that is paid.
        tied: Runners that share it, 1 for no dead heat.
        terms: Places paid, and at which part of the winnings.
        deducted_percent: What Rule 4 takes off winnings.
    """

    position: int
    tied: int
    terms: EachWayTerms
    deducted_percent: int


@dataclass(frozen=True, slots=True)
class CalculatedLeg:
    """One leg: its odds, and how it came out, by a result or by a finish of a race."""

    decimal_odds_milli: int
    course: OutcomeResult | RaceFinish


@dataclass(frozen=True, slots=True)
class CalculatedReturn:
    """What a bet costs and comes to.

    Attributes:
        line_count: Units of stake; both parts of an each-way bet count.
        return_minor: Stakes included; each line is rounded down by itself, both parts of an each-way one together.
    """

    line_count: int
    stake_minor: int
    return_minor: int


def calculate(
    system: System, legs: Sequence[CalculatedLeg], *, unit_stake_minor: int, is_each_way: bool
) -> CalculatedReturn:
    """Return what a bet comes to.

    An each-way bet is two: the system on all legs to win, and the same on all to be placed. A leg whose race pays no
    place is to win in both.

    Args:
        system: Which lines.
        legs: As many as the system has.
        unit_stake_minor: On each line, and on each part of an each-way bet.
        is_each_way: Whether it is also on places.

    Raises:
        SystemMalformed: If there are more or fewer legs than the system has, or one of an each-way bet runs in no race.
        ModelInputInvalid: If a finish cannot be.
    """
    if len(legs) != system.leg_count:
        raise SystemMalformed(f"The system must have {system.leg_count} legs, {len(legs)} were given")
    wins = [_win_factor(leg).as_integer_ratio() for leg in legs]
    places = [_place_factor(leg).as_integer_ratio() for leg in legs] if is_each_way else []
    line_count = system.line_count() * (2 if is_each_way else 1)
    return_minor = sum(_line_return_minor(unit_stake_minor, line, wins, places) for line in system.lines())
    return CalculatedReturn(line_count, unit_stake_minor * line_count, return_minor)


def _line_return_minor(unit_stake_minor: int, line: Line, wins: Sequence[_Ratio], places: Sequence[_Ratio]) -> int:
    """Return what a line comes to. In whole numbers: to keep fractions in lowest terms takes four times as long."""
    win, win_of = _product(line, wins)
    if not places:
        return unit_stake_minor * win // win_of
    place, place_of = _product(line, places)
    return unit_stake_minor * (win * place_of + place * win_of) // (win_of * place_of)


def _product(line: Line, ratios: Sequence[_Ratio]) -> _Ratio:
    return prod([ratios[leg][0] for leg in line]), prod([ratios[leg][1] for leg in line])


def _win_factor(leg: CalculatedLeg) -> Fraction:
    if isinstance(leg.course, OutcomeResult):
        return Fraction(*leg_factor(decimal_odds_milli=leg.decimal_odds_milli, outcome=leg.course, reductions=()))
    return _race_factor(leg.course, Fraction(leg.decimal_odds_milli, ODDS_ONE_MILLI), places=1)


def _place_factor(leg: CalculatedLeg) -> Fraction:
    course = leg.course
    if isinstance(course, RaceFinish):
        place_odds = 1 + Fraction(leg.decimal_odds_milli - ODDS_ONE_MILLI, ODDS_ONE_MILLI) * course.terms.fraction
        return _race_factor(course, place_odds, places=course.terms.places)
    if course.void_factor_micro == FACTOR_ONE_MICRO:
        return Fraction(1)
    raise SystemMalformed("Legs of an each-way bet must be runners of races, or void, one was not")


def _race_factor(course: RaceFinish, odds: Fraction, *, places: int) -> Fraction:
    if course.position == 0:
        return Fraction(0)
    factor = dead_heat_factor(course.position, tied=course.tied, places=places)
    return return_of(1, decimal_odds=odds, factor=factor, deducted_percent=course.deducted_percent)
