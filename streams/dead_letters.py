"""Dead letters: events that an agent cannot work on are kept, counted, and do not hold up the rest."""

from __future__ import annotations

from typing import Final

import structlog
from faust.types import EventT
from prometheus_client import Counter

from kernel.clock import Clock
from kernel.log import ConfirmedOutlet, DeliveryFailed, OutletFull
from streams.retry import retry_while
from wire.feed import build_dead_letter

MALFORMED: Final = "MALFORMED"
AGENT_ERROR: Final = "AGENT_ERROR"

DEAD_LETTERS = Counter("overround_dead_letters", "Events kept on a dead-letter topic.", ["topic", "reason"])

log = structlog.get_logger(__name__)


class DeadLetters:
    """One agent's dead-letter topic."""

    def __init__(self, outlet: ConfirmedOutlet, topic: str, clock: Clock) -> None:
        self._outlet = outlet
        self._topic = topic
        self._clock = clock

    async def bury(self, event: EventT[bytes], *, reason: str, message: str) -> None:
        """Keep the event on the topic; waits until the log has it."""
        source = f"{event.message.topic}-{event.message.partition}-{event.message.offset}"
        log.warning("agent.event_buried", topic=self._topic, source=source, reason=reason, message=message)
        DEAD_LETTERS.labels(self._topic, reason).inc()
        letter = build_dead_letter(
            reason=reason, message=message, source=source, time_us=self._clock.now_us(), raw=event.message.value or b""
        ).SerializeToString()
        await retry_while(
            (OutletFull, DeliveryFailed),
            lambda: self._outlet.send_and_wait(self._topic, source, letter),
            step=f"send to {self._topic}",
        )
