"""Which margin is put on where, and which rules are refused."""

from __future__ import annotations

import numpy as np
import pytest

from infra.house import read_house
from infra.settings import HOUSE_DIR
from markets.fixture import FixtureDescription
from markets.layout import MarketLayout
from odds.margin.rules import MarginRule, Phase
from odds.model_input import ModelInputInvalid
from odds.pricing.policy import PricingPolicy
from tests.builders.pricing_world import folded, in_play, priced, quotes, update

LAYOUT = MarketLayout.of_markets(
    [
        ("1x2", ("home", "draw", "away")),
        ("total:2.5", ("over", "under")),
        ("double_chance", ("1x", "12", "x2")),
        ("correct_score", ("0-0", "1-0", "0-1", "1-1", "other")),
    ]
)
TOP = FixtureDescription("football", "Premier League")
OTHER = FixtureDescription("football", "Northern League")


def wanted(*rules: MarginRule, description: FixtureDescription | None = TOP, is_in_play: bool = False) -> list[float]:
    policy = PricingPolicy(margin_rules=rules, tier_by_competition={"Premier League": "top"})
    return list(policy.wanted_overrounds(LAYOUT, description, is_in_play=is_in_play).tolist())


def test_without_rules_the_width_of_a_market_decides_and_each_winner_counts() -> None:
    assert wanted() == pytest.approx([1.05, 1.05, 2.1, 1.15])


def test_a_rule_without_a_type_of_market_leaves_wide_markets_alone() -> None:
    assert wanted(MarginRule(1.03, sport="football")) == pytest.approx([1.03, 1.03, 2.06, 1.15])


def test_a_rule_holds_for_its_own_sport_tier_type_and_phase_alone() -> None:
    rule = MarginRule(1.02, sport="football", tier="top", market_type="1x2", phase=Phase.IN_PLAY)
    assert wanted(rule, is_in_play=True)[:2] == pytest.approx([1.02, 1.05])
    assert wanted(rule)[0] == 1.05
    assert wanted(rule, description=OTHER, is_in_play=True)[0] == 1.05
    assert wanted(rule, description=FixtureDescription("tennis", "Premier League"), is_in_play=True)[0] == 1.05
    assert wanted(rule, description=None, is_in_play=True)[0] == 1.05


PRECEDENCE = (
    MarginRule(1.01),
    MarginRule(1.02, phase=Phase.PRE_MATCH),
    MarginRule(1.03, sport="football"),
    MarginRule(1.04, sport="football", phase=Phase.PRE_MATCH),
    MarginRule(1.05, tier="top"),
    MarginRule(1.06, tier="top", phase=Phase.PRE_MATCH),
    MarginRule(1.07, tier="top", sport="football"),
    MarginRule(1.08, market_type="1x2"),
    MarginRule(1.09, market_type="1x2", phase=Phase.PRE_MATCH),
    MarginRule(1.10, market_type="1x2", sport="football"),
    MarginRule(1.11, market_type="1x2", tier="top"),
    MarginRule(1.12, market_type="1x2", tier="top", sport="football", phase=Phase.PRE_MATCH),
)


@pytest.mark.parametrize("count", range(1, len(PRECEDENCE) + 1))
def test_the_type_of_market_counts_before_the_tier_the_tier_before_the_sport_the_sport_before_the_phase(
    count: int,
) -> None:
    rules = PRECEDENCE[:count]
    assert wanted(*rules)[0] == rules[-1].overround
    assert wanted(*reversed(rules))[0] == rules[-1].overround


@pytest.mark.parametrize(
    "rules",
    [
        (MarginRule(0.99),),
        (MarginRule(float("nan")),),
        (MarginRule(1.05, tier="second"),),
        (MarginRule(1.05, sport="football"), MarginRule(1.06, sport="football")),
    ],
    ids=["below one", "no number", "no such tier", "twice the same"],
)
def test_rules_that_can_never_hold_are_refused(rules: tuple[MarginRule, ...]) -> None:
    with pytest.raises(ModelInputInvalid):
        PricingPolicy(margin_rules=rules, tier_by_competition={"Premier League": "top"})


def test_the_house_asks_less_of_top_competitions_and_more_in_play_and_of_correct_scores() -> None:
    policy = read_house(HOUSE_DIR).pricing

    def asked(description: FixtureDescription, *, is_in_play: bool) -> list[float]:
        return list(policy.wanted_overrounds(LAYOUT, description, is_in_play=is_in_play).tolist())

    assert asked(TOP, is_in_play=False) == pytest.approx([1.045, 1.045, 2.09, 1.18])
    assert asked(OTHER, is_in_play=False) == pytest.approx([1.05, 1.05, 2.1, 1.18])
    assert asked(TOP, is_in_play=True) == pytest.approx([1.055, 1.055, 2.11, 1.22])
    assert asked(OTHER, is_in_play=True) == pytest.approx([1.06, 1.06, 2.12, 1.22])


def test_a_book_keeps_the_margin_of_its_rule_from_kick_off_on() -> None:
    policy = PricingPolicy(margin_rules=(MarginRule(1.10, phase=Phase.IN_PLAY),))
    before = folded(update(quoted=quotes()))
    explanation = priced(before, policy=policy).explanation
    assert explanation.wanted_overrounds == pytest.approx([1.05, 1.05])
    assert np.all(explanation.overrounds < 1.07)
    explanation = priced(folded(update(state=in_play()), state=before), policy=policy).explanation
    assert explanation.wanted_overrounds == pytest.approx([1.10, 1.10])
    assert np.all(explanation.overrounds >= 1.10)


def test_a_mandatory_provider_that_says_nothing_leaves_its_sport_without_prices() -> None:
    policy = PricingPolicy(mandatory_providers={"football": frozenset({"bravo"})})
    alone = folded(update(quoted=quotes(), description=OTHER))
    assert np.isnan(priced(alone, policy=policy).explanation.fair_probabilities).all()
    both = folded(update(provider_id="bravo", quoted=quotes()), state=alone)
    assert not np.isnan(priced(both, policy=policy).explanation.fair_probabilities).any()
    assert np.isnan(priced(both, policy=policy, up=["alpha"]).explanation.fair_probabilities).all()
    tennis = folded(update(quoted=quotes(), description=FixtureDescription("tennis")))
    assert not np.isnan(priced(tennis, policy=policy).explanation.fair_probabilities).any()
