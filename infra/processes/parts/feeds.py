"""The door of providers that push."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from gateway.feed_service import FeedService, PushLimits
from gateway.feeds.intake import Intake
from infra.processes.own_cursors import CursorsOfOwnLog
from infra.processes.parts.logs import RIGHTS_LOG
from infra.processes.parts.part import Follower, Part
from infra.processes.parts.shared import Shared
from infra.stores.feed_keys import PostgresCursors, PostgresFeedKeys
from infra.stores.feed_log import KafkaFeedLog

GRACE_S: Final = 1.0


def make_feeds(shared: Shared) -> Part:
    """Return the door; it has an outlet of its own, so that commands of the desk never queue behind feeds."""
    settings = shared.settings
    service = FeedService(
        keys=PostgresFeedKeys(shared.log_in_postgres),
        cursors=CursorsOfOwnLog(PostgresCursors(shared.postgres), shared.own_log),
        log=KafkaFeedLog(settings.kafka_client, client_id=f"{shared.name}-feed-log"),
        intake=Intake(outlet=shared.servers.outlet(part="feeds"), clock=shared.clock),
        clock=shared.clock,
        limits=PushLimits(
            in_flight_updates_max=settings.feeds.in_flight_updates_max,
            idle_timeout_ms=settings.feeds.idle_timeout_ms,
            acknowledge_interval_ms=settings.feeds.acknowledge_interval_ms,
        ),
    )

    async def end() -> None:
        """Let streams settle; what does not in time is read back from the log at the provider's next stream."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await service.close()

    return Part(services=(service,), followers=(Follower(RIGHTS_LOG, service.tell_refused),), endings=(end,))
