"""Pages of bets, as many at once as keep the bets of others waiting for milliseconds."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from prometheus_client import Counter, Gauge

from bets.ports import KeyedResult, SettlementLedger
from kernel.clock import Clock
from kernel.errors import Unavailable

PAGE_S: Final = 0.02
"""How long a page is to take: so long it locks its market and the accounts of its bettors."""

REST_PER_PAGE: Final = 1.0
"""Rest after a page, by the time it took: whoever was locked out comes first then."""

REST_S_MAX: Final = 1.0
PAGE_BETS_MIN: Final = 50
"""A page costs so much whatever is in it that smaller ones lock more in all."""

STUCK_S: Final = 10.0
"""A page that the ledger has refused for so long is complained of."""

FORGOTTEN_S: Final = 30.0
"""A page that nobody tried again for so long is none of ours."""

BETS_CHANGED = Counter("overround_settlement_bets", "Bets settled, voided or rolled back.")
PAGE_BETS = Gauge("overround_settlement_page_bets", "Bets that the next page may take.")


class _Stuck(NamedTuple):
    first_s: float
    last_s: float


class Pages:
    """Applies results page by page; a page grows and shrinks with how long the last one took."""

    def __init__(self, ledger: SettlementLedger, clock: Clock, *, page_size_max: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._page_size_max = page_size_max
        self._page_size = min(PAGE_BETS_MIN, page_size_max)
        self._stuck: dict[str, _Stuck] = {}

    @property
    def complaint(self) -> str | None:
        """What the ledger keeps from being settled, in a few words; None for nothing, or for not long."""
        stuck = self._stuck_at(self._clock.monotonic_s()).values()
        longest_s = max((item.last_s - item.first_s for item in stuck), default=0.0)
        if longest_s < STUCK_S:
            return None
        return (
            f"results of {len(stuck)} fixtures wait, one for {longest_s:.0f} s: the ledger does not answer, or others "
            "hold a market or an account of theirs"
        )

    async def apply(self, keyed: KeyedResult, *, has_left_queue: bool, is_decided: bool) -> bool:
        """Apply a result to its next page of bets; return whether it is applied to all.

        Raises:
            ResultContradicts: If another provider's word stands and is another.
            ResultReferred: If a person has to look first.
            ResultWaits: If a result of its fixture came before and is not applied yet.
            Unavailable: If the ledger did not answer, or others hold what it needs; the same may be tried again.
        """
        begun_s = self._clock.monotonic_s()
        try:
            page = await self._ledger.settle_page(
                keyed, page_size=self._page_size, has_left_queue=has_left_queue, is_decided=is_decided
            )
        except Unavailable:
            self._page_size = max(self._page_size // 2, 1)  # it may be the page that took too long
            self._note_stuck(keyed.fixture_id, begun_s)
            raise
        took_s = self._clock.monotonic_s() - begun_s
        self._stuck.pop(keyed.fixture_id, None)
        BETS_CHANGED.inc(page.applied)
        if not page.is_complete:
            self._fit(took_s)
            await asyncio.sleep(min(took_s * REST_PER_PAGE, REST_S_MAX))
        return page.is_complete

    def _note_stuck(self, fixture_id: str, begun_s: float) -> None:
        now_s = self._clock.monotonic_s()
        stuck = self._stuck_at(now_s)
        first_s = stuck[fixture_id].first_s if fixture_id in stuck else begun_s
        self._stuck = {**stuck, fixture_id: _Stuck(first_s, now_s)}

    def _stuck_at(self, now_s: float) -> dict[str, _Stuck]:
        """Leave out what nobody tries any more: another worker has it, or a person decided."""
        return {name: stuck for name, stuck in self._stuck.items() if now_s - stuck.last_s < FORGOTTEN_S}

    def _fit(self, took_s: float) -> None:
        wanted = int(self._page_size * PAGE_S / max(took_s, PAGE_S / 2))
        self._page_size = min(max(wanted, self._page_size // 2, PAGE_BETS_MIN), self._page_size_max)
        PAGE_BETS.set(self._page_size)
