"""Betfair Exchange Stream: its JSON lines, read.

Market change messages (`mcm`) carry full images and deltas of markets. Every market is kept up to date; a change of
what backers are offered becomes an update of the fixture with all prices of that market, a change that leaves it as it
was becomes none. Each market change gets a sequence from its publish time (see SequenceClock), used or not, so that a
file gives the same sequences whenever it is replayed.

A fixture is an event ("betfair:31573045"). A race meeting is one event with many races, so a race is a fixture of its
own, named as the exchange names races: "betfair:28270094.1855".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.feeds.betfair_definition import describe, is_offered, locate, results_of, status_of
from gateway.feeds.betfair_market import ExchangeMarket
from gateway.feeds.ordering import SequenceClock
from gateway.feeds.reading import RAW_BYTES_MAX, Reading
from gateway.feeds.refusals import (
    FeedRefused,
    MessageDuplicated,
    MessageMalformed,
    MessageOutOfOrder,
    MessageOversized,
    MessageUnknown,
)
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult, ProviderHeartbeat, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureDescription, MatchState

PROVIDER_ID: Final = "betfair"
MARKETS_MAX: Final = 10_000
CHANGES_MAX: Final = 1_000
_DATA_UNRELIABLE: Final = 503
_CONTROL_MESSAGES: Final = frozenset({"connection", "status"})
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class _Told:
    """What was last said about a market's fixture and result, so that it is said again only when it changes."""

    __slots__ = ("description", "market", "results", "state")

    def __init__(self, market: ExchangeMarket) -> None:
        self.market = market
        self.description: FixtureDescription | None = None
        self.state: MatchState | None = None
        self.results: MarketResult | None = None


class BetfairAdapter:
    """Reads the lines of an Exchange Stream, of all its markets, in the order in which they came."""

    def __init__(self) -> None:
        self._clock = SequenceClock()
        self._told_by_exchange_id: dict[str, _Told] = {}
        self._is_reliable = True

    def read(self, raw: bytes) -> Reading:
        """Return what a line says; what it holds wrongly is in the refusals."""
        try:
            return self._read_message(raw)
        except FeedRefused as refusal:
            return Reading(PROVIDER_ID, refusals=(refusal,))
        except _MALFORMED as error:
            malformed = MessageMalformed(f"A message does not have its form: {error!r}"[:512])
            return Reading(PROVIDER_ID, refusals=(malformed,))

    def _read_message(self, raw: bytes) -> Reading:
        if len(raw) > RAW_BYTES_MAX:
            raise MessageOversized(f"A message has at most {RAW_BYTES_MAX} bytes, had {len(raw)}")
        message = orjson.loads(raw)
        operation = message["op"]
        if operation in _CONTROL_MESSAGES:
            return Reading(PROVIDER_ID)
        if operation != "mcm":
            raise MessageUnknown(f"Messages of kind {str(operation)[:64]!r} are not taken")
        changes = message.get("mc", ())
        if len(changes) > CHANGES_MAX:
            raise MessageOversized(f"A message has at most {CHANGES_MAX} market changes, had {len(changes)}")
        return self._read_changes(message, changes, time_ms=message["pt"], digest=hash(raw))

    def _read_changes(self, message: Mapping[str, Any], changes: Any, *, time_ms: int, digest: int) -> Reading:
        updates: list[FeedUpdate] = []
        refusals: list[FeedRefused] = []
        for index, change in enumerate(changes):
            try:
                update = self._read_change(change, time_ms=time_ms, digest=digest + index)
            except FeedRefused as refusal:
                refusals.append(refusal)
                continue
            except _MALFORMED as error:
                refusals.append(MessageMalformed(f"A market change does not have its form: {error!r}"[:512]))
                continue
            if update is not None:
                updates.append(update)
        return Reading(PROVIDER_ID, updates, self._signs(message, time_ms), refusals)

    def _signs(self, message: Mapping[str, Any], time_ms: int) -> tuple[ProviderHeartbeat, ...]:
        was_reliable = self._is_reliable
        self._is_reliable = message.get("status") != _DATA_UNRELIABLE
        if message.get("ct") != "HEARTBEAT" and was_reliable == self._is_reliable:
            return ()
        return (ProviderHeartbeat(provider_id=PROVIDER_ID, provider_time_ms=time_ms, is_up=self._is_reliable),)

    def _read_change(self, change: Mapping[str, Any], *, time_ms: int, digest: int) -> FeedUpdate | None:
        sequence, is_repeated = self._clock.assign(time_ms, digest)
        if is_repeated:
            raise MessageDuplicated(f"Change {change['id']!r} of {time_ms} ms was taken already")
        definition = change.get("marketDefinition")
        if definition is not None and not is_offered(definition):
            return None
        told = self._told(change["id"], definition)
        market = told.market
        if time_ms < market.time_ms:
            raise MessageOutOfOrder(f"A change of {market.time_ms} ms was taken, this one is of {time_ms}")
        market.time_ms = time_ms
        if change.get("img"):
            market.clear()
        if definition is not None:
            market.define(definition)
        if "rc" in change:
            market.apply(change["rc"])
        quotes = market.changed_quotes()
        if definition is None:
            return _update(market, sequence=sequence, quotes=quotes) if quotes is not None else None
        return _news(told, definition, sequence=sequence, quotes=quotes)

    def _told(self, exchange_id: str, definition: Mapping[str, Any] | None) -> _Told:
        told = self._told_by_exchange_id.get(exchange_id)
        if told is not None:
            return told
        if definition is None:
            raise MessageOutOfOrder(f"Market {str(exchange_id)[:32]!r} must begin with its definition")
        self._make_room()
        told = _Told(locate(exchange_id, definition))
        self._told_by_exchange_id[exchange_id] = told
        return told

    def _make_room(self) -> None:
        if len(self._told_by_exchange_id) < MARKETS_MAX:
            return
        for exchange_id, told in self._told_by_exchange_id.items():
            if told.market.status == MarketStatus.MARKET_STATUS_CLOSED:
                del self._told_by_exchange_id[exchange_id]
                return
        raise MessageOversized(f"At most {MARKETS_MAX} markets are followed at a time")


def _news(told: _Told, definition: Mapping[str, Any], *, sequence: int, quotes: Quotes | None) -> FeedUpdate | None:
    update = _update(told.market, sequence=sequence, quotes=quotes)
    is_news = quotes is not None
    description = describe(told.market, definition)
    if description != told.description:
        update.description.CopyFrom(description)
        told.description, is_news = description, True
    state = MatchState(status=status_of(definition))
    if state != told.state:
        update.state.CopyFrom(state)
        told.state, is_news = state, True
    results = results_of(told.market, definition)
    if results != told.results:
        update.results.extend(_corrections(told.results, results))
        told.results, is_news = results, True
    return update if is_news else None


def _corrections(before: MarketResult | None, after: MarketResult | None) -> list[MarketResult]:
    corrections = []
    if before is not None:
        kind = ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK
        corrections.append(MarketResult(kind=kind, market_id=before.market_id))
    if after is not None:
        corrections.append(after)
    return corrections


def _update(market: ExchangeMarket, *, sequence: int, quotes: Quotes | None) -> FeedUpdate:
    return FeedUpdate(
        provider_id=PROVIDER_ID,
        fixture_id=market.fixture_id,
        sequence=sequence,
        provider_time_ms=market.time_ms,
        quotes=quotes,
    )
