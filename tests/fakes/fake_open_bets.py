"""The ledger's open bets, as the keeper of exposure asks for them, without a ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from kernel.errors import Part, Unavailable
from risk.keeping import Bets
from risk.ports import ExposureEntry, ReservationKey


class FakeOpenBets:
    """Has the bets it is given.

    Attributes:
        bets: That are open, by bet id.
        by_request: What became of requests; these bets are open too, and on no page yet.
        closed: Bets of which a page still told, and which are open no more.
        closed_at_first: The same, only when they are asked for first.
        pages_read: How often a page was asked for.
        is_away: Whether it does not answer about requests.
    """

    def __init__(self, bets: Mapping[UUID, ExposureEntry] | None = None) -> None:
        self.bets = dict(bets or {})
        self.by_request: dict[ReservationKey, tuple[UUID, Sequence[ExposureEntry]]] = {}
        self.closed: set[UUID] = set()
        self.closed_at_first: set[UUID] = set()
        self.pages_read = 0
        self.is_away = False

    async def read_page(self, *, after: UUID, size: int) -> Bets:
        self.pages_read += 1
        return [(bet_id, self.bets[bet_id]) for bet_id in sorted(self.bets) if bet_id > after][:size]

    async def find_open(self, bet_ids: Sequence[UUID]) -> set[UUID]:
        known = self.bets.keys() | {bet_id for bet_id, _ in self.by_request.values()}
        found = set(bet_ids) & known - self.closed - self.closed_at_first
        self.closed_at_first = set()
        return found

    async def find_by_request(self, key: ReservationKey) -> tuple[UUID, Sequence[ExposureEntry]] | None:
        if self.is_away:
            raise Unavailable(Part.LEDGER, "Away")
        return self.by_request.get(key)
