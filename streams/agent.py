"""What every agent does the same: it takes events in, follows which partitions are its own, and survives bad events.

An agent says what it reads and what it does with that; this reads, holds what is not finished, and lets go of what
another worker has now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final

import faust
import structlog
from faust.types import TP, EventT
from google.protobuf.message import DecodeError

from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.inbox import Inbox

log = structlog.get_logger(__name__)

Events = list[EventT[bytes]]
Places = Collection[TP]


class Agent:
    """Reads topics into an inbox.

    Args:
        name: As the app knows it.
        topics: Whose events are read.
        inbox: Holds events until they are finished; it is emptied of partitions that another worker has.
        works: Run for ever beside the reading.
        sort_in: Called with each event that the inbox has admitted; without it they wait for `Inbox.take`.
        on_assigned: Called when the partitions read here are others than before, with all of them.
        on_revoked: Called with those that another worker has now, before the inbox lets go of them.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        *,
        inbox: Inbox,
        works: Sequence[Callable[[], Awaitable[None]]],
        sort_in: Callable[[EventT[bytes]], Awaitable[None]] | None = None,
        on_assigned: Callable[[Places], Awaitable[None]] | None = None,
        on_revoked: Callable[[Places], Awaitable[None]] | None = None,
    ) -> None:
        self._name = name
        self._topics: Final = tuple(topics)
        self._inbox = inbox
        self._works = works
        self._sort_in = sort_in
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._places: frozenset[TP] = frozenset()
        self._is_assigned = False

    @property
    def is_assigned(self) -> bool:
        """Whether it was said which partitions are read here, which may be none."""
        return self._is_assigned

    @property
    def partitions(self) -> frozenset[int]:
        """The numbers of the partitions that are read here now."""
        return frozenset(place.partition for place in self._places)

    def attach(self, app: faust.App) -> None:
        """Make this an agent of the app."""
        app.agent(app.topic(*self._topics), name=self._name)(self._take_in)
        app.on_partitions_assigned.connect(self._assign, weak=False)
        app.on_partitions_revoked.connect(self._revoke, weak=False)
        for work in self._works:
            app.task(work)

    async def _take_in(self, stream: Any) -> None:
        async for event in stream.noack().events():
            if self._sort_in is None:
                await self._inbox.put(event)
            else:
                await self._inbox.admit(event)
                await self._sort_in(event)

    async def _assign(self, _app: Any, /, *arguments: Any, **_: Any) -> None:
        self._places = self._own(arguments[0])
        self._is_assigned = True
        if self._on_assigned is not None:
            await self._on_assigned(self._places)

    async def _revoke(self, _app: Any, /, *arguments: Any, **_: Any) -> None:
        revoked = self._own(arguments[0])
        self._places -= revoked
        if self._on_revoked is not None:
            await self._on_revoked(revoked)
        self._inbox.drop(revoked)

    def _own(self, places: Places) -> frozenset[TP]:
        return frozenset(place for place in places if place.topic in self._topics)


async def fold_safely(
    events: Events, fold: Callable[[Events], Awaitable[None]], *, inbox: Inbox, dead_letters: DeadLetters
) -> None:
    """Fold events in, as many together as goes well, then acknowledge them; one that fails alone is buried."""
    try:
        await fold(events)
    except Exception as error:
        if len(events) > 1:
            log.warning("agent.batch_split", events=len(events), error=repr(error))
            middle = len(events) // 2
            await fold_safely(events[:middle], fold, inbox=inbox, dead_letters=dead_letters)
            await fold_safely(events[middle:], fold, inbox=inbox, dead_letters=dead_letters)
            return
        reason = MALFORMED if isinstance(error, DecodeError) else AGENT_ERROR
        log.exception("agent.event_failed", topic=events[0].message.topic)
        await dead_letters.bury(events[0], reason=reason, message=repr(error))
    inbox.finish(events)
