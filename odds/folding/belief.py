"""Whose word about the match holds, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kernel.evolve import evolve
from markets.fixture import FixtureStatus, MatchState, Period
from markets.period_scores import follow_scores
from odds.fixture.book import EndClaim
from odds.fixture.state import BELIEF_US_MAX, OVER_STATUSES, FixtureState, ending
from odds.fixture.updates import FixtureUpdate
from odds.folding.provider_rights import RightsTable, feed_of, quotes_fixture
from odds.folding.stops import stop_bets

END_CLAIMS_MAX: Final = 8


def take_match_state(state: FixtureState, update: FixtureUpdate, told: MatchState, rights: RightsTable) -> FixtureState:
    """Believe the provider that was believed before, or one that is further on in the match.

    Providers lag behind each other by seconds: without this, a late one would take a goal back. Prices of one that does
    not know of the last incident yet do not count. An end needs more, since markets are settled by it.
    """
    held = state.state
    state = _note_end_claim(state, update, told)
    if held is None or _is_believed(state, update, told, held, rights):
        return _believe(state, told, update.provider_id, update.received_time_us)
    is_behind = told.has_news_over(held)
    state = _mark_behind(state, update.provider_id, is_behind=is_behind)
    return evolve(state, state_time_us=max(state.state_time_us, update.received_time_us))


def complete_state(told: MatchState, held: MatchState | None) -> MatchState:
    """Return what was told, with what it does not tell as it was known."""
    if held is None:
        return told
    if told.is_score_unknown:
        told = replace(told, home_score=held.home_score, away_score=held.away_score)
    if told.period is Period.UNKNOWN and told.status in OVER_STATUSES:
        told = replace(told, period=held.period)
    return told


def follow_end_claims(state: FixtureState, now_us: int) -> FixtureState:
    """Return the state after the match ended, if all who say so agree and the believed provider has been silent."""
    due_us = end_claims_due_us(state)
    if due_us is None or now_us < due_us:
        return state
    claim = state.end_claims[0]
    return _believe(state, claim.state, claim.provider_id, claim.time_us)


def end_claims_due_us(state: FixtureState) -> int | None:
    """Return when a match counts as over if nobody says another word; None where nobody, or not all, say that it is."""
    if len({ending(claim.state) for claim in state.end_claims}) != 1:
        return None
    return state.believed_time_us + BELIEF_US_MAX + 1


def _believe(state: FixtureState, told: MatchState, provider_id: str, time_us: int) -> FixtureState:
    held = state.state
    is_news = held is not None and told.status is FixtureStatus.IN_PLAY and told.has_news_over(held)
    return evolve(
        _mark_behind(state, provider_id, is_behind=False),
        state=told,
        period_scores=follow_scores(state.period_scores, held, told),
        state_provider_id=provider_id,
        believed_time_us=time_us,
        state_time_us=max(state.state_time_us, time_us),
        incident_time_us=time_us if is_news else state.incident_time_us,
        end_claims=() if told.status in OVER_STATUSES else state.end_claims,
    )


def _is_believed(
    state: FixtureState, update: FixtureUpdate, told: MatchState, held: MatchState, rights: RightsTable
) -> bool:
    if state.state_provider_id in ("", update.provider_id):
        return True
    if not quotes_fixture(state, feed_of(state.state_provider_id)) and state.layout.market_count > 0:
        return True  # Whoever is believed came before anybody quoted, and never did.
    if held.status in OVER_STATUSES:
        return False  # Whoever told the end has no more to say; late words of others do not take it back.
    is_silent = update.received_time_us - state.believed_time_us > BELIEF_US_MAX
    if told.status in OVER_STATUSES:
        return is_silent or _may_end(state, update, told, rights)
    return is_silent or told.progress > held.progress


def _may_end(state: FixtureState, update: FixtureUpdate, told: MatchState, rights: RightsTable) -> bool:
    """Return whether a provider may end a match while another one is believed."""
    feed = feed_of(update.provider_id)
    agreeing = {feed_of(claim.provider_id) for claim in state.end_claims if ending(claim.state) == ending(told)}
    if feed == feed_of(state.state_provider_id) or len(agreeing) >= rights.end_quorum:
        return True
    sport = "" if state.description is None else state.description.sport
    return rights.of(update.provider_id, sport).rank < rights.of(state.state_provider_id, sport).rank


def _note_end_claim(state: FixtureState, update: FixtureUpdate, told: MatchState) -> FixtureState:
    """Remember who says that the match is over; until that is believed, the provider's bet-stop holds."""
    claims = tuple(claim for claim in state.end_claims if claim.provider_id != update.provider_id)
    is_disputed = state.state_provider_id not in ("", update.provider_id) and not state.is_play_over
    if told.status in OVER_STATUSES and is_disputed:
        claims = (*claims, EndClaim(update.provider_id, told, update.received_time_us))[-END_CLAIMS_MAX:]
        provider = state.provider(update.provider_id)
        if provider is not None:
            state = state.with_provider(stop_bets(provider, state, (), update.received_time_us))
    return state if claims == state.end_claims else evolve(state, end_claims=claims)


def _mark_behind(state: FixtureState, provider_id: str, *, is_behind: bool) -> FixtureState:
    provider = state.provider(provider_id)
    if provider is None or provider.is_behind == is_behind:
        return state
    return state.with_provider(evolve(provider, is_behind=is_behind))
