"""Works on what providers sent, and asks them about what they left open, as long as its process lives."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from kernel.errors import DomainError, Unavailable
from payments.depositing import Deposits
from payments.ports import DepositStore, Inbox, Notification

LOOK_S: Final = 0.5
REST_S: Final = 1.0
MESSAGES_AT_ONCE_MAX: Final = 100
ATTEMPTS_AT_ONCE_MAX: Final = 20

log = structlog.get_logger(__name__)


class PaymentWorker:
    """Both works; several processes may have one, for what is done twice is done once.

    Args:
        deposits: What notifications and answers go to.
        store: Says which attempts are open for long.
        inbox: Has what providers sent.
    """

    def __init__(self, deposits: Deposits, *, store: DepositStore, inbox: Inbox) -> None:
        self._deposits = deposits
        self._store = store
        self._inbox = inbox
        self._has_new = asyncio.Event()

    def wake(self) -> None:
        """Look at the inbox at once."""
        self._has_new.set()

    async def read_inbox(self) -> None:
        """Take in what providers sent, the oldest first, for ever."""
        while True:
            self._has_new.clear()
            try:
                found = await self._inbox.new(messages_max=MESSAGES_AT_ONCE_MAX)
                for notification in found:
                    await self._inbox.close(notification.message_id, complaint=await self._read(notification))
            except Unavailable as error:
                log.warning("payments.inbox_waits", error=error.message)
                await asyncio.sleep(REST_S)
                continue
            if not found:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._has_new.wait()

    async def ask_again(self) -> None:
        """Ask providers about attempts that are open for long, for ever."""
        while True:
            try:
                due = await self._store.take_due(attempts_max=ATTEMPTS_AT_ONCE_MAX)
            except Unavailable as error:
                log.warning("payments.asking_waits", error=error.message)
                due = ()
            for attempt in due:
                try:
                    await self._deposits.ask_again(attempt)
                except DomainError as error:
                    # It is asked about again at its next time, and complained of until it fits.
                    log.warning("payments.answer_not_taken", reference=str(attempt.reference), error=error.message)
            await asyncio.sleep(LOOK_S)

    async def _read(self, notification: Notification) -> str:
        """Return what a person should know of it, empty for nothing."""
        try:
            await self._deposits.read(notification)
        except Unavailable:
            raise
        except DomainError as error:
            log.warning("payments.notification_kept", message_id=notification.message_id, error=error.message)
            return f"{error.reason}: {error.message}"
        except Exception as error:  # one that nobody foresaw must not keep those behind it waiting
            log.exception("payments.notification_failed", message_id=notification.message_id)
            return f"INTERNAL: {type(error).__name__}"
        return ""
