"""Turn results into settled bets, page by page, through the ledger.

Reads:  results.v1, keyed by fixture_id.
Writes: the ledger.
State:  none; the ledger knows how far each result is applied, and which are parked.
Replay: safe. A result key that was applied whole, or is parked, changes nothing more.

The results of one fixture are applied one after another, as they came. Fixtures take turns, a page each, so that one
with very many bets does not keep the others waiting.

A result is money and is never thrown away. One that cannot be applied is parked, and later ones of its fixture behind
it, until a person lets it be applied again or drops it. One that contradicts another provider, or that its sender wants
looked at, is parked by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

import faust
import structlog
from faust.types import EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge

from bets.ports import KeyedResult, ResultContradicts, ResultMessage, ResultReferred, ResultWaits
from kernel.errors import Unavailable
from markets.results import ResultKind, ResultMalformed
from overround.feed.v1 import feed_pb2
from streams.agent import Agent, Places
from streams.inbox import Inbox
from streams.parked_results import FAILED, Parking
from streams.settlement_pages import Pages
from wire.results import build_result_messages, read_results
from wire.topics import RESULTS

WAITING_EVENTS_MAX: Final = 5_000
ATTEMPTS_MAX: Final = 5
PAUSE_AFTER_FAILURE_S: Final = 0.2

RESULTS_APPLIED = Counter("overround_settlement_results", "Results applied whole.", ["kind"])
PAGES_FAILED = Counter("overround_settlement_pages_failed", "Pages that failed and were not for want of the ledger.")
FIXTURES_WAITING = Gauge("overround_settlement_fixtures_waiting", "Fixtures with results that are not applied whole.")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Work:
    event: EventT[bytes]
    fixture_id: str
    messages: deque[ResultMessage]
    attempts: int = 0


class SettlementAgent:
    """Queues results by fixture; a few workers take a page of one fixture after another."""

    def __init__(self, *, pages: Pages, parking: Parking, workers: int) -> None:
        """Prepare the agent.

        Args:
            pages: Where results become money.
            parking: Where those wait that cannot.
            workers: Pages under way at once, each of another fixture.
        """
        self._pages = pages
        self._parking = parking
        self._inbox = Inbox(events_max=WAITING_EVENTS_MAX)
        self._work_by_fixture: dict[str, deque[_Work]] = {}
        self._turns: asyncio.Queue[str] = asyncio.Queue()  # Holds each waiting fixture once: bounded by the inbox.
        self._agent = Agent(
            "settlement",
            [RESULTS.name],
            inbox=self._inbox,
            works=(*[self._take_turns] * workers, self._parking.run),
            sort_in=self._sort_in,
            on_revoked=self._leave,
        )

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return self._agent.is_assigned

    def attach(self, app: faust.App) -> None:
        """Make this the agent of the app."""
        self._agent.attach(app)

    async def _sort_in(self, event: EventT[bytes]) -> None:
        work = _read(event)
        if work.messages:
            self._queue(work)
        else:
            self._inbox.finish([event])

    async def _leave(self, places: Places) -> None:
        for works in self._work_by_fixture.values():
            for work in works:
                if work.event.message.tp in places:
                    work.messages.clear()

    def _queue(self, work: _Work) -> None:
        works = self._work_by_fixture.get(work.fixture_id)
        if works is not None:
            works.append(work)
            return
        self._work_by_fixture[work.fixture_id] = deque([work])
        FIXTURES_WAITING.set(len(self._work_by_fixture))
        self._turns.put_nowait(work.fixture_id)

    async def _take_turns(self) -> None:
        while True:
            fixture_id = await self._turns.get()
            works = self._work_by_fixture[fixture_id]
            await self._take_turn(works[0])
            if not works[0].messages:
                self._inbox.finish([works.popleft().event])
            if works:
                self._turns.put_nowait(fixture_id)
            else:
                del self._work_by_fixture[fixture_id]
                FIXTURES_WAITING.set(len(self._work_by_fixture))

    async def _take_turn(self, work: _Work) -> None:
        if not work.messages:
            return
        message = work.messages[0]
        try:
            is_done = await self._settle_or_park(message)
        except Unavailable as error:
            # It may be this fixture alone whose market or bettors others hold: the next one gets the turn.
            log.warning("agent.waits", step="settle a page", result_key=message.key, error=str(error))
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
            return
        except Exception as error:
            PAGES_FAILED.inc()
            log.exception("settlement.page_failed", result_key=message.key, attempt=work.attempts + 1)
            work.attempts += 1
            if work.attempts < ATTEMPTS_MAX:
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
                return
            await self._parking.hold(message, reason=FAILED, detail=repr(error), holds_queue=True)
            is_done = True
        work.attempts = 0
        # A revocation may have emptied the queue meanwhile.
        if is_done and work.messages:
            work.messages.popleft()

    async def _settle_or_park(self, message: ResultMessage) -> bool:
        referral = ""
        try:
            (keyed,) = read_results(message)
            referral = keyed.result.referral_reason
            return await self._settle_page(keyed)
        except ResultMalformed as refusal:
            await self._parking.hold(message, reason=refusal.reason, detail=refusal.message, holds_queue=True)
        except (ResultContradicts, ResultReferred) as refusal:
            detail = referral or refusal.message
            await self._parking.hold(message, reason=refusal.reason, detail=detail, holds_queue=False)
        except ResultWaits as refusal:
            if referral:
                await self._parking.hold(message, reason=ResultReferred.reason, detail=referral, holds_queue=False)
            else:
                await self._parking.queue(message, reason=refusal.reason, detail=refusal.message)
        return True

    async def _settle_page(self, keyed: KeyedResult) -> bool:
        is_complete = await self._pages.apply(keyed, has_left_queue=False, is_decided=False)
        if is_complete:
            RESULTS_APPLIED.labels(ResultKind(keyed.result.kind).name).inc()
            log.info("settlement.result_applied", result_key=keyed.key)
        return is_complete


def _read(event: EventT[bytes]) -> _Work:
    encoded = event.message.value or b""
    try:
        message = feed_pb2.FixtureResults.FromString(encoded)
    except DecodeError:
        fixture_id = _key_of(event)
        place = f"{event.message.topic}-{event.message.partition}-{event.message.offset}"
        whole = ResultMessage(place, "", fixture_id, "", 0, encoded, is_whole=True)
        return _Work(event, fixture_id, deque([whole]))
    return _Work(event, message.fixture_id, deque(build_result_messages(message)))


def _key_of(event: EventT[bytes]) -> str:
    key = event.message.key
    return key.decode(errors="replace") if isinstance(key, bytes) else ""
