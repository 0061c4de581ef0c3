"""Results of markets: the way from the log into the domain and back."""

from __future__ import annotations

import hashlib

from google.protobuf.message import DecodeError

from bets.ports import KeyedResult, ResultMessage
from markets.results import MarketResult, OutcomeResult, Reduction, ResultKind, ResultMalformed
from overround.feed.v1 import feed_pb2


def parse_market_result(message: feed_pb2.MarketResult) -> MarketResult:
    """Return the result.

    Raises:
        ResultMalformed: If its kind is a number nobody knows or it says something that cannot be.
    """
    try:
        kind = ResultKind(message.kind)
    except ValueError:
        raise ResultMalformed(f"A result's kind must be 1 to {max(ResultKind)}, was {message.kind}") from None
    return MarketResult(
        kind=kind,
        market_id=message.market_id,
        outcomes=tuple(_parse_outcome(outcome) for outcome in message.outcomes),
        window_start_ms=message.window_start_ms,
        window_end_ms=message.window_end_ms,
        void_reason=message.void_reason,
        certainty=message.certainty,
        reductions=tuple(_parse_reduction(reduction) for reduction in message.reductions),
        referral_reason=message.referral_reason,
    )


def build_market_result(result: MarketResult) -> feed_pb2.MarketResult:
    """Return the message for a result."""
    return feed_pb2.MarketResult(
        kind=feed_pb2.ResultKind.ValueType(result.kind),
        market_id=result.market_id,
        outcomes=[_build_outcome(outcome) for outcome in result.outcomes],
        window_start_ms=result.window_start_ms,
        window_end_ms=result.window_end_ms,
        void_reason=result.void_reason,
        certainty=result.certainty,
        reductions=[_build_reduction(reduction) for reduction in result.reductions],
        referral_reason=result.referral_reason,
    )


def result_keys(message: feed_pb2.FixtureResults) -> list[str]:
    """Return a name for each result of the message, the same at every delivery.

    The place within the message is part of it: one update may cancel a market for two windows. So is the stream that
    brought it: what is sent again behind a hole holds again, in its order.
    """
    stream = f"{message.epoch}:" if message.epoch else ""
    source = f"{message.fixture_id}/{message.provider_id}/{stream}{message.sequence}"
    return [f"{source}/{place}/{result.market_id}/{result.kind}" for place, result in enumerate(message.results)]


def build_result_messages(message: feed_pb2.FixtureResults) -> list[ResultMessage]:
    """Return each result of the message by itself, as it came."""
    return [
        ResultMessage(
            key=key,
            provider_id=message.provider_id,
            fixture_id=message.fixture_id,
            market_id=result.market_id,
            kind=result.kind,
            encoded=result.SerializeToString(deterministic=True),
            is_whole=False,
        )
        for key, result in zip(result_keys(message), message.results, strict=True)
    ]


def read_results(message: ResultMessage) -> list[KeyedResult]:
    """Return the result, or the results, that a message says.

    Raises:
        ResultMalformed: If it cannot be read, or says something that cannot be.
    """
    try:
        if message.is_whole:
            whole = feed_pb2.FixtureResults.FromString(message.encoded)
            return [keyed for single in build_result_messages(whole) for keyed in read_results(single)]
        result = feed_pb2.MarketResult.FromString(message.encoded)
    except DecodeError as error:
        raise ResultMalformed(f"A result must be a message of its type, {message.key} was none: {error}") from None
    return [
        KeyedResult(
            key=message.key,
            provider_id=message.provider_id,
            fixture_id=message.fixture_id,
            digest=_digest(result),
            result=parse_market_result(result),
        )
    ]


def _digest(result: feed_pb2.MarketResult) -> bytes:
    """Return what tells a result from another under its key; that somebody has to look at it first is no part of it."""
    told = feed_pb2.MarketResult()
    told.CopyFrom(result)
    told.ClearField("referral_reason")
    return hashlib.sha256(told.SerializeToString(deterministic=True)).digest()


def _parse_outcome(message: feed_pb2.OutcomeResult) -> OutcomeResult:
    return OutcomeResult(
        message.outcome_id, message.win_factor_micro, message.void_factor_micro, message.dead_heat_factor_micro
    )


def _build_outcome(outcome: OutcomeResult) -> feed_pb2.OutcomeResult:
    return feed_pb2.OutcomeResult(
        outcome_id=outcome.outcome_id,
        win_factor_micro=outcome.win_factor_micro,
        void_factor_micro=outcome.void_factor_micro,
        dead_heat_factor_micro=outcome.dead_heat_factor_micro,
    )


def _parse_reduction(message: feed_pb2.Reduction) -> Reduction:
    return Reduction(message.before_ms, message.deduction_micro, message.is_off_winnings_only)


def _build_reduction(reduction: Reduction) -> feed_pb2.Reduction:
    return feed_pb2.Reduction(
        before_ms=reduction.before_ms,
        deduction_micro=reduction.deduction_micro,
        is_off_winnings_only=reduction.is_off_winnings_only,
    )
