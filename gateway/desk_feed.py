"""What the desk is shown beside books: liability, providers, bets as they come. Kept from the logs, newest by key."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TypeVar

import structlog
from google.protobuf.message import DecodeError, Message

from gateway.books import TooManyWatchers
from gateway.ports import PlayerNames
from gateway.rpc.bounds import count_that_fit
from kernel.log import Record
from overround.bets.v1 import bet_pb2
from overround.feed.v1 import feed_pb2
from overround.risk.v1 import risk_pb2
from overround.trading.v1 import trading_service_pb2
from wire.frames import frame_bytes
from wire.topics import FEED_PROVIDERS, LIABILITIES
from wire.trading import encode_desk_bet

log = structlog.get_logger(__name__)


LIABILITIES_MAX: Final = 20_000
PROVIDERS_MAX: Final = 1_000
RECENT_BETS_MAX: Final = 200
CHANGES_PER_MESSAGE_MAX: Final = 1_000

_Response = trading_service_pb2.WatchDeskResponse
Version = tuple[int, ...]


class NewestByKey:
    """The newest value of each key, as a field of a response; of too many keys the longest unchanged are dropped."""

    def __init__(self, *, field_number: int, keys_max: int) -> None:
        self._field_number = field_number
        self._keys_max = keys_max
        self._held: dict[str, tuple[Version, bytes]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def put(self, key: str, version: Version, value: bytes) -> bool:
        """Keep a value unless one as new is held; return whether it was kept."""
        held = self._held.get(key)
        if held is not None and held[0] >= version:
            return False
        self._held.pop(key, None)
        self._held[key] = (version, frame_bytes(self._field_number, value))
        if len(self._held) > self._keys_max:
            del self._held[next(iter(self._held))]
        return True

    def drop(self, key: str) -> None:
        """Forget a key."""
        self._held.pop(key, None)

    def frame(self, key: str) -> bytes:
        """Return the field of a key, empty if it is not held."""
        held = self._held.get(key)
        return b"" if held is None else held[1]


class DeskWatch:
    """What one desk has not been shown yet, by key: what changes twice before it is drawn is shown once."""

    def __init__(self, sources: Iterable[NewestByKey]) -> None:
        """Begin with everything that is held."""
        self._pending = {source: dict.fromkeys(source) for source in sources}

    @property
    def has_news(self) -> bool:
        """Return whether something waits to be taken."""
        return any(self._pending.values())

    def note(self, source: NewestByKey, key: str) -> None:
        """Remember that a value changed; the latest comes last."""
        pending = self._pending[source]
        pending.pop(key, None)
        pending[key] = None

    def take(self, *, beside_bytes: int = 0) -> list[bytes]:
        """Take fields to show in a message that has so much already: what fits, CHANGES_PER_MESSAGE_MAX of a kind."""
        waiting = [
            (pending, key, source.frame(key))
            for source, pending in self._pending.items()
            for key in islice(pending, CHANGES_PER_MESSAGE_MAX)
        ]
        taken = waiting[: count_that_fit((len(frame) for _, _, frame in waiting), beside_bytes=beside_bytes)]
        for pending, key, _ in taken:
            del pending[key]
        return [frame for _, _, frame in taken]


class DeskFeed:
    """Holds what the desk is shown, and tells every desk that watches what changed."""

    def __init__(self, *, names: PlayerNames, watchers_max: int) -> None:
        self._names = names
        self._watchers_max = watchers_max
        self._liabilities = NewestByKey(field_number=_Response.LIABILITIES_FIELD_NUMBER, keys_max=LIABILITIES_MAX)
        self._providers = NewestByKey(field_number=_Response.PROVIDERS_FIELD_NUMBER, keys_max=PROVIDERS_MAX)
        self._worst_losses = NewestByKey(field_number=_Response.WORST_LOSSES_FIELD_NUMBER, keys_max=LIABILITIES_MAX)
        self._worst_loss_count = 0
        self._liability_news: dict[str, risk_pb2.FixtureLiability | None] = {}
        self._bets = NewestByKey(field_number=_Response.BETS_FIELD_NUMBER, keys_max=RECENT_BETS_MAX)
        self._unnamed: deque[Record] = deque(maxlen=RECENT_BETS_MAX)
        self._has_unnamed = asyncio.Event()
        self._watches: set[DeskWatch] = set()

    def watch(self) -> DeskWatch:
        """Begin to watch; the first to be taken is all there is.

        Raises:
            TooManyWatchers: If so many desks watch already.
        """
        if len(self._watches) >= self._watchers_max:
            raise TooManyWatchers(self._watchers_max, "desks")
        watch = DeskWatch((self._liabilities, self._worst_losses, self._providers, self._bets))
        self._watches.add(watch)
        return watch

    def unwatch(self, watch: DeskWatch) -> None:
        """Stop to watch."""
        self._watches.discard(watch)

    @property
    def is_watched(self) -> bool:
        """Return whether a desk is there to be told anything."""
        return bool(self._watches)

    def apply_liabilities(self, records: Iterable[Record]) -> None:
        """Take in liabilities of fixtures; records of other topics are passed over."""
        for record in records:
            if record.topic != LIABILITIES.name:
                continue
            if record.value is None:
                self._liabilities.drop(record.key)
                self._worst_losses.drop(record.key)
                self._note_liability(record.key, None)
                continue
            liability = _parse(risk_pb2.FixtureLiability, record)
            if liability is None:
                continue
            if self._put(self._liabilities, liability.fixture_id, (liability.version,), record.value):
                self._note_liability(liability.fixture_id, liability)

    def take_liability_news(self) -> Mapping[str, risk_pb2.FixtureLiability | None]:
        """Return the liabilities that came since this was last asked, by fixture; None where one is told no more."""
        news, self._liability_news = self._liability_news, {}
        return news

    def put_worst_loss(self, loss: risk_pb2.FixtureWorstLoss) -> None:
        """Take in what a fixture could still cost, newer than what was said of it before."""
        self._worst_loss_count += 1
        self._put(self._worst_losses, loss.fixture_id, (self._worst_loss_count,), loss.SerializeToString())

    def drop_worst_loss(self, fixture_id: str) -> None:
        """Tell no longer what was said of a fixture: it is not true any more, and nobody works it out anew now."""
        self._worst_losses.drop(fixture_id)

    def apply_providers(self, records: Iterable[Record]) -> None:
        """Take in providers' signs of life; records of other topics are passed over."""
        for record in records:
            if record.topic != FEED_PROVIDERS.name:
                continue
            sign = _parse(feed_pb2.ProviderHeartbeat, record)
            if sign is not None:
                self._put(self._providers, sign.provider_id, (sign.epoch, record.offset), record.value or b"")

    def apply_bets(self, records: Iterable[Record]) -> None:
        """Take in bets that were accepted or settled, to be shown by `show_bets`; of many only the last are kept."""
        self._unnamed.extend(sorted(records, key=lambda record: record.timestamp_ms))
        self._has_unnamed.set()

    async def show_bets(self) -> None:
        """Look up who placed the bets taken in and show them, for ever; nothing else waits for that."""
        while True:
            await self._has_unnamed.wait()
            self._has_unnamed.clear()
            records = list(self._unnamed)
            self._unnamed.clear()
            changes = [change for record in records if (change := _parse(bet_pb2.BetChanged, record)) is not None]
            names = await self._names.find_names({change.bet.player_id for change in changes})
            for change in changes:
                bet = encode_desk_bet(change.bet, names.get(change.bet.player_id, ""))
                position = (change.position.transaction_id, change.position.row_id)
                self._put(self._bets, change.bet.bet_id, position, bet)

    def _note_liability(self, fixture_id: str, liability: risk_pb2.FixtureLiability | None) -> None:
        self._liability_news[fixture_id] = liability
        if len(self._liability_news) > LIABILITIES_MAX:
            del self._liability_news[next(iter(self._liability_news))]

    def _put(self, source: NewestByKey, key: str, version: Version, value: bytes) -> bool:
        is_kept = source.put(key, version, value)
        if is_kept:
            for watch in self._watches:
                watch.note(source, key)
        return is_kept


_M = TypeVar("_M", bound=Message)


def _parse(message_type: type[_M], record: Record) -> _M | None:
    """Return the message, None for a deleted key or bytes that are none: the desk goes on without it."""
    if record.value is None:
        return None
    try:
        return message_type.FromString(record.value)
    except DecodeError as error:
        log.error("desk.record_unreadable", topic=record.topic, key=record.key, error=str(error))
        return None
