"""The log: keyed records in topics, the ways into it, and the ways to read it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal, NamedTuple, Protocol

from kernel.errors import Category, DomainError

OnDelivery = Callable[[Exception | None], None]
"""Told how a message ended, from another thread: None once the log has it."""


class Chained(ABC):
    """A listener whose message is of no use behind another one that was lost.

    A base and not a protocol: every message is asked whether its listener is one.
    """

    @abstractmethod
    def __call__(self, failure: Exception | None, /) -> None:
        """Take in how it ended."""

    @property
    @abstractmethod
    def is_broken(self) -> bool:
        """Return whether one was; from any thread."""


LogStart = Literal["beginning", "end"] | int
"""Where to read from; a number is the append time in milliseconds since the Unix epoch, UTC."""


class OutletFull(DomainError):
    """What is sent to the log waits in a bounded queue, and the queue is full."""

    reason = "OUTLET_FULL"
    category = Category.BUSY


class DeliveryFailed(DomainError):
    """The log did not confirm a message in time."""

    reason = "DELIVERY_FAILED"
    category = Category.UNAVAILABLE


class Outlet(Protocol):
    """The keyed way into the log."""

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        """Queue a message; the value None ends what its key had.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If the log does not take such a message.
        """
        ...


class ConfirmedOutlet(Protocol):
    """The keyed way into the log for who goes on only when the log has it."""

    async def send_and_wait(self, topic: str, key: str, value: bytes | None) -> None:
        """Send a message and wait until the log has it.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If it was not confirmed in time.
        """
        ...


class CountedOutlet(Outlet, ConfirmedOutlet, Protocol):
    """A way into the log that knows how far the log has what was sent."""

    def delivered_until(self, topic: str, partition: int) -> int:
        """Return the offset behind the newest message of a partition that the log has confirmed, 0 before the first."""
        ...


class Record(NamedTuple):
    """One record of a log; a tuple, because they come by the thousand."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    value: bytes | None


class LogCopy(NamedTuple):
    """The newest values of some keys of a topic, kept outside of the log.

    Attributes:
        values: By key.
        whole_until_ms: Of every key the value that was appended before this is in it, or a newer one.
    """

    values: Mapping[str, bytes]
    whole_until_ms: int


class Log(Protocol):
    """Topics read whole or from their end, in order within a partition."""

    @property
    def is_caught_up(self) -> bool:
        """Whether all that the topics held when reading began has been handed over."""
        ...

    def batches(self) -> AsyncIterator[list[Record]]:
        """Yield what has come since the last batch; ends when the log is closed."""
        ...


class PlacedLog(Log, Protocol):
    """A log of which it is known, and can be chosen anew, from where it is read."""

    async def wait_until_placed(self) -> None:
        """Wait until the place to read from is fixed: what is appended from now on will be read."""
        ...

    async def seek(self, start: LogStart) -> None:
        """Read on from there in every partition."""
        ...

    def begun_at(self, topic: str) -> Mapping[int, int]:
        """Return the offset from which each partition is read, once the place is fixed."""
        ...
