"""Unified Odds Feed: its XML messages, read.

Every product of the feed is a provider of its own ("uof:1" live, "uof:3" pre-match). A message becomes one update, with
a sequence from its time stamp (see SequenceClock), or a sign of life.

Order: odds and bet-stops of a fixture that are older than what was taken are refused, since newer prices stand. Results
travel in a slower queue of the feed than odds, so they are compared per market with results of their kind alone:
settlements with settlements, cancellations with cancellations of the same time window, each with what takes them back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from lxml import etree

from gateway.feeds.format import FeedFormat, time_stamp
from gateway.feeds.ordering import NewestTimes, SequenceClock, expect_stamped
from gateway.feeds.reading import Reading
from gateway.feeds.refusals import (
    FeedRefused,
    MessageDuplicated,
    MessageMalformed,
    MessageOutOfOrder,
    MessageUnknown,
)
from gateway.feeds.uof_fixtures import DescriptionMemory, description_from
from gateway.feeds.uof_markets import ResultsReading, named_markets, quotes_from, results_from
from gateway.feeds.uof_state import state_from
from gateway.feeds.uof_values import attribute, epoch_ms_of, integer_of, local_name, parse_document, time_ms_of
from gateway.feeds.validation import MARKETS_MAX
from kernel.clock import SYSTEM_CLOCK, Clock
from markets.catalogue import SPORTS
from overround.feed.v1.feed_pb2 import BetStop, FeedUpdate, MarketResult, ProviderHeartbeat, ResultKind
from overround.odds.v1.fixture_pb2 import FixtureDescription, FixtureStatus, MatchState

UNATTRIBUTED: Final = "uof:0"
PRODUCT_MAX: Final = 999
_EVENT_ID = re.compile(r"[a-z]{1,16}:[a-z_]{1,32}:[0-9]{1,18}", re.ASCII)
_FIXTURE_CANCELLED = "3"

_RESULT_KINDS: Final = {
    "bet_settlement": ResultKind.RESULT_KIND_SETTLEMENT,
    "rollback_bet_settlement": ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK,
    "bet_cancel": ResultKind.RESULT_KIND_CANCEL,
    "rollback_bet_cancel": ResultKind.RESULT_KIND_CANCEL_ROLLBACK,
}
_SETTLING: Final = frozenset({ResultKind.RESULT_KIND_SETTLEMENT, ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK})


@dataclass(frozen=True, slots=True)
class _Message:
    """A message with what all kinds have in common."""

    root: etree._Element
    kind: str
    provider_id: str
    time_ms: int
    digest: int


class UofAdapter:
    """Reads messages of the Unified Odds Feed, of all its products, in the order in which they came."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._now_us = clock.now_us
        self._clock_by_provider: dict[str, SequenceClock] = {}
        self._time_ms_by_provider: dict[str, int] = {}
        self._newest = NewestTimes()
        self._descriptions = DescriptionMemory()
        self._recovering: set[str] = set()
        self._readers: dict[str, Callable[[_Message], Reading]] = {
            "odds_change": self._read_odds_change,
            "bet_stop": self._read_bet_stop,
            "fixture_change": self._read_fixture_change,
            "fixtures_fixture": self._read_fixture_document,
            "alive": self._read_alive,
            "snapshot_complete": self._read_snapshot_complete,
            "product_down": self._read_product_down,
            **dict.fromkeys(_RESULT_KINDS, self._read_results),
        }

    def read(self, raw: bytes) -> Reading:
        """Return what a message says; what it holds wrongly is in the refusals."""
        provider_id = UNATTRIBUTED
        try:
            root = parse_document(raw)
            provider_id = _provider_of(root)
            reader = self._readers.get(local_name(root))
            if reader is None:
                raise MessageUnknown(f"Messages of kind {local_name(root)[:64]!r} are not taken")
            time_ms, refusals = self._time_of(root, provider_id)
            reading = reader(_Message(root, local_name(root), provider_id, time_ms, hash(raw)))
            return replace(reading, refusals=(*refusals, *reading.refusals)) if refusals else reading
        except FeedRefused as refusal:
            return Reading(provider_id, refusals=(refusal,))

    def _time_of(self, root: etree._Element, provider_id: str) -> tuple[int, tuple[FeedRefused, ...]]:
        """Return when a message was made: one that says what cannot be, as made with the one before."""
        told_ms = _time_of(root)
        refusals: tuple[FeedRefused, ...] = ()
        try:
            self._time_ms_by_provider[provider_id] = expect_stamped(told_ms, now_us=self._now_us())
        except MessageMalformed as refusal:
            refusals = (refusal,)
        return self._time_ms_by_provider.get(provider_id, 0), refusals

    def _read_odds_change(self, message: _Message) -> Reading:
        update = self._ordered_update(message)
        status = message.root.find("{*}sport_event_status")
        unknown = _unknown_children(message.root, {"sport_event_status", "odds", "odds_generation_properties"})
        refusals: list[FeedRefused] = []
        is_uncertain = False
        if status is not None:
            sport = SPORTS.get(self._descriptions.sport_of(update.fixture_id))
            state = state_from(status, None if sport is None else sport.goal_game)
            update.state.CopyFrom(state.state)
            refusals += state.refusals
            update.is_state_refused = is_uncertain = state.is_uncertain
        prices = quotes_from(message.root, is_suspended=is_uncertain)
        if prices.quotes is not None:
            update.quotes.CopyFrom(prices.quotes)
        return Reading(
            message.provider_id,
            updates=self._behind_a_stop(update, message) if prices.has_nameless else (update,),
            refusals=refusals + prices.refusals,
            unknown_part_count=unknown + prices.unknown_part_count,
        )

    def _behind_a_stop(self, update: FeedUpdate, message: _Message) -> tuple[FeedUpdate, ...]:
        """Return an update behind a stop of all markets: what it quotes is quoted anew, any other may be meant."""
        stop = FeedUpdate(
            provider_id=update.provider_id,
            fixture_id=update.fixture_id,
            sequence=update.sequence,
            provider_time_ms=update.provider_time_ms,
            bet_stop=BetStop(),
        )
        update.sequence, _ = self._clock_by_provider[update.provider_id].assign(message.time_ms, message.digest + 1)
        return (stop, update)

    def _read_bet_stop(self, message: _Message) -> Reading:
        # Groups are sets of markets that only the provider's market descriptions list; to stop more is safe.
        update = self._ordered_update(message)
        update.bet_stop.CopyFrom(BetStop())
        return Reading(message.provider_id, updates=(update,))

    def _read_results(self, message: _Message) -> Reading:
        """Read results; a market whose result cannot be read takes no bets until it is quoted again."""
        update = self._update(message, _fixture_id_of(message.root))
        try:
            reading = results_from(message.root, kind=_RESULT_KINDS[message.kind])
        except FeedRefused as refusal:
            market_ids = list(islice(dict.fromkeys(named_markets(message.root)), MARKETS_MAX))
            reading = ResultsReading([], [refusal], market_ids, not market_ids)
        refusals = list(reading.refusals)
        for result in reading.results:
            if self._is_late(update, result):
                refusals.append(_late(result.market_id, message.time_ms))
            else:
                update.results.append(result)
        if reading.has_nameless:
            update.bet_stop.CopyFrom(BetStop())
        elif reading.refused_market_ids:
            update.bet_stop.CopyFrom(BetStop(market_ids=reading.refused_market_ids))
        return Reading(
            message.provider_id,
            updates=(update,) if update.results or update.HasField("bet_stop") else (),
            refusals=refusals,
            unknown_part_count=reading.unknown_part_count,
        )

    def _is_late(self, update: FeedUpdate, result: MarketResult) -> bool:
        """Return whether newer news of the same kind were taken: of settlements, or of cancellations of a window."""
        stream: tuple[object, ...] = (update.provider_id, update.fixture_id, result.market_id)
        if result.kind in _SETTLING:
            return self._newest.is_late((*stream, "settled"), update.provider_time_ms)
        window = (result.window_start_ms, result.window_end_ms)
        if self._newest.of((*stream, "cancelled", 0, 0)) > update.provider_time_ms:
            return True
        return self._newest.is_late((*stream, "cancelled", *window), update.provider_time_ms)

    def _read_fixture_change(self, message: _Message) -> Reading:
        fixture_id = _fixture_id_of(message.root)
        update = self._ordered_update(message, lane="fixture")
        refusals: list[FeedRefused] = []
        try:
            description = FixtureDescription(start_time_ms=epoch_ms_of(message.root, "start_time"))
            update.description.CopyFrom(self._descriptions.merge(fixture_id, description))
        except FeedRefused as refusal:
            refusals.append(refusal)
        if attribute(message.root, "change_type") == _FIXTURE_CANCELLED:
            status = FixtureStatus.FIXTURE_STATUS_CANCELLED
            update.state.CopyFrom(MatchState(status=status, is_score_unknown=True))
        elif refusals:
            update.bet_stop.CopyFrom(BetStop())  # it may have begun
        return Reading(message.provider_id, updates=(update,), refusals=refusals)

    def _read_fixture_document(self, message: _Message) -> Reading:
        fixture = message.root.find("{*}fixture")
        if fixture is None:
            raise MessageMalformed("A fixtures_fixture must hold a fixture")
        fixture_id = _fixture_id_from(attribute(fixture, "id"))
        update = self._update(message, fixture_id)
        update.description.CopyFrom(self._descriptions.merge(fixture_id, description_from(fixture)))
        return Reading(message.provider_id, updates=(update,))

    def _read_alive(self, message: _Message) -> Reading:
        is_subscribed = integer_of(message.root, "subscribed", 1) == 1
        if not is_subscribed:
            self._recovering.add(message.provider_id)
        return self._sign(message, is_up=message.provider_id not in self._recovering)

    def _read_snapshot_complete(self, message: _Message) -> Reading:
        self._recovering.discard(message.provider_id)
        return self._sign(message, is_up=True)

    def _read_product_down(self, message: _Message) -> Reading:
        self._recovering.add(message.provider_id)
        return self._sign(message, is_up=False)

    def _sign(self, message: _Message, *, is_up: bool) -> Reading:
        if message.provider_id == UNATTRIBUTED:
            raise MessageMalformed(f"{message.kind} must name a product")
        heartbeat = ProviderHeartbeat(provider_id=message.provider_id, provider_time_ms=message.time_ms, is_up=is_up)
        return Reading(message.provider_id, heartbeats=(heartbeat,))

    def _ordered_update(self, message: _Message, lane: str = "odds") -> FeedUpdate:
        fixture_id = _fixture_id_of(message.root)
        update = self._update(message, fixture_id)
        if self._newest.is_late((message.provider_id, fixture_id, f"\n{lane}"), message.time_ms):
            raise _late(fixture_id, message.time_ms)
        return update

    def _update(self, message: _Message, fixture_id: str) -> FeedUpdate:
        return FeedUpdate(
            provider_id=message.provider_id,
            fixture_id=fixture_id,
            sequence=self._sequence_of(message),
            provider_time_ms=message.time_ms,
        )

    def _sequence_of(self, message: _Message) -> int:
        clock = self._clock_by_provider.setdefault(message.provider_id, SequenceClock())
        sequence, is_repeated = clock.assign(message.time_ms, message.digest)
        if is_repeated:
            raise MessageDuplicated(f"Sequence {sequence} of {message.provider_id} was taken already")
        return sequence


def _provider_of(root: etree._Element) -> str:
    product = integer_of(root, "product", 0)
    if not 0 <= product <= PRODUCT_MAX:
        raise MessageMalformed(f"Product must be from 1 to {PRODUCT_MAX}, was {product}")
    return f"uof:{product}"


def _time_of(root: etree._Element) -> int:
    if local_name(root) == "fixtures_fixture":
        return time_ms_of(root, "generated_at")
    return integer_of(root, "timestamp")


def _fixture_id_of(root: etree._Element) -> str:
    return _fixture_id_from(attribute(root, "event_id"))


def _fixture_id_from(text: str) -> str:
    if not _EVENT_ID.fullmatch(text):
        raise MessageMalformed(f"Event id must read like sr:match:1, was {text[:64]!r}")
    return text


def _unknown_children(root: etree._Element, known: Iterable[str]) -> int:
    return sum(local_name(child) not in known for child in root)


def _late(what: str, time_ms: int) -> MessageOutOfOrder:
    return MessageOutOfOrder(f"Newer news of {what[:128]} than of {time_ms} ms were taken")


FORMAT: Final = FeedFormat(
    name="messages of an odds feed (XML)",
    begins_with=b"<",
    is_by_line=False,
    new_adapter=UofAdapter,
    time_ms_of=time_stamp(rb'\btimestamp="([0-9]{1,15})"'),
)
