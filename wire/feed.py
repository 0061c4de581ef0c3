"""Feed messages: quotes as columns, updates, a provider's signs of life, dead letters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from markets.layout import MarketLayout
from markets.results import MarketResult, ResultKind
from odds.fixture.updates import FixtureUpdate, ProviderSign, Quotes, ResultMark
from odds.folding.provider_rights import HOUSE
from overround.feed.v1 import feed_pb2
from wire.fixtures import parse_description, parse_state
from wire.layouts import BYTE, ODDS, layout_of, pack, unpack
from wire.results import build_market_result

RAW_BYTES_MAX = 1_048_576
NO_RIGHT = "NO_RIGHT"
"""Reason of a dead letter: its provider had no right to what it told."""


def build_quotes(
    layout: MarketLayout,
    *,
    market_statuses: NDArray[np.uint8],
    decimal_odds_milli: NDArray[np.uint32],
    is_snapshot: bool,
) -> feed_pb2.Quotes:
    """Return the message for one provider's prices; the columns follow the layout."""
    return feed_pb2.Quotes(
        layout_hash=layout.layout_hash,
        market_ids=layout.market_ids,
        outcome_counts=layout.outcome_counts.tobytes(),
        outcome_ids=layout.outcome_ids,
        market_statuses=pack(market_statuses, BYTE),
        decimal_odds_milli=pack(decimal_odds_milli, ODDS),
        is_snapshot=is_snapshot,
    )


def parse_quotes(message: feed_pb2.Quotes) -> Quotes:
    """Return one provider's prices as columns.

    Raises:
        LayoutMalformed: If the columns do not line up.
    """
    layout = layout_of(message)
    return Quotes(
        layout,
        unpack(message.market_statuses, BYTE, length=layout.market_count, name="market_statuses"),
        unpack(message.decimal_odds_milli, ODDS, length=layout.outcome_count, name="decimal_odds_milli"),
        message.is_snapshot,
        unpack(message.winner_counts, BYTE, length=layout.market_count, name="winner_counts")
        if message.winner_counts
        else None,
    )


def parse_update(message: feed_pb2.FeedUpdate, *, appended_time_us: int) -> FixtureUpdate:
    """Return what a provider says about a fixture.

    Raises:
        LayoutMalformed: If the columns of its quotes do not line up.
        ValueError: If a status is a number nobody knows.
    """
    return FixtureUpdate(
        message.provider_id,
        message.fixture_id,
        message.sequence,
        message.received_time_us,
        appended_time_us,
        parse_description(message.description) if message.HasField("description") else None,
        parse_state(message.state) if message.HasField("state") else None,
        parse_quotes(message.quotes) if message.HasField("quotes") else None,
        _parse_bet_stop(message, appended_time_us),
        tuple(_parse_mark(result) for result in message.results),
        message.epoch,
        message.is_catching_up,
        message.is_state_refused,
    )


def parse_stop(message: feed_pb2.FeedUpdate, *, appended_time_us: int) -> FixtureUpdate:
    """Return what is left of an update that cannot be read: a stop of all that its provider quotes, and results.

    Raises:
        ValueError: If a result is of a kind nobody knows.
    """
    return FixtureUpdate(
        message.provider_id,
        message.fixture_id,
        message.sequence,
        message.received_time_us,
        appended_time_us,
        bet_stop_market_ids=(),
        result_marks=tuple(_parse_mark(result) for result in message.results),
        epoch=message.epoch,
        is_catching_up=message.is_catching_up,
        is_state_refused=message.is_state_refused or message.HasField("state"),
    )


def parse_sign(message: feed_pb2.ProviderHeartbeat) -> ProviderSign:
    """Return a provider's sign of life."""
    return ProviderSign(message.provider_id, message.received_time_us, message.is_up, message.timeout_ms, message.epoch)


def build_results(
    update: feed_pb2.FeedUpdate, referral_reasons: Sequence[str] | None = None
) -> feed_pb2.FixtureResults:
    """Return the message that settlement acts on for the results of an update.

    Args:
        update: Of a provider.
        referral_reasons: Why a person has to look at a result first, one a result; empty where what the result
            itself says of that stands.
    """
    message = feed_pb2.FixtureResults(
        provider_id=update.provider_id,
        fixture_id=update.fixture_id,
        sequence=update.sequence,
        provider_time_ms=update.provider_time_ms,
        results=update.results,
        epoch=update.epoch,
    )
    if referral_reasons is not None:
        for result, referral_reason in zip(message.results, referral_reasons, strict=True):
            result.referral_reason = referral_reason or result.referral_reason
    return message


def build_own_results(fixture_id: str, *, sequence: int, results: Sequence[MarketResult]) -> feed_pb2.FixtureResults:
    """Return the message that settlement acts on for results of markets that we alone offer."""
    return feed_pb2.FixtureResults(
        provider_id=HOUSE,
        fixture_id=fixture_id,
        sequence=sequence,
        results=[build_market_result(result) for result in results],
    )


def build_dead_letter(*, reason: str, message: str, source: str, time_us: int, raw: bytes) -> feed_pb2.DeadLetter:
    """Return the message for an input that was refused; long input is cut."""
    return feed_pb2.DeadLetter(reason=reason, message=message, source=source, time_us=time_us, raw=raw[:RAW_BYTES_MAX])


def _parse_bet_stop(message: feed_pb2.FeedUpdate, appended_time_us: int) -> tuple[str, ...] | None:
    """Return the markets that must not be bet on, none named for all; None where there is no such word.

    Bets of a cancelled window that has not ended would be void: the market stops as by a bet-stop.
    """
    if not (message.results or message.HasField("bet_stop")):
        return None
    void = [
        result.market_id
        for result in message.results
        if result.kind == feed_pb2.RESULT_KIND_CANCEL and result.window_end_ms * 1_000 > appended_time_us
    ]
    named = list(message.bet_stop.market_ids)
    if message.HasField("bet_stop"):
        return tuple(named + void if named else ())
    return tuple(void) or None


def _parse_mark(result: feed_pb2.MarketResult) -> ResultMark:
    is_windowed = result.window_end_ms != 0
    return ResultMark(ResultKind(result.kind), result.market_id, is_windowed)
