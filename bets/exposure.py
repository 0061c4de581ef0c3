"""What a bet adds to the exposure of the markets that it is on."""

from __future__ import annotations

from collections.abc import Sequence

from bets.bet import Leg
from kernel.rates import ReferenceRate
from risk.exposure import in_reference
from risk.ports import ExposureEntry


def entries_of(
    legs: Sequence[Leg], rate: ReferenceRate, *, stake_minor: int, payout_minor: int
) -> tuple[ExposureEntry, ...]:
    """Return what each leg counts for in the reference currency: the stake of its bet, and what that pays at most.

    Args:
        legs: Of the bet.
        rate: That of the bet, of whose currency the amounts are.
        stake_minor: Of the bet, on all its lines.
        payout_minor: What is paid if every leg wins.
    """
    cost = in_reference(rate, stake_minor=stake_minor, payout_minor=payout_minor)
    return tuple(
        ExposureEntry(leg.fixture_id, leg.market_id, leg.outcome_id, *cost, place) for place, leg in enumerate(legs)
    )
