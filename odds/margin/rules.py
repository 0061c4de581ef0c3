"""Which margin is wanted where: rules by sport, tier of competition, type of market and phase of the match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isfinite

from markets.catalogue import market_of
from odds.model_input import ModelInputInvalid


class Phase(Enum):
    """When a rule holds."""

    ANY = "any"
    PRE_MATCH = "pre_match"
    IN_PLAY = "in_play"


@dataclass(frozen=True, slots=True)
class MarginRule:
    """What the implied probabilities of some markets are to sum to, per winner; an empty name stands for all.

    A rule without a market type holds for narrow markets alone: what is right for three outcomes is far too little for
    twenty.
    """

    overround: float
    sport: str = ""
    tier: str = ""
    market_type: str = ""
    phase: Phase = Phase.ANY

    @property
    def precedence(self) -> tuple[bool, bool, bool, bool]:
        """Return what decides between rules that all match: the greatest holds.

        A rule that names the type of market beats one that does not; among equals in that one that names the tier,
        then the sport, then the phase.
        """
        return bool(self.market_type), bool(self.tier), bool(self.sport), self.phase is not Phase.ANY


@dataclass(frozen=True, slots=True)
class MarginSituation:
    """What rules ask about a fixture; the tier is empty for a competition that has none."""

    sport: str
    tier: str
    is_in_play: bool


def expect_usable(rules: Sequence[MarginRule], tiers: Iterable[str]) -> None:
    """Check that each rule can hold somewhere.

    Raises:
        ModelInputInvalid: If an overround is below 1.0, a tier is no competition's, or two rules say where alike.
    """
    known = set(tiers) | {""}
    places = set()
    for rule in rules:
        if not (isfinite(rule.overround) and rule.overround >= 1.0):
            raise ModelInputInvalid(f"A margin rule's overround must be 1.0 or above, was {rule.overround}")
        if rule.tier not in known:
            raise ModelInputInvalid(
                f"A margin rule's tier must be one of {sorted(known - {''})}, as competitions have, was {rule.tier!r}"
            )
        place = (rule.sport, rule.tier, rule.market_type, rule.phase)
        if place in places:
            raise ModelInputInvalid(f"Margin rules must differ in where they hold, two were for {place}")
        places.add(place)


def find_rule(
    rules: Sequence[MarginRule], situation: MarginSituation, market_id: str, *, is_wide: bool
) -> MarginRule | None:
    """Return the rule that holds for a market, None if none does."""
    market_type = market_of(market_id).name
    phase = Phase.IN_PLAY if situation.is_in_play else Phase.PRE_MATCH
    matching = [
        rule
        for rule in rules
        if rule.sport in ("", situation.sport)
        and rule.tier in ("", situation.tier)
        and rule.phase in (Phase.ANY, phase)
        and (rule.market_type == market_type or (rule.market_type == "" and not is_wide))
    ]
    return max(matching, key=lambda rule: rule.precedence, default=None)
