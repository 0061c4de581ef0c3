"""Results that cannot become money yet: parked in the ledger, and applied when a person, or their turn, says so."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from bets.ports import DueResult, ParkedCounts, ParkedResults, ResultContradicts, ResultMessage, ResultReferred
from kernel.errors import Unavailable
from markets.results import ResultMalformed
from streams.retry import retry_while
from streams.settlement_pages import Pages
from wire.results import read_results

FAILED: Final = "RESULT_FAILED"

LOOK_INTERVAL_S: Final = 0.5
DUE_AT_ONCE_MAX: Final = 100

PARKED = Counter("overround_settlement_results_parked", "Results that were parked.", ["reason"])
HELD = Gauge("overround_settlement_results_held", "Results that wait for a person.")
FIXTURES_HELD = Gauge("overround_settlement_fixtures_held", "Fixtures whose results wait behind one that is held.")
UNSETTLED = Gauge("overround_settlement_bets_unsettled", "Bets that a result could not be applied to.")

log = structlog.get_logger(__name__)


class Parking:
    """Parks results, and applies those whose turn has come."""

    def __init__(self, store: ParkedResults, pages: Pages) -> None:
        self._store = store
        self._pages = pages
        self._counts = ParkedCounts(0, 0, 0)

    @property
    def complaint(self) -> str | None:
        """What is kept from being settled until a person decides, in a few words; None for nothing.

        A case that holds back nothing but itself, a contradiction or a referral, is counted and listed alone: feeds
        bring such as long as they run.
        """
        counts = self._counts
        if not counts.fixtures_held and not counts.bets_unsettled:
            return None
        return (
            f"{counts.results_held} results and {counts.bets_unsettled} bets wait for a person, "
            f"{counts.fixtures_held} fixtures with them: see `overround results list`"
        )

    async def hold(self, message: ResultMessage, *, reason: str, detail: str, holds_queue: bool) -> None:
        """Let a result wait for a person; waits until it is stored."""
        log.error("settlement.result_held", result_key=message.key, reason=reason, detail=detail, queue=holds_queue)
        await self._park(message, reason=reason, detail=detail, holds_queue=holds_queue, is_held=True)

    async def queue(self, message: ResultMessage, *, reason: str, detail: str) -> None:
        """Let a result wait for its turn behind those of its fixture that are parked."""
        log.warning("settlement.result_queued", result_key=message.key)
        await self._park(message, reason=reason, detail=detail, holds_queue=True, is_held=False)

    async def run(self) -> None:
        """Look now and then for what is due and apply it; never returns."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            try:
                await self._look()
            except Unavailable as error:
                log.warning("agent.waits", step="look for parked results", error=str(error))
            except Exception:
                log.exception("settlement.looking_failed")

    async def _look(self) -> None:
        self._counts = await self._store.count()
        HELD.set(self._counts.results_held)
        FIXTURES_HELD.set(self._counts.fixtures_held)
        UNSETTLED.set(self._counts.bets_unsettled)
        for due in await self._store.list_due(DUE_AT_ONCE_MAX):
            try:
                await self._apply(due)
            except Unavailable as error:  # it may be this one alone whose market or bettors others hold
                log.warning("agent.waits", step="apply a parked result", error=str(error))

    async def _apply(self, due: DueResult) -> None:
        try:
            for keyed in read_results(due.message):
                while not await self._pages.apply(keyed, has_left_queue=True, is_decided=due.is_decided):
                    pass
        except Unavailable:
            raise
        except (ResultContradicts, ResultReferred) as refusal:
            await self._hold_again(due, reason=refusal.reason, detail=refusal.message, holds_queue=False)
        except ResultMalformed as refusal:
            await self._hold_again(due, reason=refusal.reason, detail=refusal.message, holds_queue=True)
        except Exception as error:
            log.exception("settlement.parked_result_failed", result_key=due.message.key)
            await self._hold_again(due, reason=FAILED, detail=repr(error), holds_queue=True)
        else:
            await self._store.finish(due.parked_id)
            log.info("settlement.parked_result_applied", result_key=due.message.key)

    async def _hold_again(self, due: DueResult, *, reason: str, detail: str, holds_queue: bool) -> None:
        log.error("settlement.result_held", result_key=due.message.key, reason=reason, detail=detail, queue=holds_queue)
        await self._store.hold(due.parked_id, reason=reason, detail=detail, holds_queue=holds_queue)

    async def _park(
        self, message: ResultMessage, *, reason: str, detail: str, holds_queue: bool, is_held: bool
    ) -> None:
        await retry_while(
            Unavailable,
            lambda: self._store.park(message, reason=reason, detail=detail, holds_queue=holds_queue, is_held=is_held),
            step="park a result",
        )
        PARKED.labels(reason).inc()
