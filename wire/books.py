"""Books and their explanations on the wire: the columns as arrays, both ways."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from markets.fixture import FixtureDescription, MatchState, Period
from markets.layout import MarketLayout
from markets.period_scores import NO_SCORES, PeriodScores
from odds.fixture.book import (
    Book,
    EndClaim,
    Evidence,
    Explanation,
    Figures,
    MarketDecided,
    OwnSettlement,
    ProviderColumns,
    ResultWord,
    StopFlag,
    TraderSuspension,
)
from odds.models.football.own_results import NOTHING_PLAYED, Abandonment, PlayedHalves
from overround.odds.v1 import book_pb2, fixture_pb2
from wire.fixtures import build_description, build_state, parse_description, parse_state
from wire.frames import frame_bytes
from wire.layouts import (
    BYTE,
    ODDS,
    PROBABILITY,
    SHOWN_PROBABILITY,
    VERSION,
    WEIGHT,
    layout_of,
    pack,
    unpack,
    unpack_or,
)
from wire.sport_states import build_score, parse_score

ENCODED_LAYOUTS_MAX = 8_192
ENCODED_DESCRIPTIONS_MAX = 16_384
PROVIDERS_FIELD = book_pb2.PriceExplanation.PROVIDERS_FIELD_NUMBER
WEIGHTS_FIELD = book_pb2.ProviderQuotes.WEIGHTS_FIELD_NUMBER

_ENCODED_PROVIDERS: Final[WeakKeyDictionary[ProviderColumns, bytes]] = WeakKeyDictionary()
_STOPPED: Final = bytes([StopFlag.STOPPED])
_STOPPED_RESUMED: Final = bytes([StopFlag.STOPPED | StopFlag.RESUMED])


def parse_book(message: book_pb2.Book) -> Book:
    """Return a book with its columns as read-only arrays.

    Raises:
        LayoutMalformed: If the columns do not line up.
        ValueError: If a status is a number nobody knows.
    """
    layout = layout_of(message)
    markets = layout.market_count
    return Book(
        fixture_id=message.fixture_id,
        version=message.version,
        published_time_us=message.published_time_us,
        feed_time_us=message.feed_time_us,
        description=parse_description(message.description) if message.HasField("description") else None,
        state=parse_state(message.state) if message.HasField("state") else None,
        layout=layout,
        market_statuses=unpack(message.market_statuses, BYTE, length=markets, name="market_statuses"),
        suspension_reasons=unpack(message.suspension_reasons, BYTE, length=markets, name="suspension_reasons"),
        market_versions=unpack(message.market_versions, VERSION, length=markets, name="market_versions"),
        decimal_odds_milli=unpack(
            message.decimal_odds_milli, ODDS, length=layout.outcome_count, name="decimal_odds_milli"
        ),
        trader_suspensions=tuple(_parse_suspension(item) for item in message.trader_suspensions),
        provider_ids=tuple(message.provider_ids),
    )


def encode_book(book: Book) -> bytes:
    """Return the bytes of a book's message.

    The parts of layout and description are encoded once and appended: concatenated messages are one message.
    """
    message = book_pb2.Book(
        fixture_id=book.fixture_id,
        version=book.version,
        published_time_us=book.published_time_us,
        feed_time_us=book.feed_time_us,
        market_statuses=pack(book.market_statuses, BYTE),
        suspension_reasons=pack(book.suspension_reasons, BYTE),
        market_versions=pack(book.market_versions, VERSION),
        decimal_odds_milli=pack(book.decimal_odds_milli, ODDS),
        provider_ids=book.provider_ids,
    )
    if book.state is not None:
        message.state.CopyFrom(build_state(book.state))
    if book.trader_suspensions:
        message.trader_suspensions.extend(map(_build_suspension, book.trader_suspensions))
    description = b"" if book.description is None else _encode_description(book.description)
    return b"".join((message.SerializeToString(), description, _encode_book_layout(book.layout)))


def parse_explanation(message: book_pb2.PriceExplanation) -> Explanation:
    """Return an explanation with its columns as read-only arrays.

    Raises:
        LayoutMalformed: If the columns do not line up.
    """
    layout = layout_of(message)
    markets, outcomes = layout.market_count, layout.outcome_count
    weights = [unpack(item.weights, WEIGHT, length=markets, name="weights") for item in message.providers]
    return Explanation(
        fixture_id=message.fixture_id,
        version=message.version,
        layout=layout,
        fair_probabilities=unpack(message.fair_probabilities, PROBABILITY, length=outcomes, name="fair_probabilities"),
        blended_probabilities=unpack_or(
            np.nan, message.blended_probabilities, SHOWN_PROBABILITY, length=outcomes, name="blended_probabilities"
        ),
        price_sources=unpack_or(0, message.price_sources, BYTE, length=markets, name="price_sources"),
        overrounds=unpack(message.overrounds, PROBABILITY, length=markets, name="overrounds"),
        wanted_overrounds=unpack_or(
            np.nan, message.wanted_overrounds, SHOWN_PROBABILITY, length=markets, name="wanted_overrounds"
        ),
        figures={figure.name: figure.value for figure in message.figures},
        margin_removal=message.margin_removal,
        margin_application=message.margin_application,
        ladder=message.ladder,
        providers=tuple(_parse_provider(item, layout) for item in message.providers),
        weights=np.array(weights, dtype=np.float32).reshape(len(weights), markets),
        applied_request_ids=tuple(message.applied_request_ids),
        state_provider_id=message.state_provider_id,
        state_time_us=message.state_time_us,
        incident_time_us=message.incident_time_us,
        result_statuses=unpack(message.result_statuses, BYTE, length=markets, name="result_statuses"),
        period_scores=replace(_parse_scores(message), had_extra_time=message.had_extra_time),
        published_time_us=message.published_time_us,
        market_statuses=unpack_or(0, message.market_statuses, BYTE, length=markets, name="market_statuses"),
        suspension_reasons=unpack_or(0, message.suspension_reasons, BYTE, length=markets, name="suspension_reasons"),
        decimal_odds_milli=unpack_or(0, message.decimal_odds_milli, ODDS, length=outcomes, name="decimal_odds_milli"),
        own_markets=unpack(message.own_markets, BYTE, length=markets, name="own_markets")
        if message.own_markets
        else None,
        own_settlement=_parse_settlement(message.own_settlement) if message.HasField("own_settlement") else None,
        end_claims=tuple(
            EndClaim(item.provider_id, parse_state(item.state), item.time_us) for item in message.end_claims
        ),
        believed_time_us=message.believed_time_us,
        decided_markets={
            decided.market_id: MarketDecided(decided.provider_id, ResultWord(decided.word))
            for decided in message.decided_markets
        },
    )


def encode_explanation(explanation: Explanation) -> bytes:
    """Return the bytes of an explanation's message; what most have not is not asked of the message either."""
    message = book_pb2.PriceExplanation(
        fixture_id=explanation.fixture_id,
        version=explanation.version,
        fair_probabilities=pack(explanation.fair_probabilities, PROBABILITY),
        blended_probabilities=pack(explanation.blended_probabilities, SHOWN_PROBABILITY),
        price_sources=pack(explanation.price_sources, BYTE),
        overrounds=pack(explanation.overrounds, PROBABILITY),
        wanted_overrounds=pack(explanation.wanted_overrounds, SHOWN_PROBABILITY),
        margin_removal=explanation.margin_removal,
        margin_application=explanation.margin_application,
        ladder=explanation.ladder,
        state_provider_id=explanation.state_provider_id,
        state_time_us=explanation.state_time_us,
        incident_time_us=explanation.incident_time_us,
        result_statuses=pack(explanation.result_statuses, BYTE),
        published_time_us=explanation.published_time_us,
        market_statuses=pack(explanation.market_statuses, BYTE),
        suspension_reasons=pack(explanation.suspension_reasons, BYTE),
        decimal_odds_milli=pack(explanation.decimal_odds_milli, ODDS),
        believed_time_us=explanation.believed_time_us,
    )
    if explanation.figures:
        message.figures.extend(build_figures(explanation.figures))
    if explanation.applied_request_ids:
        message.applied_request_ids.extend(explanation.applied_request_ids)
    if explanation.period_scores is not NO_SCORES:
        message.MergeFrom(_build_scores(explanation.period_scores))
    if explanation.own_markets is not None:
        message.own_markets = pack(explanation.own_markets, BYTE)
    if explanation.own_settlement is not None:
        message.own_settlement.CopyFrom(_build_settlement(explanation.own_settlement))
    for claim in explanation.end_claims:
        message.end_claims.add(provider_id=claim.provider_id, state=build_state(claim.state), time_us=claim.time_us)
    for market_id, decided in explanation.decided_markets.items():
        message.decided_markets.add(market_id=market_id, provider_id=decided.provider_id, word=decided.word)
    providers = [
        frame_bytes(PROVIDERS_FIELD, _encode_provider(provider) + frame_bytes(WEIGHTS_FIELD, pack(weights, WEIGHT)))
        for provider, weights in zip(explanation.providers, explanation.weights, strict=True)
    ]
    return b"".join((message.SerializeToString(), *providers, _encode_explanation_layout(explanation.layout)))


def build_figures(figures: Figures) -> list[book_pb2.ModelFigure]:
    """Return the messages of what a model was fitted to."""
    return [book_pb2.ModelFigure(name=name, value=value) for name, value in figures.items()]


@lru_cache(maxsize=ENCODED_DESCRIPTIONS_MAX)
def _encode_description(description: FixtureDescription) -> bytes:
    return book_pb2.Book(description=build_description(description)).SerializeToString()


@lru_cache(maxsize=ENCODED_LAYOUTS_MAX)
def _encode_book_layout(layout: MarketLayout) -> bytes:
    return book_pb2.Book(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
    ).SerializeToString()


@lru_cache(maxsize=ENCODED_LAYOUTS_MAX)
def _encode_explanation_layout(layout: MarketLayout) -> bytes:
    return book_pb2.PriceExplanation(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
    ).SerializeToString()


def _parse_suspension(message: book_pb2.TraderSuspension) -> TraderSuspension:
    return TraderSuspension(message.market_id, message.trader_name, message.suspended_time_us, message.request_id)


def _build_suspension(suspension: TraderSuspension) -> book_pb2.TraderSuspension:
    return book_pb2.TraderSuspension(
        market_id=suspension.market_id,
        trader_name=suspension.trader_name,
        suspended_time_us=suspension.suspended_time_us,
        request_id=suspension.request_id,
    )


def _parse_settlement(message: book_pb2.OwnSettlement) -> OwnSettlement:
    return OwnSettlement(
        message.sequence,
        message.is_standing,
        _parse_evidence(message),
        message.referral_time_us,
        message.is_referred,
    )


def _parse_evidence(message: book_pb2.OwnSettlement) -> Evidence | None:
    """Return what a settlement was made from: of football the scores of the halves, else how the fixture ended."""
    if message.HasField("ended_as"):
        return parse_state(message.ended_as)
    abandonment = None
    if message.HasField("abandoned_score"):
        abandonment = Abandonment(Period(message.abandoned_period), parse_score(message.abandoned_score))
    played = PlayedHalves(_parse_scores(message), abandonment)
    return None if played == NOTHING_PLAYED else played


def _build_settlement(settlement: OwnSettlement) -> book_pb2.OwnSettlement:
    evidence = settlement.evidence
    played = evidence if isinstance(evidence, PlayedHalves) else NOTHING_PLAYED
    abandonment = played.abandonment
    return book_pb2.OwnSettlement(
        sequence=settlement.sequence,
        is_standing=settlement.is_standing,
        half_time_score=build_score(played.scores.half_time),
        full_time_score=build_score(played.scores.full_time),
        abandoned_score=build_score(None if abandonment is None else abandonment.score),
        abandoned_period=fixture_pb2.Period.ValueType(0 if abandonment is None else abandonment.period),
        referral_time_us=settlement.referral_time_us,
        is_referred=settlement.is_referred,
        ended_as=build_state(evidence) if isinstance(evidence, MatchState) else None,
    )


def _build_scores(scores: PeriodScores) -> book_pb2.PriceExplanation:
    return book_pb2.PriceExplanation(
        half_time_score=build_score(scores.half_time),
        full_time_score=build_score(scores.full_time),
        had_extra_time=scores.had_extra_time,
    )


def _parse_scores(message: book_pb2.PriceExplanation | book_pb2.OwnSettlement) -> PeriodScores:
    return PeriodScores(
        parse_score(message.half_time_score) if message.HasField("half_time_score") else None,
        parse_score(message.full_time_score) if message.HasField("full_time_score") else None,
    )


def _parse_provider(message: book_pb2.ProviderQuotes, layout: MarketLayout) -> ProviderColumns:
    markets, outcomes = layout.market_count, layout.outcome_count
    return ProviderColumns(
        provider_id=message.provider_id,
        sequence=message.sequence,
        received_time_us=message.received_time_us,
        market_statuses=unpack(message.market_statuses, BYTE, length=markets, name="market_statuses"),
        decimal_odds_milli=unpack(message.decimal_odds_milli, ODDS, length=outcomes, name="decimal_odds_milli"),
        bet_stops=unpack(message.bet_stops, BYTE, length=markets, name="bet_stops"),
        is_behind=message.is_behind,
        winner_counts=unpack(message.winner_counts, BYTE, length=markets, name="winner_counts")
        if message.winner_counts
        else None,
        stopped_time_us=message.stopped_time_us,
        result_words=unpack(message.result_words, BYTE, length=markets, name="result_words")
        if message.result_words
        else None,
        brought=unpack(message.brought, BYTE, length=markets, name="brought") if message.brought else None,
        told_state=parse_state(message.told_state) if message.HasField("told_state") else None,
        told_time_us=message.told_time_us,
        epoch=message.epoch,
        is_state_refused=message.is_state_refused,
    )


def _encode_provider(provider: ProviderColumns) -> bytes:
    # Kept as long as it stands, and no longer: of most providers nothing is new since the book before.
    encoded = _ENCODED_PROVIDERS.get(provider)
    if encoded is None:
        encoded = _ENCODED_PROVIDERS[provider] = _build_provider(provider).SerializeToString()
    return encoded


def _build_provider(provider: ProviderColumns) -> book_pb2.ProviderQuotes:
    bet_stops = pack(provider.bet_stops, BYTE)
    message = book_pb2.ProviderQuotes(
        provider_id=provider.provider_id,
        sequence=provider.sequence,
        received_time_us=provider.received_time_us,
        decimal_odds_milli=pack(provider.decimal_odds_milli, ODDS),
        market_statuses=pack(provider.market_statuses, BYTE),
        is_bet_stopped=_STOPPED in bet_stops or _STOPPED_RESUMED in bet_stops,
        bet_stops=bet_stops,
        is_behind=provider.is_behind,
        stopped_time_us=provider.stopped_time_us,
        told_time_us=provider.told_time_us,
        epoch=provider.epoch,
        is_state_refused=provider.is_state_refused,
    )
    if provider.winner_counts is not None:
        message.winner_counts = pack(provider.winner_counts, BYTE)
    if provider.result_words is not None:
        message.result_words = pack(provider.result_words, BYTE)
    if provider.brought is not None:
        message.brought = pack(provider.brought, BYTE)
    if provider.told_state is not None:
        message.told_state.CopyFrom(build_state(provider.told_state))
    return message
