"""Markets priced from the models of their sports: which of them, and at what. M markets and O outcomes in a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.fixture.state import Asked, FixtureState, ModelFit
from odds.pricing.blending import to_logits
from odds.pricing.policy import PricingPolicy
from odds.pricing.stacking import Stack
from odds.sports.pricer import SportPricer
from odds.sports.registry import pricer_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNQUOTED_MAX: Final = 0.02
"""A market whose outcomes that nobody quotes are together more likely is not all there."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelPrices:
    """What the models of a stack's fixtures say.

    Attributes:
        fair_probabilities: Shape (O,); NaN for what is no longer open, and where nothing is priced from a model.
        sources: PriceSource of the markets that are priced from one, 0 for the others, uint8, shape (M,).
        is_decided: Markets that one knows to be decided, so that they have no price, shape (M,).
        fits: By place of the fixture in the stack; one that is the same as before is the same object.
    """

    fair_probabilities: Floats
    sources: NDArray[np.uint8]
    is_decided: Flags
    fits: Mapping[int, ModelFit]

    @property
    def is_priced(self) -> Flags:
        """Markets that are priced from a model, shape (M,)."""
        return self.sources > 0


def price_by_models(
    states: Sequence[FixtureState], stack: Stack, blended: Floats, policy: PricingPolicy
) -> ModelPrices | None:
    """Price markets from the models of their sports, fitted to the providers' prices.

    Args:
        states: The fixtures of the stack.
        stack: Their columns.
        blended: What the providers say, shape (O,); NaN where they say nothing that counts.
        policy: How far a model, and each market read from it, may be from that.

    Returns:
        None if no fixture has a model. A market is not priced from one if an outcome is too far from its blended price,
        or if too much of what may happen has none.
    """
    fits, sources = _fits(states, stack, blended, policy) if policy.model_error_max > 0.0 else ({}, {})
    if not fits:
        return None
    model, is_known = np.full(stack.shape.outcome_count, np.nan), np.zeros(stack.shape.market_count, dtype=bool)
    for place, fit in fits.items():
        if fit.fair_probabilities is not None:
            begin = stack.shape.fixture_outcome_offsets[place]
            model[begin : begin + len(fit.fair_probabilities)] = fit.fair_probabilities
            is_known[stack.shape.market_offsets[place] + fit.markets] = True
    # What nobody quotes is not offered, be it ever so possible: nobody would settle it either. We settle our own.
    is_offered = ~np.isnan(blended)
    if stack.own is not None:
        is_offered |= stack.shape.to_outcomes(stack.own.is_own)
    is_read = (model > 0.0) & (model < 1.0) & is_offered
    with np.errstate(invalid="ignore"):
        is_far = is_read & (np.abs(to_logits(model) - to_logits(blended)) > policy.model_logit_distance_max)
    covered = stack.shape.sum_in_markets(np.where(is_read, model, 0.0))
    is_decided = is_known & stack.shape.any_in_markets(np.isnan(model) | (model == 1.0))
    is_priced = is_known & ~is_decided & ~stack.shape.any_in_markets(is_far)
    is_priced &= covered >= stack.winner_counts - UNQUOTED_MAX
    is_read &= stack.shape.to_outcomes(is_priced)
    source = stack.shape.to_markets(np.array([sources.get(place, 0) for place in range(len(states))], dtype=np.uint8))
    return ModelPrices(np.where(is_read, model, np.nan), np.where(is_priced, source, np.uint8(0)), is_decided, fits)


def _fits(
    states: Sequence[FixtureState], stack: Stack, blended: Floats, policy: PricingPolicy
) -> tuple[dict[int, ModelFit], dict[int, int]]:
    """Return the fits of the fixtures that have a model now, those of a sport in one batch, and their sources."""
    places_by_pricer: dict[SportPricer, list[int]] = {}
    for place, state in enumerate(states):
        pricer = pricer_of(state)
        if pricer is not None:
            places_by_pricer.setdefault(pricer, []).append(place)
    bounds = stack.shape.fixture_outcome_offsets.tolist()
    fits, sources = {}, {}
    for pricer, places in places_by_pricer.items():
        asked = [Asked(states[place], blended[bounds[place] : bounds[place + 1]]) for place in places]
        for place, fit in zip(places, pricer.fit(asked, error_max=policy.model_error_max), strict=True):
            if fit is not None:
                fits[place], sources[place] = fit, int(pricer.source)
    return fits, sources
