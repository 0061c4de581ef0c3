"""Whether the log is the one that the ledger was told in: what is written in another is neither bet on nor settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from infra.stores.log_place import LogPlace
from infra.stores.postgres import PostgresPool
from infra.stores.told_log import LogNotOwn, expect_own_log
from kernel.errors import Unavailable

LOOK_S: Final = 5.0

log = structlog.get_logger(__name__)


class OwnLog:
    """Looks at the log and at what the ledger knows of it, for as long as `watch` runs.

    Attributes:
        complaint: What is wrong with the log, or that it has not been looked at yet; None where it is the ledger's.
    """

    def __init__(self, pool: PostgresPool, read_place: Callable[[], LogPlace]) -> None:
        self.complaint: str | None = "it is not known yet whether the log is the ledger's"
        self._pool = pool
        self._read_place = read_place
        self._is_own = asyncio.Event()

    async def wait(self) -> None:
        """Wait until the log is known to be the ledger's."""
        await self._is_own.wait()

    async def expect(self) -> None:
        """Look once.

        Raises:
            LogNotOwn: If it is not the ledger's.
            Unavailable: If the log or the ledger did not answer in time.
        """
        place = await asyncio.to_thread(self._read_place)
        async with self._pool.connection() as connection:
            await expect_own_log(connection, place)

    async def watch(self) -> None:
        """Return once another log, or an earlier state, stands where the ledger's was; what is away is waited for.

        Whoever has read from it has to begin anew then.
        """
        is_lost = False
        while not is_lost:
            is_lost = await self._is_lost()
            await asyncio.sleep(0 if is_lost else LOOK_S)

    async def _is_lost(self) -> bool:
        try:
            await self.expect()
        except Unavailable as error:
            log.warning("log.not_known_to_be_own", error=error.message)
            if isinstance(error, LogNotOwn) or not self._is_own.is_set():
                self.complaint = error.message
            return isinstance(error, LogNotOwn) and self._is_own.is_set()
        self.complaint = None
        self._is_own.set()
        return False
