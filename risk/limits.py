"""Limits of one bet: how much may be staked, and how much a market may cost us."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kernel.rates import ReferenceRate
from markets.catalogue import market_of
from markets.market_type import Role
from markets.odds import ODDS_ONE_MILLI

FACTOR_UNIT_MILLI = 1_000


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The house's limits, in minor units; factors are thousandths.

    Those of stakes and payouts are in the reference currency, or in that of who bets where the table was converted.
    What a market may cost is in the reference currency always, as exposure is.

    Attributes:
        stake_minor_min: The least that is taken.
        stake_minor_max: The most staked on one bet, before factors.
        payout_minor_max: The most paid on one bet, stake included, before factors.
        market_loss_minor_max: The most we are willing to lose on one main market before play.
        side_market_factor_milli: Share of every maximum for markets that are not main ones.
        in_play_factor_milli: Share of every maximum while the fixture is in play.
        player_stakes_max: How many times the most of one bet a player may have open on one market.
    """

    stake_minor_min: int
    stake_minor_max: int
    payout_minor_max: int
    market_loss_minor_max: int
    side_market_factor_milli: int
    in_play_factor_milli: int
    player_stakes_max: int = 5

    def in_currency(self, rate: ReferenceRate) -> LimitTable:
        """Return the table for bets in a currency, of one that is in the reference currency: no limit gets wider."""
        return replace(
            self,
            stake_minor_min=rate.from_reference_up(self.stake_minor_min),
            stake_minor_max=rate.from_reference_down(self.stake_minor_max),
            payout_minor_max=rate.from_reference_down(self.payout_minor_max),
        )


@dataclass(frozen=True, slots=True)
class BetLimits:
    """The limits that hold for one bet, in minor units; `player_stake_minor_max` for all of a player on its market.

    What the market may cost, `market_loss_minor_max`, is in the reference currency; the others as their table is.
    """

    stake_minor_min: int
    stake_minor_max: int
    payout_minor_max: int
    market_loss_minor_max: int
    player_stake_minor_max: int

    def stake_max_at(self, decimal_odds_milli: int) -> int:
        """Return the most that may be staked at this price: the stake limit, or what the payout limit leaves."""
        # floor(s * d) <= p is s * d < p + 1.
        by_payout_minor = ((self.payout_minor_max + 1) * ODDS_ONE_MILLI - 1) // decimal_odds_milli
        return min(self.stake_minor_max, by_payout_minor)


def limits_for(table: LimitTable, *, market_id: str, is_in_play: bool) -> BetLimits:
    """Return the limits of a bet on this market now."""
    is_side = market_of(market_id).role is Role.SIDE
    factor = table.side_market_factor_milli if is_side else FACTOR_UNIT_MILLI
    if is_in_play:
        factor = factor * table.in_play_factor_milli // FACTOR_UNIT_MILLI
    stake_minor_max = table.stake_minor_max * factor // FACTOR_UNIT_MILLI
    return BetLimits(
        stake_minor_min=table.stake_minor_min,
        stake_minor_max=stake_minor_max,
        payout_minor_max=table.payout_minor_max * factor // FACTOR_UNIT_MILLI,
        market_loss_minor_max=table.market_loss_minor_max * factor // FACTOR_UNIT_MILLI,
        player_stake_minor_max=stake_minor_max * table.player_stakes_max,
    )
