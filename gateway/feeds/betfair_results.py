"""How the runners of a closed exchange market came out, and what withdrawn ones take off earlier bets."""

from __future__ import annotations

from typing import Final

from gateway.feeds.betfair_definition import time_ms_of
from gateway.feeds.betfair_market import ExchangeMarket, Runner
from gateway.feeds.refusals import MessageMalformed
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, REDUCTIONS_MAX
from overround.feed.v1.feed_pb2 import MarketResult, OutcomeResult, Reduction, ResultKind

REDUCTION_MIN_PERCENT: Final = 2.5
"""To win, smaller factors take nothing off."""
_WIN: Final = "WIN"
_WON: Final = frozenset({"WINNER", "PLACED"})
_DECIDED: Final = _WON | {"LOSER", "REMOVED", "REMOVED_VACANT"}


def results_of(market: ExchangeMarket) -> MarketResult | None:
    """Return how every runner of a closed market came out; None while one is not decided.

    Where one place is paid and more runners won, they share it. Where more than one is, those that finished clear are
    paid in full and only those that tied for the last place share: the exchange does not say which these are.

    Raises:
        MessageMalformed: If the market is closed and what it pays is not known: a person has to settle it.
    """
    runners = market.runner_by_id.values()
    if not market.is_closed or not runners or not all(runner.status in _DECIDED for runner in runners):
        return None
    dead_heat_factor_micro = _dead_heat_factor_micro(market)
    return MarketResult(
        kind=ResultKind.RESULT_KIND_SETTLEMENT,
        market_id=market.market_id,
        outcomes=[_outcome_of(runner, dead_heat_factor_micro) for runner in runners],
        certainty=CONFIRMED,
        reductions=_reductions_of(market),
    )


def _dead_heat_factor_micro(market: ExchangeMarket) -> int:
    won_count = sum(runner.status in _WON for runner in market.runner_by_id.values())
    place_count = market.place_count
    if won_count <= 1 or place_count == 0 or (place_count is not None and won_count <= place_count):
        return FACTOR_ONE_MICRO
    if place_count != 1:
        raise MessageMalformed(
            f"Market {market.exchange_id} must say who tied, had {won_count} winners, places paid: {place_count}"
        )
    return FACTOR_ONE_MICRO // won_count


def _outcome_of(runner: Runner, dead_heat_factor_micro: int) -> OutcomeResult:
    is_won = runner.status in _WON
    return OutcomeResult(
        outcome_id=runner.outcome_id,
        win_factor_micro=FACTOR_ONE_MICRO if is_won else 0,
        void_factor_micro=FACTOR_ONE_MICRO if runner.is_removed else 0,
        dead_heat_factor_micro=dead_heat_factor_micro if is_won else FACTOR_ONE_MICRO,
    )


def _reductions_of(market: ExchangeMarket) -> list[Reduction]:
    """Return what the runners that were removed take off bets placed before, the earliest first.

    Source:
        Betfair Exchange rules on non-runners: to win, the whole traded price is reduced, and not for factors below 2.5;
        to be placed, the winnings are.
    """
    is_win = market.market_type == _WIN
    reductions = []
    for runner in market.runner_by_id.values():
        percent = _percent_of(runner) if runner.is_removed else 0.0
        if percent > 0.0 and not (is_win and percent < REDUCTION_MIN_PERCENT):
            removal = runner.definition.get("removalDate")
            reductions.append(
                Reduction(
                    before_ms=runner.removed_ms if removal is None else time_ms_of(removal),
                    deduction_micro=round(percent * FACTOR_ONE_MICRO / 100),
                    is_off_winnings_only=not is_win,
                )
            )
    if len(reductions) > REDUCTIONS_MAX:
        raise MessageMalformed(f"A market must have at most {REDUCTIONS_MAX} reductions, had {len(reductions)}")
    return sorted(reductions, key=lambda reduction: reduction.before_ms)


def _percent_of(runner: Runner) -> float:
    percent = runner.definition.get("adjustmentFactor")
    if percent is None:
        return 0.0
    if not isinstance(percent, int | float) or not 0 <= percent <= 100:
        raise MessageMalformed(
            f"The adjustment factor of runner {runner.outcome_id} must be 0 to 100, was {str(percent)[:32]!r}"
        )
    return float(percent)
