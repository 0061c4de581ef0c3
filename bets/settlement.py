"""What a result makes of a bet: the exact money that it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from bets.bet import BetStatus
from markets.odds import FACTOR_ONE_MICRO, ODDS_ONE_MILLI
from markets.results import MarketResult, OutcomeResult, Reduction, ResultKind

SHARERS_MAX: Final = 100
"""A factor is read as a fraction with a denominator up to this: the largest dead heat that is paid exactly."""

_FACTORS_REMEMBERED_MAX: Final = 4_096


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
    part, whole = leg_factor(decimal_odds_milli=decimal_odds_milli, outcome=outcome, reductions=reductions)
    return stake_minor * part // whole


def leg_factor(*, decimal_odds_milli: int, outcome: OutcomeResult, reductions: Sequence[Reduction]) -> tuple[int, int]:
    """Return what one unit staked on `outcome` comes to, exactly: numerator and denominator, not in lowest terms."""
    void, void_of = read_factor(outcome.void_factor_micro)
    win, win_of = read_factor(outcome.win_factor_micro)
    dead_heat, dead_heat_of = read_factor(outcome.dead_heat_factor_micro)
    odds, odds_of = _reduce(decimal_odds_milli, reductions)
    scale = win_of * odds_of * dead_heat_of
    return void * scale + (void_of - void) * win * odds * dead_heat, void_of * scale


@dataclass(frozen=True, slots=True)
class StakedBet:
    """A bet on the market of a result, with what its return follows from."""

    bet_id: UUID
    stake_minor: int
    placed_time_us: int
    outcome_id: str
    decimal_odds_milli: int


@dataclass(frozen=True, slots=True)
class SettledBet:
    """What a result makes of a bet, should it stand; for what is no settlement, return and status say nothing."""

    bet_id: UUID
    return_minor: int
    status: BetStatus


def settle(result: MarketResult, bets: Sequence[StakedBet]) -> list[SettledBet]:
    """Return what a result makes of bets on its market; one whose outcome it does not name stays as it is."""
    outcomes = {outcome.outcome_id: outcome for outcome in result.outcomes}
    if result.kind is not ResultKind.SETTLEMENT:
        return [SettledBet(bet.bet_id, 0, BetStatus.SETTLED) for bet in bets]
    return [_settle(bet, outcomes[bet.outcome_id], result) for bet in bets if bet.outcome_id in outcomes]


def _settle(bet: StakedBet, outcome: OutcomeResult, result: MarketResult) -> SettledBet:
    return SettledBet(
        bet_id=bet.bet_id,
        return_minor=reduced_return_minor(
            stake_minor=bet.stake_minor,
            decimal_odds_milli=bet.decimal_odds_milli,
            outcome=outcome,
            reductions=result.reductions_of(bet.placed_time_us),
        ),
        status=BetStatus.VOID if outcome.void_factor_micro == FACTOR_ONE_MICRO else BetStatus.SETTLED,
    )


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
