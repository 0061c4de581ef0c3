"""Turn results into settled bets, page by page, through the ledger.

Reads:  results.v1, keyed by fixture_id.
Writes: the ledger.
State:  none; the ledger knows how far each result is applied.
Replay: safe. A result key that was applied whole changes nothing more.

The results of one fixture are applied one after another, as they came. Fixtures take turns, a page each, so that one
with very many bets does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import faust
import structlog
from faust.types import TP, EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge

from bets.ports import SettlementLedger
from bets.settlement import MarketResult, ResultMalformed
from kernel.clock import Clock
from kernel.commands import LedgerUnavailable
from overround.feed.v1 import feed_pb2
from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.inbox import Inbox
from streams.ports import Outlet
from streams.retry import retry_while
from wire.results import parse_market_result, result_keys

SOURCE_TOPIC: Final = "results.v1"
DEAD_LETTER_TOPIC: Final = "settlement.dead-letter"
WAITING_EVENTS_MAX: Final = 5_000
ATTEMPTS_MAX: Final = 5
PAUSE_AFTER_FAILURE_S: Final = 0.2

RESULTS_APPLIED = Counter("overround_settlement_results", "Results applied whole.", ["kind"])
BETS_CHANGED = Counter("overround_settlement_bets", "Bets settled, voided or rolled back.")
PAGES_FAILED = Counter("overround_settlement_pages_failed", "Pages that failed and were not for want of the ledger.")
FIXTURES_WAITING = Gauge("overround_settlement_fixtures_waiting", "Fixtures with results that are not applied whole.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _KeyedResult:
    key: str
    result: MarketResult


@dataclass(slots=True)
class _Work:
    event: EventT[bytes]
    fixture_id: str
    results: deque[_KeyedResult]
    attempts: int = 0


class SettlementAgent:
    """Queues results by fixture; a few workers take a page of one fixture after another."""

    def __init__(self, *, ledger: SettlementLedger, outlet: Outlet, clock: Clock, page_size: int, workers: int) -> None:
        """Prepare the agent.

        Args:
            ledger: Where results become money.
            outlet: The way to the dead letters.
            clock: Stamps dead letters.
            page_size: Bets at most in one transaction.
            workers: Pages under way at once, each of another fixture.
        """
        self._ledger = ledger
        self._dead_letters = DeadLetters(outlet, DEAD_LETTER_TOPIC, clock)
        self._inbox = Inbox(events_max=WAITING_EVENTS_MAX)
        self._page_size = page_size
        self._workers = workers
        self._work_by_fixture: dict[str, deque[_Work]] = {}
        self._turns: asyncio.Queue[str] = asyncio.Queue()  # Holds each waiting fixture once: bounded by the inbox.
        self._is_consuming = False

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return self._is_consuming

    def attach(self, app: faust.App) -> None:
        """Make this the agent of the app."""
        app.agent(app.topic(SOURCE_TOPIC), name="settlement")(self._take_in)
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        for _ in range(self._workers):
            app.task(self._take_turns)

    async def _take_in(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._inbox.admit(event)
            work = await self._read(event)
            if work.results:
                self._queue(work)
            else:
                self._inbox.finish([event])

    async def _on_assigned(self, _app: Any, /, *_arguments: Any, **_: Any) -> None:
        self._is_consuming = True

    async def _on_revoked(self, _app: Any, /, *arguments: Any, **_: Any) -> None:
        revoked: set[TP] = arguments[0]
        self._inbox.drop(revoked)
        for works in self._work_by_fixture.values():
            for work in works:
                if work.event.message.tp in revoked:
                    work.results.clear()

    async def _read(self, event: EventT[bytes]) -> _Work:
        results: deque[_KeyedResult] = deque()
        try:
            message = feed_pb2.FixtureResults.FromString(event.message.value or b"")
        except DecodeError as error:
            await self._dead_letters.bury(event, reason=MALFORMED, message=str(error))
            return _Work(event, "", results)
        for key, result in zip(result_keys(message), message.results, strict=True):
            try:
                results.append(_KeyedResult(key, parse_market_result(result)))
            except ResultMalformed as refusal:
                await self._dead_letters.bury(event, reason=MALFORMED, message=f"{key}: {refusal.message}")
        return _Work(event, message.fixture_id, results)

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
            if not works[0].results:
                self._inbox.finish([works.popleft().event])
            if works:
                self._turns.put_nowait(fixture_id)
            else:
                del self._work_by_fixture[fixture_id]
                FIXTURES_WAITING.set(len(self._work_by_fixture))

    async def _take_turn(self, work: _Work) -> None:
        if not work.results:
            return
        head = work.results[0]
        try:
            is_complete = await self._settle_page(work.fixture_id, head)
        except Exception as error:
            PAGES_FAILED.inc()
            log.exception("settlement.page_failed", result_key=head.key, attempt=work.attempts + 1)
            await self._give_up_after_some(work, head, error)
            return
        work.attempts = 0
        # A revocation may have emptied the queue meanwhile.
        if is_complete and work.results:
            work.results.popleft()
            RESULTS_APPLIED.labels(head.result.kind.name).inc()
            log.info("settlement.result_applied", result_key=head.key)

    async def _settle_page(self, fixture_id: str, head: _KeyedResult) -> bool:
        page = await retry_while(
            LedgerUnavailable,
            lambda: self._ledger.settle_page(fixture_id, head.result, result_key=head.key, page_size=self._page_size),
            step="settle a page",
        )
        BETS_CHANGED.inc(page.applied)
        return page.is_complete

    async def _give_up_after_some(self, work: _Work, head: _KeyedResult, error: Exception) -> None:
        work.attempts += 1
        if work.attempts < ATTEMPTS_MAX:
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
            return
        await self._dead_letters.bury(work.event, reason=AGENT_ERROR, message=f"{head.key}: {error!r}")
        work.attempts = 0
        if work.results:
            work.results.popleft()
