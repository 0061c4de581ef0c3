"""How prices are made: every figure a trading head would set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from odds.ladder import LADDERS
from odds.margin.methods import MarginMethod


@dataclass(frozen=True, slots=True, eq=False)
class PricingPolicy:
    """Margins, blend and limits.

    Attributes:
        overround: What our implied probabilities sum to, per winner (1.05 is 5 % margin).
        overround_wide: The same in markets with more than `narrow_outcomes_max` outcomes.
        removal: How providers are taken to have put their margin on.
        application: How ours is put on.
        implied_sum_min: A provider's implied probabilities, per winner, must sum to at least this. Best prices of an
            exchange may sum to a little under 1.0 and still say, scaled, what is likely; far under it, outcomes are
            missing and nothing can be said.
        implied_sum_max: And at most to this; beyond, there is no real offer behind them.
        providers_min: Fewer than this many providers that count make no price.
        sharpness_by_provider: Weight of a provider in the blend; 1.0 for those not named.
        age_half_life_us: A provider's weight halves with every such span its quotes are older than the newest ones.
        age_in_play_us_max: Quotes older than the newest by more count for nothing, in play.
        age_pre_match_us_max: The same before the match.
        outlier_logit_distance_max: See `odds.blending.find_outliers`.
        clock_stale_us: In play, a running clock without any word for longer suspends.
        ladder: Name of the steps that prices are rounded to.
        provider_timeout_us: Silence after which a provider that never announced its own limit counts as down.
    """

    overround: float = 1.05
    overround_wide: float = 1.15
    narrow_outcomes_max: int = 4
    removal: MarginMethod = MarginMethod.POWER
    application: MarginMethod = MarginMethod.ODDS_RATIO
    implied_sum_min: float = 0.9
    implied_sum_max: float = 1.6
    providers_min: int = 1
    sharpness_by_provider: Mapping[str, float] = field(default_factory=dict)
    age_half_life_us: int = 20_000_000
    age_in_play_us_max: int = 60_000_000
    age_pre_match_us_max: int = 21_600_000_000
    outlier_logit_distance_max: float = 0.6
    clock_stale_us: int = 30_000_000
    provider_timeout_us: int = 15_000_000
    ladder: str = "fine"

    @property
    def ladder_steps(self) -> NDArray[np.uint32]:
        """Return the ladder's decimal odds times 1000, rising."""
        return LADDERS[self.ladder]
