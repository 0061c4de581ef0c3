"""What was sent together is confirmed together."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kernel.log import DeliveryFailed, Outlet, OutletFull


class Delivery:
    """Messages on their way into the log; calls back once, in whatever thread the last confirmation comes in.

    Args:
        outlet: The way into the log.
        on_end: Called with whether the log has every message, after `seal` and the last confirmation.
    """

    def __init__(self, outlet: Outlet, on_end: Callable[[bool], None]) -> None:
        self._outlet = outlet
        self._on_end = on_end
        self._lock = threading.Lock()
        self._unconfirmed = 1  # the seal
        self._is_failed = False

    def send(self, topic: str, key: str, value: bytes | None) -> None:
        """Queue a message, None for a tombstone; one that the outlet does not take fails the delivery."""
        with self._lock:
            self._unconfirmed += 1
        try:
            self._outlet.send(topic, key, value, self._confirm)
        except (OutletFull, DeliveryFailed) as error:
            self._confirm(error)

    def seal(self) -> None:
        """Say that nothing more is sent."""
        self._confirm(None)

    def _confirm(self, error: Exception | None) -> None:
        with self._lock:
            self._unconfirmed -= 1
            self._is_failed |= error is not None
            is_ended = self._unconfirmed == 0
        if is_ended:
            self._on_end(not self._is_failed)
