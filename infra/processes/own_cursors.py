"""How far providers' updates are taken, of a log that is the ledger's."""

from __future__ import annotations

from gateway.feeds.ports import Cursor, CursorStore
from infra.processes.own_log import OwnLog
from kernel.errors import Part, Unavailable
from kernel.log import DeliveryFailed


class CursorsOfOwnLog:
    """Begins no stream into a log that is not the ledger's: what a provider is told is taken would be missing later."""

    def __init__(self, cursors: CursorStore, own_log: OwnLog) -> None:
        self._cursors = cursors
        self._own_log = own_log

    async def begin(self, provider_id: str, *, now_ms: int) -> Cursor:
        """Begin a new epoch and return where the last one left off.

        Raises:
            LogNotOwn: If the log is not the ledger's.
            DeliveryFailed: If the log did not answer in time.
            Unavailable: If the ledger did not.
        """
        try:
            await self._own_log.expect()
        except Unavailable as error:
            if error.what is not Part.ANCHORS:
                raise
            raise DeliveryFailed("The log must answer for a stream to begin, does not: open it again later") from error
        return await self._cursors.begin(provider_id, now_ms=now_ms)

    async def move(
        self, provider_id: str, *, epoch: int, acknowledged_sequence: int, is_exact: bool, now_ms: int
    ) -> None:
        """Move the cursor."""
        await self._cursors.move(
            provider_id, epoch=epoch, acknowledged_sequence=acknowledged_sequence, is_exact=is_exact, now_ms=now_ms
        )
