"""What agents need from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Outlet(Protocol):
    """The keyed way into the log."""

    def send(
        self, topic: str, key: str, value: bytes, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        """Queue a message; `on_delivery` is called from another thread, with None once the log has it.

        Raises:
            OutletFull: If the queue is full.
        """
        ...

    async def send_and_wait(self, topic: str, key: str, value: bytes) -> None:
        """Send a message and wait until the log has it.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If it was not confirmed in time.
        """
        ...
