"""Markets that the house alone offers: when they come into a book, and what is said of how they came out.

Nothing is paid or void on a guess: what the sport cannot decide for certain waits, and then goes to a person.

What was said of them is part of the state: it is published before the results themselves go out, so that a sequence
always stands for the same results, however often they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernel.evolve import evolve
from markets.fixture import MarketStatus, MatchState
from markets.layout import LayoutMalformed, MarketLayout
from markets.results import MarketResult, ResultKind
from odds.fixture.book import ALL_OTHERS, Evidence, OwnSettlement
from odds.fixture.layout_union import unite
from odds.fixture.state import BELIEF_US_MAX, OVER_STATUSES, FixtureState, ending, own_markets_of, widen
from odds.model_input import ModelInputInvalid
from odds.sports.pricer import SportPricer
from odds.sports.registry import PRICERS, pricer_of

OFFERS_CACHED_MAX: Final = 4_096
_REPLACED_BY: Final = {
    ResultKind.SETTLEMENT: ResultKind.SETTLEMENT_ROLLBACK,
    ResultKind.CANCEL: ResultKind.CANCEL_ROLLBACK,
}
"""What a word makes needless: the ledger replaces a settlement by another, and keeps one cancellation."""
SCORE_UNKNOWN: Final = "SCORE_UNKNOWN"
"""Why a person has to look at one of our markets: nobody told in time the score that it is settled by."""
GRACE_US: Final = 900_000_000
"""How long such a score is waited for."""

Offers = Mapping[str, tuple[str, ...]]
"""By sport: markets, or types of them, that we offer ourselves where no provider does."""


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """The layout of a fixture with our own markets, and which of them are: 1 where nobody else named it."""

    layout: MarketLayout
    own_markets: NDArray[np.uint8]


def expect_offerable(offers: Offers) -> None:
    """Check that each name is a market, or a type of markets, that its sport can settle.

    Raises:
        ModelInputInvalid: If one is not.
    """
    for sport, names in offers.items():
        pricer = PRICERS.get(sport)
        if pricer is None:
            raise ModelInputInvalid(f"Own markets must be of one of {sorted(PRICERS)}, were of {sport[:64]!r}")
        for name in names:
            if not pricer.knows_offer(name):
                raise ModelInputInvalid(
                    f"An own market of {sport} must be one that its score settles, was {name[:64]!r}"
                )


def offer_own(state: FixtureState, offers: Offers) -> FixtureState:
    """Return the state of a fixture with our own markets in its layout, the same object where it has none or all.

    They come when providers quote what the sport's model is fitted to, and stay; a market that a provider names first
    is never ours. Like new markets of theirs they do not come where not all results are remembered.
    """
    names = () if state.description is None else offers.get(state.description.sport, ())
    pricer = pricer_of(state) if names else None
    if pricer is None or state.is_play_over or ALL_OTHERS in state.decided_markets:
        return state
    addition = pricer.offer(state, names)
    if addition.market_count == 0:
        return state
    offer = _offer(state.layout, addition, frozenset(state.decided_markets))
    if offer.layout is state.layout:
        return state
    wide = widen(state, offer.layout)
    own = offer.own_markets if wide.own_markets is None else wide.own_markets | offer.own_markets
    return evolve(wide, own_markets=own)


def settle_own(state: FixtureState, now_us: int) -> FixtureState:
    """Return the state with what is to be said of our own markets now; the same object if that is what was said."""
    before = state.own_settlement
    if state.own_markets is None or (before is None and not state.is_play_over):
        return state
    if before is None and now_us < _undisputed_from_us(state):
        return state
    pricer = pricer_of(state)
    # Whose they are is settled with the first word about them: every later one is about the same.
    own = own_markets_of(state) if before is None else state.own_markets > 0
    if pricer is None or not own.any():
        return state
    settlement = _settlement_of(state, pricer, np.flatnonzero(own).tolist(), now_us)
    if before is not None and settlement == replace(before, sequence=settlement.sequence):
        return state
    statuses = state.result_statuses.copy()
    for market in np.flatnonzero(own).tolist():
        statuses[market] = _status(state.layout, market, pricer, settlement)
    return evolve(state, own_markets=own.astype(np.uint8), own_settlement=settlement, result_statuses=statuses)


def own_results(state: FixtureState) -> tuple[MarketResult, ...]:
    """Return what was said last of our own markets, always the same for the same sequence.

    What may have stood before and would show through is taken back first. A market that waits for its score has none.
    """
    settlement, own, pricer = state.own_settlement, state.own_markets, pricer_of(state)
    if settlement is None or own is None or pricer is None:
        return ()
    results: list[MarketResult] = []
    for market in np.flatnonzero(own).tolist():
        market_id = state.layout.market_ids[market]
        result = _result(state.layout, market, pricer, settlement)
        said = [] if result is None else [result]
        taken_back = {ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT_ROLLBACK} - {
            _REPLACED_BY[result.kind] for result in said if not result.referral_reason
        }
        if settlement.sequence > 1:
            results += [MarketResult(kind, market_id) for kind in sorted(taken_back, reverse=True)]
        results += said
    return tuple(results)


def own_results_due_us(state: FixtureState) -> int | None:
    """Return when our own markets are settled, or what waits for a score goes to a person; None where nothing waits."""
    settlement = state.own_settlement
    if settlement is None:
        is_waiting = state.own_markets is not None and state.is_play_over
        return _undisputed_from_us(state) if is_waiting else None
    return None if settlement.is_referred else settlement.referral_time_us or None


@lru_cache(maxsize=OFFERS_CACHED_MAX)
def _offer(layout: MarketLayout, addition: MarketLayout, decided: frozenset[str]) -> _Offer:
    barred = layout.index_by_market_id.keys() | decided
    own = [index for index, market_id in enumerate(addition.market_ids) if market_id not in barred]
    ours = MarketLayout.of_markets([(addition.market_ids[index], addition.outcome_ids_of(index)) for index in own])
    try:
        wide = unite(layout, ours)
    except LayoutMalformed:  # Providers fill it alone.
        return _Offer(layout, np.zeros(layout.market_count, dtype=np.uint8))
    column = np.zeros(wide.market_count, dtype=np.uint8)
    column[[wide.market_index(addition.market_ids[index]) for index in own]] = 1
    return _Offer(wide, column)


def _undisputed_from_us(state: FixtureState) -> int:
    """Return when the end of a match counts for our own markets, 0 for at once.

    Another provider that was heard of a moment ago and has the match go on may know better.
    """
    playing = [time_us for told, time_us in _words_of_others(state) if told.status not in OVER_STATUSES]
    return max(playing, default=-BELIEF_US_MAX - 1) + BELIEF_US_MAX + 1


def _is_end_contradicted(state: FixtureState) -> bool:
    """Return whether another provider has the match end otherwise, and nothing was said of our markets before that."""
    before, end = state.own_settlement, state.state
    if end is None or (before is not None and before.evidence is not None):
        return False
    return any(told.status in OVER_STATUSES and ending(told) != ending(end) for told, _ in _words_of_others(state))


def _words_of_others(state: FixtureState) -> Iterator[tuple[MatchState, int]]:
    for provider in state.providers:
        if provider.told_state is not None and provider.provider_id != state.state_provider_id:
            yield provider.told_state, provider.told_time_us


def _settlement_of(state: FixtureState, pricer: SportPricer, markets: list[int], now_us: int) -> OwnSettlement:
    before = state.own_settlement
    sequence = 1 if before is None else before.sequence + 1
    if not state.is_play_over:
        return OwnSettlement(sequence, False)
    evidence: Evidence | None = None if _is_end_contradicted(state) else pricer.evidence(state)
    settlement = OwnSettlement(sequence, True, evidence)
    if all(_result(state.layout, market, pricer, settlement) is not None for market in markets):
        return settlement
    is_waiting = before is not None and before.is_standing and before.referral_time_us > 0
    referral_time_us = before.referral_time_us if before is not None and is_waiting else now_us + GRACE_US
    return replace(settlement, referral_time_us=referral_time_us, is_referred=now_us >= referral_time_us)


def _status(layout: MarketLayout, market: int, pricer: SportPricer, settlement: OwnSettlement) -> int:
    result = _result(layout, market, pricer, settlement)
    if result is None:
        return 0
    if result.referral_reason:
        return MarketStatus.SUSPENDED
    return MarketStatus.SETTLED if result.kind is ResultKind.SETTLEMENT else MarketStatus.CANCELLED


def _result(layout: MarketLayout, market: int, pricer: SportPricer, settlement: OwnSettlement) -> MarketResult | None:
    """Return how a market came out; None where nothing is said of it, or not yet."""
    if not settlement.is_standing:
        return None
    market_id, outcome_ids = layout.market_ids[market], layout.outcome_ids_of(market)
    decided = None if settlement.evidence is None else pricer.decide(market_id, outcome_ids, settlement.evidence)
    if decided is not None or not settlement.is_referred:
        return decided
    return MarketResult(ResultKind.CANCEL, market_id, void_reason=SCORE_UNKNOWN, referral_reason=SCORE_UNKNOWN)
