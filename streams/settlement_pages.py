"""Pages of bets, as many at once as keep the bets of others waiting for milliseconds."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import Counter, Gauge

from bets.ports import KeyedResult, SettlementLedger, SettlementPage
from kernel.clock import Clock
from kernel.commands import LedgerUnavailable
from streams.retry import retry_while

PAGE_S: Final = 0.02
"""How long a page is to take: so long it locks its market and the accounts of its bettors."""

REST_PER_PAGE: Final = 1.0
"""Rest after a page, by the time it took: whoever was locked out comes first then."""

REST_S_MAX: Final = 1.0
PAGE_BETS_MIN: Final = 50
"""A page costs so much whatever is in it that smaller ones lock more in all."""

BETS_CHANGED = Counter("overround_settlement_bets", "Bets settled, voided or rolled back.")
PAGE_BETS = Gauge("overround_settlement_page_bets", "Bets that the next page may take.")


class Pages:
    """Applies results page by page; a page grows and shrinks with how long the last one took."""

    def __init__(self, ledger: SettlementLedger, clock: Clock, *, page_size_max: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._page_size_max = page_size_max
        self._page_size = min(PAGE_BETS_MIN, page_size_max)

    async def apply(self, keyed: KeyedResult, *, has_left_queue: bool, is_decided: bool) -> bool:
        """Apply a result to its next page of bets; return whether it is applied to all.

        While the ledger is away this waits.

        Raises:
            ResultContradicts: If another provider's word stands and is another.
            ResultReferred: If a person has to look first.
            ResultWaits: If a result of its fixture came before and is not applied yet.
        """

        async def settle() -> tuple[SettlementPage, float]:
            begun_s = self._clock.monotonic_s()
            try:
                page = await self._ledger.settle_page(
                    keyed, page_size=self._page_size, has_left_queue=has_left_queue, is_decided=is_decided
                )
            except LedgerUnavailable:
                self._page_size = max(self._page_size // 2, 1)  # it may be the page that took too long
                raise
            return page, self._clock.monotonic_s() - begun_s

        page, took_s = await retry_while(LedgerUnavailable, settle, step="settle a page")
        BETS_CHANGED.inc(page.applied)
        if not page.is_complete:
            self._fit(took_s)
            await asyncio.sleep(min(took_s * REST_PER_PAGE, REST_S_MAX))
        return page.is_complete

    def _fit(self, took_s: float) -> None:
        wanted = int(self._page_size * PAGE_S / max(took_s, PAGE_S / 2))
        self._page_size = min(max(wanted, self._page_size // 2, PAGE_BETS_MIN), self._page_size_max)
        PAGE_BETS.set(self._page_size)
