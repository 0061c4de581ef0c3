"""Fold what providers and traders say into a fixture's state. Nothing here reads a clock or makes a price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernel.evolve import evolve
from markets.fixture import FixtureDescription, MarketStatus
from markets.results import ResultKind
from odds.fixture.book import (
    ALL_OTHERS,
    MarketDecided,
    ProviderColumns,
    ResultWord,
    TraderSuspension,
)
from odds.fixture.layout_room import DECIDED_MARKETS_MAX, make_room
from odds.fixture.layout_union import project
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, Quotes, ResultMark, TraderCommand, TradingAction
from odds.fixture.winners import winners_told
from odds.folding.belief import complete_state, take_match_state
from odds.folding.provider_rights import (
    EVERYBODYS_RIGHTS,
    Judgement,
    RightsTable,
    feed_of,
    judge_update,
    may_move_start,
)
from odds.folding.providers import AHEAD_US_MAX
from odds.folding.stops import follow_stops, resume_stopped

REQUEST_IDS_REMEMBERED_MAX: Final = 64
REFERRED_MARKETS_MAX: Final = 256
"""Markets outside the layout that wait for a person, of a fixture."""

_CLOSED_BYTE: Final = bytes([MarketStatus.CLOSED])
_WORD_BY_STATUS: Final = {
    int(MarketStatus.SETTLED): ResultWord.SETTLED,
    int(MarketStatus.CANCELLED): ResultWord.CANCELLED,
}
_DECIDING: Final = ResultWord.SETTLED | ResultWord.CANCELLED
_ANY_CANCELLATION: Final = ResultWord.CANCELLED | ResultWord.WINDOW_CANCELLED


def is_duplicate(state: FixtureState, update: FixtureUpdate) -> bool:
    """Return whether this update of its provider, or a later one, is folded in already.

    Later is what comes behind it in its stream, and all that a younger stream brings: what a stream lost on the way,
    the next one sends again with everything behind it.
    """
    provider = state.provider(update.provider_id)
    return provider is not None and (update.epoch, update.sequence) <= (provider.epoch, provider.sequence)


def is_late(state: FixtureState, update: FixtureUpdate) -> bool:
    """Return whether an update reached the log only when that of a younger stream was there: it says nothing."""
    provider = state.provider(update.provider_id)
    is_older = provider is not None and update.epoch < provider.epoch
    return is_older and update.appended_time_us > state.feed_time_us


def fold(
    state: FixtureState,
    update: FixtureUpdate,
    rights: RightsTable = EVERYBODYS_RIGHTS,
    judgement: Judgement | None = None,
) -> FixtureState:
    """Return the state after one update; the same object if it is a duplicate, or if nothing of it counts.

    Args:
        state: Before it.
        update: What a provider says.
        rights: What providers may decide.
        judgement: What of the update counts by that state and these rights, where it was judged already.
    """
    if is_duplicate(state, update):
        return state
    judgement = judgement or judge_update(state, update, rights)
    if judgement.refusal:
        return state
    state = _keep_up_with_log(state, update.appended_time_us)
    quotes = update.quotes if judgement.may_quote else None
    if quotes is not None:
        state, quotes = make_room(state, quotes)
    provider = state.provider(update.provider_id) or _new_provider(state, update.provider_id)
    if quotes is not None:
        state = _lift_rollbacks(state, quotes)
        provider = _take_quotes(provider, state, quotes, update.received_time_us)
    provider = follow_stops(provider, state, update, may_quote=judgement.may_quote)
    told = complete_state(update.state, state.state) if judgement.may_tell_state and update.state is not None else None
    provider = evolve(
        provider,
        sequence=update.sequence,
        epoch=update.epoch,
        told_state=told or provider.told_state,
        told_time_us=update.received_time_us if told else provider.told_time_us,
    )
    state = evolve(
        state,
        providers=state.providers_with(provider),
        description=_take_description(state, update) if judgement.may_tell_state else state.description,
        feed_time_us=max(state.feed_time_us, update.appended_time_us),
    )
    if told is not None:
        state = take_match_state(state, update, told, rights)
    return _take_results(state, update, judgement) if update.result_marks else state


def _keep_up_with_log(state: FixtureState, appended_time_us: int) -> FixtureState:
    """Return the state for an update of that time; where the log's clock was put back, none of its times is later.

    What had come by the clock of before would otherwise stay news for as long as that was ahead. Quotes keep their
    time: they do not count until they are told anew.
    """
    if appended_time_us >= state.feed_time_us - AHEAD_US_MAX:
        return state
    return evolve(
        state,
        believed_time_us=min(state.believed_time_us, appended_time_us),
        state_time_us=min(state.state_time_us, appended_time_us),
        incident_time_us=min(state.incident_time_us, appended_time_us),
        feed_time_us=appended_time_us,
    )


def _take_description(state: FixtureState, update: FixtureUpdate) -> FixtureDescription | None:
    """Return what is known of the fixture: its sport stays, and a known start is not lost, nor put off by anybody."""
    known, told = state.description, update.description
    if known is None or told is None:
        return told or known
    if told == known:
        return known
    start_time_ms = told.start_time_ms or known.start_time_ms
    if not may_move_start(state, update.provider_id):
        start_time_ms = min(start_time_ms, known.start_time_ms or start_time_ms)
    return replace(told, start_time_ms=start_time_ms, sport=known.sport or told.sport)


def suspend_for(state: FixtureState, update: FixtureUpdate, rights: RightsTable = EVERYBODYS_RIGHTS) -> FixtureState:
    """Return the state after an update that cannot be folded in: its provider stops all markets, results are marked.

    Where it told a state of the match, nothing of the provider's is lifted before it tells it again.
    """
    is_state_refused = update.is_state_refused or update.state is not None
    rest = replace(
        update,
        description=None,
        state=None,
        quotes=None,
        bet_stop_market_ids=(),
        is_state_refused=is_state_refused,
    )
    return fold(state, rest, rights)


def follow_trader(state: FixtureState, command: TraderCommand) -> FixtureState:
    """Return the state after a command of the desk; the same object if it was followed before."""
    if command.request_id in state.applied_request_ids:
        return state
    others = tuple(item for item in state.trader_suspensions if item.market_id != command.market_id)
    if command.action is TradingAction.SUSPEND:
        others = (
            *others,
            TraderSuspension(command.market_id, command.trader_name, command.time_us, command.request_id),
        )
    applied = (*state.applied_request_ids, command.request_id)[-REQUEST_IDS_REMEMBERED_MAX:]
    if command.action is TradingAction.RESUME:
        state = _lift_referrals(resume_stopped(state, command.market_id), command.market_id)
    return evolve(state, trader_suspensions=others, applied_request_ids=applied)


def _new_provider(state: FixtureState, provider_id: str) -> ProviderColumns:
    markets, outcomes = state.layout.market_count, state.layout.outcome_count
    return ProviderColumns(
        provider_id,
        0,
        0,
        np.zeros(markets, dtype=np.uint8),
        np.zeros(outcomes, dtype=np.uint32),
        np.zeros(markets, dtype=np.uint8),
    )


def _take_quotes(
    provider: ProviderColumns, state: FixtureState, quotes: Quotes, received_time_us: int
) -> ProviderColumns:
    if quotes.layout.layout_hash == state.layout.layout_hash:
        columns = (quotes.market_statuses, quotes.decimal_odds_milli, np.zeros_like(provider.bet_stops))
    else:
        columns = _scatter(provider, state, quotes)
    market_statuses, decimal_odds_milli, bet_stops = columns
    return evolve(
        provider,
        received_time_us=received_time_us,
        market_statuses=market_statuses,
        decimal_odds_milli=decimal_odds_milli,
        bet_stops=bet_stops,
        brought=_note_brought(provider, market_statuses, state),
        winner_counts=_take_winners(provider.winner_counts, state, quotes),
    )


def _note_brought(
    provider: ProviderColumns, market_statuses: NDArray[np.uint8], state: FixtureState
) -> NDArray[np.uint8] | None:
    """Return what a provider has brought, with what it offers first now: what nobody else offered, the house neither.

    What the house makes of the prices of one provider alone is that provider's to bring.
    """
    if np.count_nonzero(provider.market_statuses) == market_statuses.size:
        return provider.brought
    is_first = (provider.market_statuses == 0) & (market_statuses > 0)
    others = [other for other in state.providers if feed_of(other.provider_id) != feed_of(provider.provider_id)]
    for other in others:
        is_first &= other.market_statuses == 0
    if state.own_markets is not None and any(other.market_statuses.any() for other in others):
        is_first &= state.own_markets == 0
    if not is_first.any():
        return provider.brought
    brought = np.zeros_like(provider.market_statuses) if provider.brought is None else provider.brought.copy()
    brought[is_first] = 1
    return brought


def _take_winners(before: NDArray[np.uint8] | None, state: FixtureState, quotes: Quotes) -> NDArray[np.uint8] | None:
    told = winners_told(quotes)
    if before is None and told is None:
        return None
    counts = np.zeros(state.layout.market_count, dtype=np.uint8) if before is None else before.copy()
    counts[project(quotes.layout, state.layout).markets] = 0 if told is None else told
    return counts if counts.any() else None


def _scatter(
    provider: ProviderColumns, state: FixtureState, quotes: Quotes
) -> tuple[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint8]]:
    """Lay quotes of some of the markets over what the provider said before."""
    places = project(quotes.layout, state.layout)
    bet_stops = provider.bet_stops.copy()
    bet_stops[places.markets] = 0
    if quotes.is_snapshot:
        market_statuses = np.where(provider.market_statuses > 0, MarketStatus.CLOSED, 0).astype(np.uint8)
        decimal_odds_milli = np.zeros_like(provider.decimal_odds_milli)
    else:
        market_statuses = provider.market_statuses.copy()
        decimal_odds_milli = np.where(places.covered_outcomes, 0, provider.decimal_odds_milli).astype(np.uint32)
    market_statuses[places.markets] = quotes.market_statuses
    decimal_odds_milli[places.outcomes] = quotes.decimal_odds_milli
    return market_statuses, decimal_odds_milli, bet_stops


def _lift_rollbacks(state: FixtureState, quotes: Quotes) -> FixtureState:
    """A market whose result was taken back trades again once a provider quotes it again."""
    if _CLOSED_BYTE not in state.result_statuses.tobytes():
        return state
    is_traded = np.zeros(state.layout.market_count, dtype=bool)
    is_traded[project(quotes.layout, state.layout).markets] = np.isin(
        quotes.market_statuses, (MarketStatus.OPEN, MarketStatus.SUSPENDED)
    )
    is_lifted = is_traded & (state.result_statuses == MarketStatus.CLOSED)
    return evolve(state, result_statuses=np.where(is_lifted, 0, state.result_statuses).astype(np.uint8))


def _take_results(state: FixtureState, update: FixtureUpdate, judgement: Judgement) -> FixtureState:
    """Mark what results say that count; a market with one that a person has to look at first is suspended."""
    result_statuses = state.result_statuses.copy()
    words = {item.provider_id: item.result_words.copy() for item in state.providers if item.result_words is not None}
    own_words = words.setdefault(update.provider_id, np.zeros(state.layout.market_count, np.uint8))
    decided = dict(state.decided_markets)
    for mark, referral_reason in zip(update.result_marks, judgement.referral_reasons, strict=True):
        index = state.layout.index_by_market_id.get(mark.market_id)
        if index is None:
            _note_outside(decided, update.provider_id, mark, is_referred=bool(referral_reason))
            continue
        status = int(result_statuses[index])
        if referral_reason:
            result_statuses[index] = status or MarketStatus.SUSPENDED
            continue
        result_statuses[index] = _status_after(words.values(), index, status, mark)
        is_taken_back = mark.kind in (ResultKind.SETTLEMENT_ROLLBACK, ResultKind.CANCEL_ROLLBACK)
        if is_taken_back or not _is_echo(state, update.provider_id, index, mark):
            # What counts as taken back stands by no other feed, but maybe by another product of this one.
            for column in words.values() if is_taken_back else (own_words,):
                column[index] = _word_after(ResultWord(int(column[index])), mark)
    for provider_id, column in words.items():
        provider = state.provider(provider_id) or _new_provider(state, provider_id)
        state = state.with_provider(evolve(provider, result_words=column if column.any() else None))
    return evolve(state, result_statuses=result_statuses, decided_markets=decided)


def _status_after(words: Iterable[NDArray[np.uint8]], index: int, status: int, mark: ResultMark) -> int:
    """Return where a market stands after a result, as the ledger has it: void before settled, whatever came last.

    What stood is told by the words, and by the status where words were lost.
    """
    standing = _WORD_BY_STATUS.get(status, ResultWord.NONE)
    for column in words:
        standing |= ResultWord(int(column[index]))
    word = _word_after(standing, mark)
    if word & ResultWord.CANCELLED:
        return MarketStatus.CANCELLED
    if word & ResultWord.SETTLED:
        return MarketStatus.SETTLED
    return status if mark.is_windowed else MarketStatus.CLOSED


def _note_outside(decided: dict[str, MarketDecided], provider_id: str, mark: ResultMark, *, is_referred: bool) -> None:
    """Remember the result of a market that is not in the layout, or that it was taken back.

    Beyond what is remembered nothing new comes in: for good where a result counts, and where results wait for a person
    until one lets everything trade again. Of those few are remembered, since whoever quotes a market can send them.
    """
    held = decided.pop(mark.market_id, None)
    word = ResultWord.NONE if held is None else held.word
    if not is_referred:
        word = _word_after(word, mark)
        if not word & _DECIDING:
            return
    if held is not None and held.word:
        decided[mark.market_id] = MarketDecided(held.provider_id, word)
    elif (held is not None and is_referred) or _has_room(decided, is_referred=is_referred):
        decided[mark.market_id] = MarketDecided(provider_id, word)
    else:
        others = decided.get(ALL_OTHERS, MarketDecided("", ResultWord.NONE))
        decided[ALL_OTHERS] = MarketDecided("", others.word | word)


def _has_room(decided: Mapping[str, MarketDecided], *, is_referred: bool) -> bool:
    if not is_referred:
        return len(decided) < DECIDED_MARKETS_MAX
    return ALL_OTHERS not in decided and sum(not held.word for held in decided.values()) < REFERRED_MARKETS_MAX


def _is_echo(state: FixtureState, provider_id: str, index: int, mark: ResultMark) -> bool:
    """Return whether a result repeats what stands by another feed, which may still take it back alone."""
    said = ResultWord.SETTLED if mark.kind is ResultKind.SETTLEMENT else ResultWord.CANCELLED
    return mark.kind in (ResultKind.SETTLEMENT, ResultKind.CANCEL) and any(
        other.result_words is not None and bool(said & int(other.result_words[index]))
        for other in state.providers
        if feed_of(other.provider_id) != feed_of(provider_id)
    )


def _word_after(word: ResultWord, mark: ResultMark) -> ResultWord:
    match mark.kind:
        case ResultKind.SETTLEMENT:
            return word | ResultWord.SETTLED
        case ResultKind.SETTLEMENT_ROLLBACK:
            return word & ~ResultWord.SETTLED
        case ResultKind.CANCEL:
            return word | (ResultWord.WINDOW_CANCELLED if mark.is_windowed else ResultWord.CANCELLED)
        case _:
            return word & ~(ResultWord.WINDOW_CANCELLED if mark.is_windowed else _ANY_CANCELLATION)


def _lift_referrals(state: FixtureState, market_id: str) -> FixtureState:
    """Let a market that waits for a person's look at a result trade again, or all where it is empty."""
    decided = {
        other: held for other, held in state.decided_markets.items() if held.word or market_id not in ("", other)
    }
    if len(decided) < len(state.decided_markets):
        state = evolve(state, decided_markets=decided)
    is_lifted = state.result_statuses == MarketStatus.SUSPENDED
    if market_id:
        is_lifted &= np.array([other == market_id for other in state.layout.market_ids], dtype=bool)
    if not is_lifted.any():
        return state
    return evolve(state, result_statuses=np.where(is_lifted, 0, state.result_statuses).astype(np.uint8))
