"""How prices are made: every figure a trading head would set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureDescription
from markets.layout import MarketLayout
from odds.fixture.winners import winner_counts_of
from odds.folding.provider_rights import EVERYBODYS_RIGHTS, RightsTable
from odds.ladder.steps import LADDERS
from odds.margin.methods import MarginMethod
from odds.margin.rules import MarginRule, MarginSituation, expect_usable, find_rule
from odds.model_input import ModelInputInvalid
from odds.pricing.own_markets import Offers, expect_offerable
from odds.pricing.start_guard import StartGuard

OVERROUNDS_CACHED_MAX: Final = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class PricingPolicy:
    """Margins, blend and limits.

    Attributes:
        overround: What our implied probabilities sum to, per winner (1.05 is 5 % margin), where no rule says.
        overround_wide: The same in markets with more than `narrow_outcomes_max` outcomes.
        margin_rules: What is wanted where; of those that match the one with the greatest precedence holds.
        tier_by_competition: Names of competitions that rules tell apart.
        removal: How providers are taken to have put their margin on.
        application: How ours is put on.
        margin_odds_ratio_max: A book sums to less than is wanted rather than that a margin put on by odds ratio divides
            the odds against an outcome by more; see `odds.margin.application.reachable_overrounds`.
        ladder: Name of the steps that prices are rounded to.
        implied_sum_min: A provider's implied probabilities, per winner, must sum to at least this. Best prices of an
            exchange may sum to a little under 1.0 and still say, scaled, what is likely; far under it, outcomes are
            missing and nothing can be said.
        implied_sum_max: And at most to this; beyond, there is no real offer behind them.
        providers_min: Fewer than this many providers that count make no price.
        mandatory_providers: By sport, providers without whose word a market has no price.
        sharpness_by_provider: Weight of a provider in the blend; 1.0 for those not named.
        age_half_life_us: A provider's weight halves with every such span its quotes are older than the newest ones.
        age_in_play_us_max: Quotes that are older than this count for nothing, in play.
        age_pre_match_us_max: The same before the match.
        outlier_logit_distance_max: See `odds.pricing.blending.find_outliers`.
        model_error_max: The model of a sport is not used if its prices are further from the providers', root mean
            square; 0.0 to use none.
        model_logit_distance_max: A market with an outcome further from the providers' price is priced by itself.
        own_offers: By sport, markets, or types of them, that we offer ourselves where no provider does.
        kept_overround_tolerance: Prices that are kept though new ones are a tick lower may sum to so much less than is
            wanted, per winner.
        kept_return_max: A price is not kept if it returns more of a stake on average, by its new fair probability.
        bet_stop_margin_us: What a provider stopped that is not heard of any more trades again when another's quotes are
            younger than its last word by more.
        start_guard: From when on a fixture that nobody calls in play is suspended.
        clock_stale_us: In play, a running clock without any word for longer suspends.
        provider_timeout_us: Silence after which a provider that never announced its own limit counts as down.
        rights: What providers may decide.

    Raises:
        ModelInputInvalid: If there is no such ladder, a margin rule can never hold, or a market of our own could not be
            settled.
    """

    overround: float = 1.05
    overround_wide: float = 1.15
    narrow_outcomes_max: int = 4
    margin_rules: tuple[MarginRule, ...] = ()
    tier_by_competition: Mapping[str, str] = field(default_factory=dict)
    removal: MarginMethod = MarginMethod.POWER
    application: MarginMethod = MarginMethod.ODDS_RATIO
    margin_odds_ratio_max: float = 1.75
    ladder: str = "fine"
    implied_sum_min: float = 0.9
    implied_sum_max: float = 1.6
    providers_min: int = 1
    mandatory_providers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sharpness_by_provider: Mapping[str, float] = field(default_factory=dict)
    age_half_life_us: int = 20_000_000
    age_in_play_us_max: int = 60_000_000
    age_pre_match_us_max: int = 21_600_000_000
    outlier_logit_distance_max: float = 0.6
    model_error_max: float = 0.02
    model_logit_distance_max: float = 0.6
    own_offers: Offers = field(default_factory=dict)
    kept_overround_tolerance: float = 0.005
    kept_return_max: float = 0.99
    bet_stop_margin_us: int = 30_000_000
    start_guard: StartGuard = field(default_factory=StartGuard)
    clock_stale_us: int = 30_000_000
    provider_timeout_us: int = 15_000_000
    rights: RightsTable = EVERYBODYS_RIGHTS

    def __post_init__(self) -> None:
        if self.ladder not in LADDERS:
            raise ModelInputInvalid(f"The ladder must be one of {sorted(LADDERS)}, was {self.ladder!r}")
        expect_usable(self.margin_rules, self.tier_by_competition.values())
        expect_offerable(self.own_offers)

    @property
    def ladder_steps(self) -> NDArray[np.uint32]:
        """Return the ladder's decimal odds times 1000, rising."""
        return LADDERS[self.ladder]

    def wanted_overrounds(
        self, layout: MarketLayout, description: FixtureDescription | None, *, is_in_play: bool
    ) -> NDArray[np.float64]:
        """Return what each market's implied probabilities are to sum to, one a market of the layout, read-only."""
        if description is None:
            return _wanted_overrounds(self, layout, MarginSituation("", "", is_in_play))
        tier = self.tier_by_competition.get(description.competition, "")
        return _wanted_overrounds(self, layout, MarginSituation(description.sport, tier, is_in_play))


@lru_cache(maxsize=OVERROUNDS_CACHED_MAX)
def _wanted_overrounds(policy: PricingPolicy, layout: MarketLayout, situation: MarginSituation) -> NDArray[np.float64]:
    per_winner = []
    for market_id, outcome_count in zip(layout.market_ids, layout.outcome_counts.tolist(), strict=True):
        is_wide = outcome_count > policy.narrow_outcomes_max
        rule = find_rule(policy.margin_rules, situation, market_id, is_wide=is_wide)
        default = policy.overround_wide if is_wide else policy.overround
        per_winner.append(rule.overround if rule is not None else default)
    wanted = np.array(per_winner, dtype=np.float64) * winner_counts_of(layout)
    wanted.flags.writeable = False
    return wanted
