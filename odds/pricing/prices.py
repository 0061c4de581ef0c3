"""From states to prices: all waiting fixtures in one numpy batch.

Columns of all fixtures stand behind each other: M markets and O outcomes in all, P providers at most in a fixture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odds.fixture.book import PriceSource
from odds.fixture.state import FixtureState, ModelFit
from odds.margin.application import reachable_overrounds
from odds.margin.quoting import quote_rows
from odds.margin.removal import remove_margin
from odds.pricing.blending import blend, find_outliers, find_quorum
from odds.pricing.modelled import ModelPrices, price_by_models
from odds.pricing.policy import PricingPolicy
from odds.pricing.stack_shape import MarketGroup
from odds.pricing.stacking import Stack

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_NONE, _MARKET = np.uint8(PriceSource.NONE), np.uint8(PriceSource.MARKET)


@dataclass(frozen=True, slots=True, eq=False)
class PricedColumns:
    """Prices of all fixtures of a stack.

    Attributes:
        fair_probabilities: What is priced, shape (O,); NaN where there is none.
        blended_probabilities: What the providers say, float32, shape (O,); NaN where there is none.
        sources: A `PriceSource` each, shape (M,).
        decimal_odds_milli: Shape (O,); 0 where there is none.
        overrounds: What our implied probabilities sum to, shape (M,); NaN where there is no price.
        wanted_overrounds: What they were to sum to before rounding, shape (M,); NaN where there is no price.
        shares: Of each provider in the blend, float32, shape (P, M), each market's summing to 1.0 or 0.0.
        is_decided: Markets that the state of the match has decided, shape (M,).
        fits: Of fixtures whose sport has a model, by place in the stack.
    """

    fair_probabilities: Floats
    blended_probabilities: NDArray[np.float32]
    sources: NDArray[np.uint8]
    decimal_odds_milli: NDArray[np.uint32]
    overrounds: Floats
    wanted_overrounds: Floats
    shares: NDArray[np.float32]
    is_decided: Flags
    fits: Mapping[int, ModelFit]


def make_prices(states: Sequence[FixtureState], stack: Stack, policy: PricingPolicy) -> PricedColumns:
    """Price every market of the states that can be priced.

    Args:
        states: The fixtures of the stack.
        stack: Their columns.
        policy: How.
    """
    blended, shares = blend_markets(stack, policy)
    modelled = price_by_models(states, stack, blended, policy)
    fair, sources = (blended, _MARKET) if modelled is None else _choose(modelled, blended, stack)
    odds_milli, overrounds, wanted = quote_markets(stack, fair, policy)
    is_quoted = ~np.isnan(overrounds)
    return PricedColumns(
        fair_probabilities=np.where(stack.shape.to_outcomes(is_quoted), fair, np.nan),
        blended_probabilities=blended.astype(np.float32),
        sources=np.where(is_quoted, sources, _NONE),
        decimal_odds_milli=odds_milli,
        overrounds=overrounds,
        wanted_overrounds=np.where(is_quoted, wanted, np.nan),
        shares=shares.astype(np.float32),
        is_decided=np.zeros(stack.shape.market_count, dtype=bool) if modelled is None else modelled.is_decided,
        fits={} if modelled is None else modelled.fits,
    )


def _choose(modelled: ModelPrices, blended: Floats, stack: Stack) -> tuple[Floats, NDArray[np.uint8]]:
    """Return what each outcome is priced at, and where that is from, one a market."""
    is_priced = modelled.is_priced
    is_by_itself = stack.shape.to_outcomes(~is_priced & ~modelled.is_decided)
    fair = np.where(is_by_itself, blended, modelled.fair_probabilities)
    return fair, np.where(is_priced, modelled.sources, _MARKET)


def blend_markets(stack: Stack, policy: PricingPolicy) -> tuple[Floats, Floats]:
    """Return what the providers say together, shape (O,), and whose shares it has, shape (P, M)."""
    blended = np.full(stack.shape.outcome_count + 1, np.nan)
    shares = np.zeros(stack.weights.shape)
    provider_odds = _pad_with_nan(stack.decimal_odds_milli)
    for group in stack.shape.groups:
        blended[group.cells], shares[:, group.markets] = _blend_group(
            provider_odds[:, group.cells], stack, group, policy
        )
    return blended[:-1], shares


def _blend_group(
    provider_odds: Floats, stack: Stack, group: MarketGroup, policy: PricingPolicy
) -> tuple[Floats, Floats]:
    winner_counts = stack.winner_counts[group.markets]
    weights = stack.weights[:, group.markets]
    fair, is_counted = _fair_of_providers(provider_odds, weights > 0.0, winner_counts, policy)
    if len(fair) > 1:
        is_counted &= ~find_outliers(fair, is_counted=is_counted, logit_distance_max=policy.outlier_logit_distance_max)
    is_counted &= find_quorum(
        is_counted,
        is_mandatory=stack.is_mandatory[:, group.markets],
        is_mandatory_absent=stack.is_mandatory_absent[group.markets],
        providers_min=policy.providers_min,
    )
    weights = np.where(is_counted, weights, 0.0)
    totals = np.add.reduce(weights, 0)
    return _blend(fair, weights, winner_counts), weights / np.where(totals > 0.0, totals, 1.0)


def quote_markets(stack: Stack, fair: Floats, policy: PricingPolicy) -> tuple[NDArray[np.uint32], Floats, Floats]:
    """Put the margin on, round, and take back any market that ended below its overround.

    Returns:
        Prices, what they sum to, and what they were to sum to.
    """
    padded = np.append(fair, np.nan)
    odds_milli = np.zeros(len(padded), dtype=np.uint32)
    overrounds = np.full(stack.shape.market_count, np.nan)
    wanted = stack.wanted_overrounds.copy()
    for group in stack.shape.groups:
        rows = padded[group.cells]
        wanted[group.markets] = reachable_overrounds(
            rows, wanted=wanted[group.markets], odds_ratio_max=policy.margin_odds_ratio_max
        )
        quoted = quote_rows(
            rows,
            overrounds=wanted[group.markets],
            ladder=policy.ladder_steps,
            method=policy.application,
        )
        odds_milli[group.cells], overrounds[group.markets] = quoted.decimal_odds_milli, quoted.overrounds
    return odds_milli[:-1], overrounds, wanted


def _fair_of_providers(
    provider_odds: Floats, is_asked: Flags, winner_counts: Floats, policy: PricingPolicy
) -> tuple[Floats, Flags]:
    """Take out the margin of the providers that are asked.

    Those that offer fewer outcomes than another, or no real book, drop out.
    """
    is_offered = provider_odds > 0.0
    offered = np.add.reduce(is_offered, 2)
    implied_sums = np.add.reduce(np.where(is_offered, 1.0 / provider_odds, 0.0), 2) / winner_counts
    is_asked = is_asked & (implied_sums >= policy.implied_sum_min) & (implied_sums <= policy.implied_sum_max)
    is_asked &= offered == np.maximum.reduce(np.where(is_asked, offered, 0), 0)
    slots, markets = is_asked.nonzero()
    rows = remove_margin(
        provider_odds[slots, markets],
        method=policy.removal,
        winner_counts=winner_counts[markets],
        is_underround_solved=True,
    )
    fair = np.full(provider_odds.shape, np.nan)
    fair[slots, markets] = rows.probabilities
    is_asked[slots, markets] = rows.is_solved
    return fair, is_asked


def _blend(fair: Floats, weights: Floats, winner_counts: Floats) -> Floats:
    if len(fair) == 1:
        return np.asarray(np.where(weights[0][:, None] > 0.0, fair[0], np.nan))
    return blend(fair, weights=weights, winner_counts=winner_counts)


def _pad_with_nan(odds_milli: NDArray[np.uint32]) -> Floats:
    padded = np.full((odds_milli.shape[0], odds_milli.shape[1] + 1), np.nan)
    np.divide(odds_milli, 1_000.0, out=padded[:, :-1], where=odds_milli > 0)
    return padded
