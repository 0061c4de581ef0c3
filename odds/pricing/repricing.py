"""From folded states to new books, in one batch: what changed, and with which version."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernel.evolve import evolve
from markets.fixture import MarketStatus, SuspensionReason
from markets.results import MarketResult
from odds.fixture.book import Book, Explanation
from odds.fixture.state import FixtureState, ModelFit, zeros
from odds.folding.belief import follow_end_claims
from odds.pricing.own_markets import offer_own, own_results, settle_own
from odds.pricing.policy import PricingPolicy
from odds.pricing.prices import PricedColumns, make_prices
from odds.pricing.stacking import Stack, stack_states
from odds.pricing.steady_prices import hold_prices
from odds.pricing.suspension import judge_markets

_Place = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Repricing:
    """What pricing a fixture anew came to.

    Attributes:
        state: With the new book if there is one.
        is_book_new: Whether the book differs from the one before and must be published.
        explanation: Of the book of the state.
    """

    state: FixtureState
    is_book_new: bool
    explanation: Explanation

    @property
    def own_results(self) -> tuple[MarketResult, ...]:
        """Return what is said of the markets that we alone offer; the same for the same settlement of the state."""
        return own_results(self.state)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Market and outcome columns of all books of a batch."""

    market_statuses: NDArray[np.uint8]
    suspension_reasons: NDArray[np.uint8]
    market_versions: NDArray[np.uint64]
    decimal_odds_milli: NDArray[np.uint32]


def price(
    states: Sequence[FixtureState],
    *,
    up_providers: frozenset[str],
    policy: PricingPolicy,
    now_us: int,
    forced_fixture_ids: Collection[str] = (),
) -> list[Repricing]:
    """Make the book of every state anew, all in one batch; one a state, in order.

    Args:
        states: At least one, of different fixtures.
        up_providers: Whose prices count.
        policy: How.
        now_us: Microseconds since the Unix epoch; the least version of a new book.
        forced_fixture_ids: Fixtures whose book is new even if nothing in it changed.
    """
    states = [settle_own(offer_own(follow_end_claims(state, now_us), policy.own_offers), now_us) for state in states]
    stack = stack_states(states, up_providers, policy, now_us)
    places = _places(stack)
    provider_ids = _contributors(states, stack)
    before = _columns_before(states)
    priced = _hold(make_prices(states, stack, policy), before, stack, policy)
    statuses, reasons = judge_markets(states, stack, priced, policy, now_us)
    odds_milli = _freeze(stack, statuses, priced.decimal_odds_milli, before.decimal_odds_milli)
    is_market_new = (statuses != before.market_statuses) | (reasons != before.suspension_reasons)
    is_market_new |= stack.shape.any_in_markets(odds_milli != before.decimal_odds_milli)
    is_fixture_new = stack.shape.any_in_fixtures(is_market_new)
    is_new = [
        is_priced_anew or state.fixture_id in forced_fixture_ids or _is_told_anew(state, contributors)
        for state, is_priced_anew, contributors in zip(states, is_fixture_new.tolist(), provider_ids, strict=True)
    ]
    versions = np.array([max(state.version + 1, now_us) for state in states], dtype=np.uint64)
    market_versions = np.where(is_market_new, stack.shape.to_markets(versions), before.market_versions)
    after = _Columns(statuses, reasons, market_versions, odds_milli)
    repricings = []
    wanted = priced.wanted_overrounds.astype(np.float32)
    for index, (state, place) in enumerate(zip(states, places, strict=True)):
        is_changed = is_new[index]
        book = state.book
        if is_changed:
            version = int(versions[index])
            book = _book(state, after, place, provider_ids=provider_ids[index], version=version, now_us=now_us)
        following = _follow(state, book, priced.fits.get(index))
        repricings.append(Repricing(following, is_changed, _explanation(following, priced, wanted, place, policy)))
    return repricings


def withhold(state: FixtureState, *, policy: PricingPolicy, now_us: int) -> Repricing:
    """Return the last book with nothing in it that takes bets: what comes of a state that cannot be priced."""
    book = state.book
    if book is None:
        return Repricing(state, False, _unpriced(state, policy))
    is_open = (book.market_statuses == MarketStatus.OPEN) | (book.market_statuses == MarketStatus.UNKNOWN)
    statuses = np.where(is_open, np.uint8(MarketStatus.SUSPENDED), book.market_statuses)
    statuses = np.where(state.result_statuses > 0, state.result_statuses, statuses)
    reasons = np.where(is_open, np.uint8(SuspensionReason.PRICING_FAILED), book.suspension_reasons)
    reasons = np.where(statuses == MarketStatus.SUSPENDED, reasons, np.uint8(0))
    is_gone = np.repeat(statuses > MarketStatus.SUSPENDED, state.layout.outcome_counts)
    version = max(state.version + 1, now_us)
    is_new = (statuses != book.market_statuses) | (reasons != book.suspension_reasons)
    following = evolve(
        state,
        book=replace(
            book,
            version=version,
            published_time_us=now_us,
            feed_time_us=state.feed_time_us,
            description=state.description,
            state=state.state,
            market_statuses=statuses,
            suspension_reasons=reasons,
            market_versions=np.where(is_new, np.uint64(version), book.market_versions),
            decimal_odds_milli=np.where(is_gone, np.uint32(0), book.decimal_odds_milli),
            trader_suspensions=state.trader_suspensions,
        ),
    )
    return Repricing(following, True, _unpriced(following, policy))


def _unpriced(state: FixtureState, policy: PricingPolicy) -> Explanation:
    markets, outcomes = state.layout.market_count, state.layout.outcome_count
    none = PricedColumns(
        fair_probabilities=np.full(outcomes, np.nan),
        blended_probabilities=np.full(outcomes, np.nan, dtype=np.float32),
        sources=zeros(markets, "u1"),
        decimal_odds_milli=zeros(outcomes, "<u4"),
        overrounds=np.full(markets, np.nan),
        wanted_overrounds=np.full(markets, np.nan),
        shares=np.zeros((len(state.providers), markets), dtype=np.float32),
        is_decided=np.zeros(markets, dtype=bool),
        fits={},
    )
    place = slice(0, markets), slice(0, outcomes)
    return _explanation(state, none, none.wanted_overrounds.astype(np.float32), place, policy)


def _hold(priced: PricedColumns, before: _Columns, stack: Stack, policy: PricingPolicy) -> PricedColumns:
    odds_milli, overrounds = hold_prices(
        priced.decimal_odds_milli,
        before.decimal_odds_milli,
        fair=priced.fair_probabilities,
        overrounds=priced.overrounds,
        wanted_overrounds=priced.wanted_overrounds,
        stack=stack,
        policy=policy,
    )
    if odds_milli is priced.decimal_odds_milli:
        return priced
    return replace(priced, decimal_odds_milli=odds_milli, overrounds=overrounds)


def _follow(state: FixtureState, book: Book | None, fit: ModelFit | None) -> FixtureState:
    if fit is None or fit is state.fit:
        return state if book is state.book else evolve(state, book=book)
    return evolve(state, book=book, fit=fit, figures=fit.figures or state.figures)


def _places(stack: Stack) -> list[_Place]:
    """Return where each fixture's columns stand."""
    market_offsets, outcome_offsets = stack.shape.market_offsets.tolist(), stack.shape.fixture_outcome_offsets.tolist()
    markets = [slice(*bounds) for bounds in pairwise(market_offsets)]
    return list(zip(markets, [slice(*bounds) for bounds in pairwise(outcome_offsets)], strict=True))


def _contributors(states: Sequence[FixtureState], stack: Stack) -> list[tuple[str, ...]]:
    """Return the providers whose quotes count in any market of each fixture."""
    counted_by_slot = [stack.shape.any_in_fixtures(weights > 0.0).tolist() for weights in stack.weights]
    return [
        tuple([item.provider_id for item, counts in zip(state.providers, counted, strict=False) if counts])
        for state, counted in zip(states, zip(*counted_by_slot, strict=True), strict=True)
    ]


def _book(
    state: FixtureState,
    columns: _Columns,
    place: _Place,
    *,
    provider_ids: tuple[str, ...],
    version: int,
    now_us: int,
) -> Book:
    markets, outcomes = place
    return Book(
        state.fixture_id,
        version,
        now_us,
        state.feed_time_us,
        state.description,
        state.state,
        state.layout,
        columns.market_statuses[markets].copy(),
        columns.suspension_reasons[markets].copy(),
        columns.market_versions[markets].copy(),
        columns.decimal_odds_milli[outcomes].copy(),
        state.trader_suspensions,
        provider_ids,
    )


def _explanation(
    state: FixtureState, priced: PricedColumns, wanted: NDArray[np.float32], place: _Place, policy: PricingPolicy
) -> Explanation:
    markets, outcomes = place
    book = state.book
    shown = book or _no_book(state)
    return Explanation(
        fixture_id=state.fixture_id,
        version=state.version,
        layout=state.layout,
        fair_probabilities=priced.fair_probabilities[outcomes],
        blended_probabilities=priced.blended_probabilities[outcomes],
        price_sources=priced.sources[markets],
        overrounds=priced.overrounds[markets],
        wanted_overrounds=wanted[markets],
        figures=state.figures,
        margin_removal=policy.removal.value,
        margin_application=policy.application.value,
        ladder=policy.ladder,
        providers=state.providers,
        weights=priced.shares[: len(state.providers), markets],
        applied_request_ids=state.applied_request_ids,
        state_provider_id=state.state_provider_id,
        state_time_us=state.state_time_us,
        incident_time_us=state.incident_time_us,
        result_statuses=state.result_statuses,
        period_scores=state.period_scores,
        published_time_us=0 if book is None else book.published_time_us,
        market_statuses=shown.market_statuses,
        suspension_reasons=shown.suspension_reasons,
        decimal_odds_milli=shown.decimal_odds_milli,
        own_markets=state.own_markets,
        own_settlement=state.own_settlement,
        end_claims=state.end_claims,
        believed_time_us=state.believed_time_us,
        decided_markets=state.decided_markets,
    )


def _is_told_anew(state: FixtureState, provider_ids: tuple[str, ...]) -> bool:
    """Return whether what is not a price differs from the last book."""
    book = state.book
    if book is None:
        return state.layout.market_count > 0 or state.description is not None
    return (
        book.state != state.state
        or book.trader_suspensions != state.trader_suspensions
        or book.description != state.description
        or book.provider_ids != provider_ids
    )


def _freeze(
    stack: Stack, statuses: NDArray[np.uint8], made: NDArray[np.uint32], before: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Leave the prices of suspended markets as they were last, and offer none in markets that take no more bets."""
    if statuses.max(initial=0) < MarketStatus.SUSPENDED:
        return made
    status_of_outcome = stack.shape.to_outcomes(statuses)
    is_frozen = (status_of_outcome == MarketStatus.SUSPENDED) & (before > 0)
    is_gone = status_of_outcome > MarketStatus.SUSPENDED
    return np.where(is_gone, 0, np.where(is_frozen, before, made)).astype(np.uint32)


def _columns_before(states: Sequence[FixtureState]) -> _Columns:
    books = [state.book or _no_book(state) for state in states]
    return _Columns(
        np.concatenate([book.market_statuses for book in books]),
        np.concatenate([book.suspension_reasons for book in books]),
        np.concatenate([book.market_versions for book in books]),
        np.concatenate([book.decimal_odds_milli for book in books]),
    )


def _no_book(state: FixtureState) -> _Columns:
    markets, outcomes = state.layout.market_count, state.layout.outcome_count
    columns: tuple[Any, ...] = (
        zeros(markets, "u1"),
        zeros(markets, "u1"),
        zeros(markets, "<u8"),
        zeros(outcomes, "<u4"),
    )
    return _Columns(*columns)
