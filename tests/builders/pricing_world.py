"""Small builders for fixtures, quotes and updates, shared by the tests of prices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from markets.fixture import FixtureStatus, MarketStatus, MatchState, Period
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price

NOW_US = 1_800_000_000_000_000
FOOTBALL = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under"))])
FAIR_ISH = (2_100, 3_400, 3_600, 1_900, 1_950)

_sequences = itertools.count(1)


def quotes(
    odds_milli: Sequence[int] = FAIR_ISH,
    *,
    layout: MarketLayout = FOOTBALL,
    statuses: Sequence[int] | None = None,
    is_snapshot: bool = True,
) -> Quotes:
    """Return quotes, open unless said otherwise."""
    column = statuses if statuses is not None else [MarketStatus.OPEN] * layout.market_count
    return Quotes(layout, np.array(column, dtype=np.uint8), np.array(odds_milli, dtype=np.uint32), is_snapshot)


def update(
    *,
    provider_id: str = "alpha",
    at_us: int = NOW_US,
    sequence: int | None = None,
    quoted: Quotes | None = None,
    state: MatchState | None = None,
    bet_stop: tuple[str, ...] | None = None,
    **others: object,
) -> FixtureUpdate:
    """Return an update of one provider with a rising sequence."""
    number = next(_sequences) if sequence is None else sequence
    return FixtureUpdate(
        provider_id,
        "match",
        number,
        at_us,
        at_us,
        state=state,
        quotes=quoted,
        bet_stop_market_ids=bet_stop,
        **others,  # type: ignore[arg-type]
    )


def folded(*updates: FixtureUpdate, state: FixtureState | None = None) -> FixtureState:
    """Return the state after some updates."""
    result = state or new_state("match")
    for item in updates:
        result = fold(result, item)
    return result


def priced(
    state: FixtureState,
    *,
    up: Sequence[str] = ("alpha", "bravo", "charlie"),
    now_us: int = NOW_US,
    policy: PricingPolicy | None = None,
) -> Repricing:
    """Return one fixture priced."""
    return price([state], up_providers=frozenset(up), policy=policy or PricingPolicy(), now_us=now_us)[0]


def in_play(
    *, clock_seconds: int | None = 600, home: int = 0, away: int = 0, period: Period = Period.FIRST_HALF
) -> MatchState:
    """Return the state of a match that is on."""
    return MatchState(FixtureStatus.IN_PLAY, period, home, away, clock_seconds)


def reasons(repricing: Repricing) -> list[int]:
    """Return why the markets of a fixture's book are suspended, 0 for those that are not."""
    assert repricing.state.book is not None
    return list(repricing.state.book.suspension_reasons.tolist())


def statuses(repricing: Repricing) -> list[int]:
    """Return the statuses of the markets of a fixture's book."""
    assert repricing.state.book is not None
    return list(repricing.state.book.market_statuses.tolist())
