"""The way into a log, without a log."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel.log import DeliveryFailed, OnDelivery, OutletFull

Sent = tuple[str, str, bytes | None]


@dataclass
class FakeOutlet:
    """Has what it is sent at once, unless it is full, held back or told to fail.

    Attributes:
        sent: What was handed to it, in order: topic, key, value.
        kept: What of that the log has: all but what failed.
        refusals_left: How many messages to come find it full.
        failures: What messages to come fail with that somebody waits for, the last first.
        room: How many more of these it takes before all others fail; None where there is no end.
        never_failing: A topic of which no message fails.
        is_holding: Whether who waits is told nothing until `release`.
    """

    sent: list[Sent] = field(default_factory=list)
    kept: list[Sent] = field(default_factory=list)
    refusals_left: int = 0
    failures: list[Exception] = field(default_factory=list)
    room: int | None = None
    never_failing: str = ""
    is_holding: bool = False
    _held: list[OnDelivery] = field(default_factory=list)

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        if self.refusals_left:
            self.refusals_left -= 1
            raise OutletFull("full")
        self.sent.append((topic, key, value))
        failure = self._failure(topic) if on_delivery else None
        if failure is None:
            self.kept.append((topic, key, value))
        if on_delivery is None:
            return
        if self.is_holding:
            self._held.append(on_delivery)
        else:
            on_delivery(failure)

    async def send_and_wait(self, topic: str, key: str, value: bytes | None) -> None:
        self.sent.append((topic, key, value))
        if failure := self._failure(topic):
            raise failure
        self.kept.append((topic, key, value))

    def release(self) -> None:
        self.is_holding = False
        held, self._held = self._held, []
        for on_delivery in held:
            on_delivery(None)

    def values_of(self, topic: str) -> list[bytes]:
        """Return what of a topic was handed to it, without tombstones."""
        return [value for name, _, value in self.sent if name == topic and value is not None]

    def kept_of(self, topic: str) -> list[bytes]:
        """Return what of a topic the log has, without tombstones."""
        return [value for name, _, value in self.kept if name == topic and value is not None]

    def delivered_until(self, topic: str, partition: int) -> int:
        return len(self.values_of(topic))

    def _failure(self, topic: str) -> Exception | None:
        if topic == self.never_failing or self.is_holding:
            return None
        if self.failures:
            return self.failures.pop()
        if self.room == 0:
            return DeliveryFailed("no room")
        if self.room is not None:
            self.room -= 1
        return None
