"""Betfair Exchange Stream: its JSON lines, read.

Cricket messages (`ccm`) tell of matches whose markets are followed how they stand, ball by ball; see betfair_cricket.
Market change messages (`mcm`) carry full images and deltas of markets. Every market is kept up to date; a change of
what backers are offered becomes an update of the fixture with all prices of that market, a change that leaves it as it
was becomes none. Each market change gets a sequence from its publish time (see SequenceClock), used or not, so that a
file gives the same sequences whenever it is replayed.

A fixture is an event ("betfair:31573045"). A race meeting is one event with many races, so a race is a fixture of its
own, named as the exchange names races: "betfair:28270094.1855". Markets are named by type and the exchange's own id
("betfair:SET_WINNER:1.101"), the one that asks who wins as everywhere ("match_odds", "win").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson

from gateway.feeds.betfair_cricket import events_of
from gateway.feeds.betfair_definition import is_offered, locate
from gateway.feeds.betfair_fixture import ExchangeFixture
from gateway.feeds.betfair_market import ExchangeMarket
from gateway.feeds.betfair_results import results_of
from gateway.feeds.format import FeedFormat, time_stamp
from gateway.feeds.ordering import SequenceClock, expect_stamped
from gateway.feeds.reading import RAW_BYTES_MAX, Reading
from gateway.feeds.refusals import (
    FeedRefused,
    MessageDuplicated,
    MessageMalformed,
    MessageOutOfOrder,
    MessageOversized,
    MessageUnknown,
)
from kernel.clock import SYSTEM_CLOCK, Clock
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult, ProviderHeartbeat, ResultKind

PROVIDER_ID: Final = "betfair"
MARKETS_MAX: Final = 10_000
FIXTURES_MAX: Final = 20_000
"""Remembered, so that one that ended is not revived by a market that comes later."""
CHANGES_MAX: Final = 1_000
_DATA_UNRELIABLE: Final = 503
Value = TypeVar("Value")
_CONTROL_MESSAGES: Final = frozenset({"connection", "status"})
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class _Followed:
    """A market that is followed, its fixture, and the result last said of it."""

    __slots__ = ("fixture", "market", "results")

    def __init__(self, market: ExchangeMarket, fixture: ExchangeFixture) -> None:
        self.market = market
        self.fixture = fixture
        self.results: MarketResult | None = None


class BetfairAdapter:
    """Reads the lines of an Exchange Stream, of all its markets, in the order in which they came.

    What cannot be read of a change is refused and costs that part alone; the market it is of stays suspended until the
    part is told anew (see ExchangeMarket).
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._now_us = clock.now_us
        self._clock = SequenceClock()
        self._followed_by_exchange_id: dict[str, _Followed] = {}
        self._left_alone: dict[str, None] = {}
        self._fixture_by_id: dict[str, ExchangeFixture] = {}
        self._is_reliable = True
        self._time_ms = 0

    def read(self, raw: bytes) -> Reading:
        """Return what a line says; what it holds wrongly is in the refusals."""
        try:
            return self._read_message(raw)
        except FeedRefused as refusal:
            return Reading(PROVIDER_ID, refusals=(refusal,))
        except _MALFORMED as error:
            return Reading(PROVIDER_ID, refusals=(_malformed("message", error),))

    def _read_message(self, raw: bytes) -> Reading:
        if len(raw) > RAW_BYTES_MAX:
            raise MessageOversized(f"A message has at most {RAW_BYTES_MAX} bytes, had {len(raw)}")
        message = orjson.loads(raw)
        operation = message["op"]
        if operation in _CONTROL_MESSAGES:
            return Reading(PROVIDER_ID)
        if operation == "ccm":
            return self._read_cricket(message, digest=hash(raw))
        if operation != "mcm":
            raise MessageUnknown(f"Messages of kind {str(operation)[:64]!r} are not taken")
        refusals: list[FeedRefused] = []
        changes = message.get("mc", ())
        if "pt" in message or changes:
            self._take_time(message.get("pt"), refusals)
        updates = self._read_changes(changes, digest=hash(raw), refusals=refusals)
        return Reading(PROVIDER_ID, updates, self._signs(message), refusals and _first_by_reason(refusals))

    def _read_cricket(self, message: Mapping[str, Any], *, digest: int) -> Reading:
        refusals: list[FeedRefused] = []
        self._take_time(message.get("pt"), refusals)
        updates = []
        for index, change in enumerate(events_of(message, CHANGES_MAX)):
            update = self._read_match(change, digest=digest + index, refusals=refusals)
            if update.HasField("description") or update.HasField("state"):
                updates.append(update)
        return Reading(PROVIDER_ID, updates, (), refusals and _first_by_reason(refusals))

    def _read_match(self, change: Mapping[str, Any], *, digest: int, refusals: list[FeedRefused]) -> FeedUpdate:
        """Return what a change says of a match; nothing where no market of it is followed, or it was taken before."""
        fixture_id = f"{PROVIDER_ID}:{change['eventId']}"
        update = FeedUpdate(provider_id=PROVIDER_ID, fixture_id=fixture_id, provider_time_ms=self._time_ms)
        fixture = self._fixture_by_id.get(fixture_id)
        update.sequence, is_repeated = self._clock.assign(self._time_ms, digest)
        if fixture is None or is_repeated:
            return update
        try:
            fixture.cricket.follow(change)
        except MessageMalformed as refusal:
            refusals.append(refusal)
        except _MALFORMED as error:
            fixture.cricket.doubt()
            refusals.append(_malformed("change of a match", error))
        description, state = fixture.follow_cricket()
        if description is not None:
            update.description.CopyFrom(description)
        if state is not None:
            update.state.CopyFrom(state)
        return update

    def _take_time(self, time_ms: Any, refusals: list[FeedRefused]) -> None:
        """Note when a message was published; one that does not say counts as published with the one before."""
        try:
            if type(time_ms) is not int:
                raise MessageMalformed(f"Time stamp must be a whole number of ms, was {str(time_ms)[:32]!r}")
            self._time_ms = expect_stamped(time_ms, now_us=self._now_us())
        except MessageMalformed as refusal:
            refusals.append(refusal)

    def _read_changes(self, changes: Any, *, digest: int, refusals: list[FeedRefused]) -> list[FeedUpdate]:
        updates: list[FeedUpdate] = []
        if not isinstance(changes, list | tuple):
            refusals.append(MessageMalformed(f"Market changes must be a list, were {type(changes).__name__}"))
            return updates
        if len(changes) > CHANGES_MAX:
            refusals.append(MessageOversized(f"A message has at most {CHANGES_MAX} changes, had {len(changes)}"))
        for index, change in enumerate(changes):
            try:
                if index < CHANGES_MAX:
                    update = self._read_change(change, digest=digest + index, refusals=refusals)
                else:
                    update = self._lose(change, digest=digest + index)
            except (MessageDuplicated, MessageOutOfOrder) as refusal:
                refusals.append(refusal)
                continue
            except FeedRefused as refusal:
                refusals.append(refusal)
                update = self._lose(change, digest=digest + index)
            except _MALFORMED as error:
                refusals.append(_malformed("market change", error))
                update = self._lose(change, digest=digest + index)
            if update is not None:
                updates.append(update)
        return updates

    def _signs(self, message: Mapping[str, Any]) -> tuple[ProviderHeartbeat, ...]:
        was_reliable = self._is_reliable
        self._is_reliable = message.get("status") != _DATA_UNRELIABLE
        if message.get("ct") != "HEARTBEAT" and was_reliable == self._is_reliable:
            return ()
        return (ProviderHeartbeat(provider_id=PROVIDER_ID, provider_time_ms=self._time_ms, is_up=self._is_reliable),)

    def _read_change(self, change: Any, *, digest: int, refusals: list[FeedRefused]) -> FeedUpdate | None:
        exchange_id, definition = change["id"], change.get("marketDefinition")
        time_ms = self._time_ms
        sequence, is_repeated = self._clock.assign(time_ms, digest)
        if is_repeated:
            raise MessageDuplicated(f"Change {str(exchange_id)[:32]!r} of {time_ms} ms was taken already")
        followed = self._followed_by_exchange_id.get(exchange_id) if definition is None else None
        followed = followed or self._follow(exchange_id, definition)
        if followed is None:
            return None
        market = followed.market
        if time_ms < market.time_ms:
            raise MessageOutOfOrder(f"A change of {market.time_ms} ms was taken, this one is of {time_ms}")
        market.time_ms = time_ms
        if change.get("img"):
            market.clear()
        update = None
        if definition is not None:
            update = _update(market, sequence=sequence)
            refusals.extend(_take_definition(followed, definition, update))
        if "rc" in change:
            refusals.extend(market.apply(change["rc"]))
        return _with_quotes(update, market, sequence=sequence)

    def _lose(self, change: Any, *, digest: int) -> FeedUpdate | None:
        """Suspend the market of a change that cannot be read, if that much can be."""
        exchange_id = change.get("id") if isinstance(change, dict) else None
        followed = self._followed_by_exchange_id.get(exchange_id) if isinstance(exchange_id, str) else None
        if followed is None:
            return None
        followed.market.doubt()
        sequence, _ = self._clock.assign(self._time_ms, ("lost", digest))
        return _with_quotes(None, followed.market, sequence=sequence)

    def _follow(self, exchange_id: Any, definition: Any) -> _Followed | None:
        """Return the market of a change; None for one that is left alone.

        Raises:
            MessageMalformed: If its definition does not say what it is.
            MessageOutOfOrder: If it has none yet.
        """
        if not isinstance(exchange_id, str):
            raise MessageMalformed(f"A market must have an id, had {str(exchange_id)[:32]!r}")
        followed = self._followed_by_exchange_id.get(exchange_id)
        if not isinstance(definition, dict):
            if followed is None and exchange_id not in self._left_alone:
                raise MessageOutOfOrder(f"Market {exchange_id[:32]!r} must begin with its definition")
            return followed
        if is_offered(definition):
            return followed or self._begin(exchange_id, definition)
        if followed is not None:
            raise MessageMalformed(f"Market {exchange_id[:32]!r} must go on to pay plain odds, does not")
        _remember(self._left_alone, exchange_id, None, MARKETS_MAX)
        return None

    def _begin(self, exchange_id: str, definition: Mapping[str, Any]) -> _Followed:
        self._make_room()
        market = locate(exchange_id, definition)
        self._left_alone.pop(exchange_id, None)
        fixture = self._fixture_by_id.pop(market.fixture_id, None) or ExchangeFixture()
        _remember(self._fixture_by_id, market.fixture_id, fixture, FIXTURES_MAX)
        fixture.join(market)
        followed = self._followed_by_exchange_id[exchange_id] = _Followed(market, fixture)
        return followed

    def _make_room(self) -> None:
        if len(self._followed_by_exchange_id) < MARKETS_MAX:
            return
        for exchange_id, followed in self._followed_by_exchange_id.items():
            if followed.market.is_closed:
                del self._followed_by_exchange_id[exchange_id]
                return
        raise MessageOversized(f"At most {MARKETS_MAX} markets are followed at a time")


def _take_definition(followed: _Followed, definition: Any, update: FeedUpdate) -> Iterator[FeedRefused]:
    """Take a definition and add to the update what it changes; yield what of it could not be read."""
    market, fixture = followed.market, followed.fixture
    if not isinstance(definition, dict):
        market.take_definition(is_doubtful=True)
        yield MessageMalformed(f"A market definition must be an object, was {type(definition).__name__}")
        return
    refusals = list(market.define(definition))
    try:
        description = fixture.follow_description(market, definition)
        if description is not None:
            update.description.CopyFrom(description)
    except MessageMalformed as refusal:
        refusals.append(refusal)
    state = fixture.follow_state(market, definition)
    if state is not None:
        update.state.CopyFrom(state)
    market.take_definition(is_doubtful=bool(refusals))
    yield from refusals
    if not refusals:
        yield from _take_results(followed, update)


def _take_results(followed: _Followed, update: FeedUpdate) -> Iterator[FeedRefused]:
    try:
        results = results_of(followed.market)
    except MessageMalformed as refusal:
        results = None
        yield refusal
    if results != followed.results:
        update.results.extend(_corrections(followed.results, results))
        followed.results = results


def _corrections(before: MarketResult | None, after: MarketResult | None) -> list[MarketResult]:
    corrections = []
    if before is not None:
        kind = ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK
        corrections.append(MarketResult(kind=kind, market_id=before.market_id))
    if after is not None:
        corrections.append(after)
    return corrections


def _update(market: ExchangeMarket, *, sequence: int) -> FeedUpdate:
    return FeedUpdate(
        provider_id=PROVIDER_ID,
        fixture_id=market.fixture_id,
        sequence=sequence,
        provider_time_ms=market.time_ms,
    )


def _with_quotes(update: FeedUpdate | None, market: ExchangeMarket, *, sequence: int) -> FeedUpdate | None:
    """Return the update, if there is one yet, with the prices that changed; None if there is nothing in it."""
    quotes = market.changed_quotes()
    if quotes is not None:
        update = update or _update(market, sequence=sequence)
        update.quotes.CopyFrom(quotes)
        return update
    is_news = update is not None and (update.HasField("description") or update.HasField("state") or update.results)
    return update if is_news else None


def _remember(known: dict[str, Value], key: str, value: Value, count_max: int) -> None:
    if len(known) >= count_max:
        del known[next(iter(known))]
    known[key] = value


def _first_by_reason(refusals: Sequence[FeedRefused]) -> list[FeedRefused]:
    return list({refusal.reason: refusal for refusal in reversed(refusals)}.values())


def _malformed(what: str, error: Exception) -> MessageMalformed:
    return MessageMalformed(f"A {what} does not have its form: {error!r}"[:512])


FORMAT: Final = FeedFormat(
    name="an exchange stream (JSON lines)",
    begins_with=b"{",
    is_by_line=True,
    new_adapter=BetfairAdapter,
    time_ms_of=time_stamp(rb'"pt"\s*:\s*([0-9]{1,15})'),
)
