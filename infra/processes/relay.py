"""The relay process: outbox in PostgreSQL to Kafka."""

from __future__ import annotations

import asyncio
from functools import partial

from infra.kafka import KafkaOutlet
from infra.processes.health import HealthServer, run_until_stopped
from infra.relay import Relay
from infra.settings import Settings
from infra.stores.anchor_log import read_anchors
from infra.stores.ledger_anchors import NEWEST_COMPARED
from infra.stores.log_place import read_place

NEVER_GIVE_UP_MS = 0


def run(settings: Settings) -> None:
    """Relay until told to stop."""

    async def main(stopping: asyncio.Event) -> None:
        relay = Relay(
            settings.postgres_dsn,
            lambda: _open_outlet(settings),
            lambda: read_anchors(settings.kafka_client, newest=NEWEST_COMPARED),
            partial(read_place, settings.kafka_client, client_id="relay-place"),
            settings.relay,
        )
        async with HealthServer(settings.host, settings.ports.relay_http, relay.complaint):
            await relay.run(stopping)

    run_until_stopped(main)


def _open_outlet(settings: Settings) -> KafkaOutlet:
    return KafkaOutlet(settings.kafka_client, client_id="relay", delivery_timeout_ms=NEVER_GIVE_UP_MS)
