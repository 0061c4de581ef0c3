"""What results make of a bet: the exact money that its lines are worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias
from uuid import UUID

from bets.bet import BetStatus, Line
from markets.odds import FACTOR_ONE_MICRO, ODDS_ONE_MILLI
from markets.results import MarketResult, OutcomeResult, Reduction, ResultKind

SHARERS_MAX: Final = 100
"""A factor is read as a fraction with a denominator up to this: the largest dead heat that is paid exactly."""

_FACTORS_REMEMBERED_MAX: Final = 4_096


LegFactor: TypeAlias = tuple[int, int]
"""What one unit staked on a leg comes to, exactly: numerator and denominator, not in lowest terms."""

VOID: Final[LegFactor] = (1, 1)


def return_minor(*, stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult) -> int:
    """Return what a single on `outcome` is paid, stake included, rounded down to the minor unit.

    With stake S, void factor v, win factor r, decimal odds o and dead-heat factor d this is
    floor(S * (v + (1 - v) * r * o * d)), in integers all the way; `read_factor` says what the factors are.
    """
    return reduced_return_minor(
        stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome, reductions=()
    )


def reduced_return_minor(
    *, stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult, reductions: Sequence[Reduction]
) -> int:
    """Return what a single on `outcome` is paid after `reductions`, of which each holds for it.

    They are taken off one after another, exactly, and none leaves decimal odds below one: a winner gets the stake back.
    """
    return line_return_minor(
        stake_minor, [leg_factor(decimal_odds_milli=decimal_odds_milli, outcome=outcome, reductions=reductions)]
    )


def leg_factor(*, decimal_odds_milli: int, outcome: OutcomeResult, reductions: Sequence[Reduction]) -> LegFactor:
    """Return what one unit staked on `outcome` comes to."""
    void, void_of = read_factor(outcome.void_factor_micro)
    win, win_of = read_factor(outcome.win_factor_micro)
    dead_heat, dead_heat_of = read_factor(outcome.dead_heat_factor_micro)
    odds, odds_of = _reduce(decimal_odds_milli, reductions)
    scale = win_of * odds_of * dead_heat_of
    return void * scale + (void_of - void) * win * odds * dead_heat, void_of * scale


def line_return_minor(stake_minor: int, factors: Iterable[LegFactor]) -> int:
    """Return what a line is paid: its stake times the factor of each of its legs, rounded down once, at the end."""
    numerator, denominator = stake_minor, 1
    for part, whole in factors:
        numerator *= part
        denominator *= whole
    return numerator // denominator


@dataclass(frozen=True, slots=True)
class StakedLeg:
    """A leg of a bet, with the results that stand on it.

    Attributes:
        is_told_of: Whether the result that comes is of its market.
        outcome: How it came out by the settlement that stands; None where none does.
        reductions: Of that settlement, those that hold for the bet.
        is_cancelled: Whether a cancellation stands, which goes before a settlement.
    """

    leg: int
    outcome_id: str
    decimal_odds_milli: int
    is_told_of: bool
    outcome: OutcomeResult | None = None
    reductions: tuple[Reduction, ...] = ()
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class BetStanding:
    """Where results leave a bet.

    Attributes:
        return_minor: What is paid; zero while it is open.
        is_refund: Whether it is the stake that goes back, since every leg is cancelled; else a payout.
    """

    status: BetStatus
    return_minor: int
    is_refund: bool


OPEN: Final = BetStanding(BetStatus.OPEN, 0, is_refund=False)


@dataclass(frozen=True, slots=True)
class StakedBet:
    """A bet on the market of a result: where it stands, and what its return follows from."""

    bet_id: UUID
    stake_minor: int
    placed_time_us: int
    lines: tuple[Line, ...]
    legs: tuple[StakedLeg, ...]
    standing: BetStanding = OPEN


@dataclass(frozen=True, slots=True)
class SettledBet:
    """What a result makes of a bet.

    Attributes:
        legs: Those on which it stands from now on.
        standing: Where it leaves the bet, which may be where it stood.
    """

    bet_id: UUID
    legs: tuple[int, ...]
    standing: BetStanding
    is_changed: bool


def settle(result: MarketResult, bets: Sequence[StakedBet]) -> list[SettledBet]:
    """Return what a result makes of bets on its market; one of whose outcome it says nothing stays as it is."""
    outcomes = {outcome.outcome_id: outcome for outcome in result.outcomes}
    return [settled for bet in bets if (settled := _settle(bet, result, outcomes)) is not None]


def _settle(bet: StakedBet, result: MarketResult, outcomes: Mapping[str, OutcomeResult]) -> SettledBet | None:
    told = tuple(
        leg.leg
        for leg in bet.legs
        if leg.is_told_of and (result.kind is not ResultKind.SETTLEMENT or leg.outcome_id in outcomes)
    )
    if not told:
        return None
    reductions = result.reductions_of(bet.placed_time_us)
    legs = [
        _after(leg, result.kind, outcomes.get(leg.outcome_id), reductions) if leg.leg in told else leg
        for leg in bet.legs
    ]
    standing = stand(legs, bet.lines, stake_minor=bet.stake_minor)
    return SettledBet(bet.bet_id, told, standing, is_changed=standing != bet.standing)


def _after(
    leg: StakedLeg, kind: ResultKind, outcome: OutcomeResult | None, reductions: tuple[Reduction, ...]
) -> StakedLeg:
    if kind in {ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK}:
        return replace(leg, outcome=outcome, reductions=reductions)
    return replace(leg, is_cancelled=kind is ResultKind.CANCEL)


def stand(legs: Sequence[StakedLeg], lines: Sequence[Line], *, stake_minor: int) -> BetStanding:
    """Return where a bet stands by the results of its legs: open until what it returns is certain.

    A line is certain once all of its legs have results, or one has lost. The factor of a leg that is void is one.
    """
    if all(leg.is_cancelled for leg in legs):
        return BetStanding(BetStatus.VOID, stake_minor, is_refund=True)
    factors = {leg.leg: _factor_of(leg) for leg in legs}
    line_stake_minor = stake_minor // len(lines)
    paid_minor = 0
    for line in lines:
        known = [factor for leg in line if (factor := factors[leg]) is not None]
        if any(not part for part, _ in known):
            continue
        if len(known) < len(line):
            return OPEN
        paid_minor += line_return_minor(line_stake_minor, known)
    is_void = all(_is_void(leg) for leg in legs)
    return BetStanding(BetStatus.VOID if is_void else BetStatus.SETTLED, paid_minor, is_refund=False)


def _factor_of(leg: StakedLeg) -> LegFactor | None:
    if leg.is_cancelled:
        return VOID
    if leg.outcome is None:
        return None
    return leg_factor(decimal_odds_milli=leg.decimal_odds_milli, outcome=leg.outcome, reductions=leg.reductions)


def _is_void(leg: StakedLeg) -> bool:
    return leg.is_cancelled or (leg.outcome is not None and leg.outcome.void_factor_micro == FACTOR_ONE_MICRO)


@lru_cache(maxsize=_FACTORS_REMEMBERED_MAX)
def read_factor(factor_micro: int) -> tuple[int, int]:
    """Return numerator and denominator of the fraction that a factor in millionths stands for.

    A third is written 333333: what a fraction of at most `SHARERS_MAX` parts becomes when it is cut or rounded to
    millionths is that fraction, and anything else so many millionths. No two such fractions are written alike, and a
    factor of up to four decimals is none but itself.
    """
    for parts in range(1, SHARERS_MAX + 1):
        part = (2 * factor_micro * parts + FACTOR_ONE_MICRO) // (2 * FACTOR_ONE_MICRO)
        missing = part * FACTOR_ONE_MICRO - factor_micro * parts
        if -parts <= 2 * missing < 2 * parts:
            return part, parts
    return factor_micro, FACTOR_ONE_MICRO


def _reduce(decimal_odds_milli: int, reductions: Sequence[Reduction]) -> tuple[int, int]:
    odds, odds_of = decimal_odds_milli, ODDS_ONE_MILLI
    for reduction in reductions:
        kept_micro = FACTOR_ONE_MICRO - reduction.deduction_micro
        base = odds_of if reduction.is_off_winnings_only else 0
        odds = base * FACTOR_ONE_MICRO + (odds - base) * kept_micro
        odds_of *= FACTOR_ONE_MICRO
        odds = max(odds, odds_of)
    return odds, odds_of
