"""The way into Kafka and out of it without a group, and which partition a key goes to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from functools import lru_cache

import structlog
from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, KafkaError, Message, Producer

from infra.kafka_groups import MessageGroups, Outgoing
from kernel.log import DeliveryFailed, OnDelivery, OutletFull

QUEUE_MESSAGES_MAX = 100_000
QUEUE_KIBIBYTES_MAX = 65_536
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
POLL_S = 0.1
PARTITION_CACHE_SIZE = 65_536

log = structlog.get_logger(__name__)


@lru_cache(maxsize=PARTITION_CACHE_SIZE)
def partition_of(key: str, partitions: int) -> int:
    """Return the partition a keyed message goes to: murmur2, as every producer here and Kafka's Java client do it."""
    hashed: int = murmur2(key.encode())
    return (hashed & 0x7FFFFFFF) % partitions


def reader_options(client: Mapping[str, str], *, client_id: str) -> dict[str, str | int | float | bool]:
    """Return the options of a consumer that is given its places and commits nothing."""
    return {
        **client,
        "client.id": client_id,
        "group.id": f"{client_id}-without-group",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": 1,
        "fetch.wait.max.ms": 20,
        # The fetcher rests this long when its queue is full; the default of a second would be felt as a stall.
        "fetch.queue.backoff.ms": 5,
        "log_level": 2,
    }


def take_records(consumer: Consumer, records_max: int, timeout_s: float) -> list[Message]:
    """Return what there is as soon as there is anything; `consume` waits for its whole number or all the time."""
    first = consumer.poll(timeout_s)
    return [] if first is None else [first, *consumer.consume(records_max - 1, 0)]


class KafkaOutlet:
    """An idempotent producer (acks=all) with a bounded queue and a thread of its own for confirmations.

    Args:
        client: What lets a client in.
        client_id: Names the producer in the broker's log.
        delivery_timeout_ms: A message that waited for others to be confirmed may take twice as long to fail; 0 never
            gives up.
        linger_ms: How long a message waits for others to share its request with.
    """

    def __init__(
        self, client: Mapping[str, str], *, client_id: str, delivery_timeout_ms: int, linger_ms: float = 0
    ) -> None:
        self._producer = Producer(
            {
                **client,
                "client.id": client_id,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": linger_ms,
                "delivery.timeout.ms": delivery_timeout_ms,
                "message.max.bytes": MESSAGE_BYTES_MAX,
                "queue.buffering.max.messages": QUEUE_MESSAGES_MAX,
                "queue.buffering.max.kbytes": QUEUE_KIBIBYTES_MAX,
                "socket.nagle.disable": True,
                "reconnect.backoff.max.ms": 1_000,
                "error_cb": _log_error,
                "log_level": 2,
            }
        )
        self._groups = MessageGroups(
            self._producer, waiting_max=QUEUE_MESSAGES_MAX, waiting_bytes_max=QUEUE_KIBIBYTES_MAX * 1024
        )
        self._is_closed = threading.Event()
        self._poller = threading.Thread(target=self._poll, name=f"{client_id}-outlet", daemon=True)
        self._poller.start()

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        """Queue a message; the value None ends what its key had.

        `on_delivery` is called with None, or with what went wrong, in the outlet's own thread.

        Raises:
            OutletFull: If the queue is full or the outlet is closed.
            DeliveryFailed: If Kafka does not take such a message.
        """
        if self._is_closed.is_set():
            raise OutletFull("Outlet is closed")
        self._groups.send(Outgoing(topic, key, value, on_delivery))

    async def send_and_wait(self, topic: str, key: str, value: bytes | None) -> None:
        """Send a message and wait until every in-sync replica has it.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If it was not confirmed within the delivery time-out.
        """
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if confirmed.done():
                return
            if error is None:
                confirmed.set_result(None)
            else:
                confirmed.set_exception(error)

        self.send(topic, key, value, lambda error: _call_on(loop, settle, error))
        await confirmed

    def delivered_until(self, topic: str, partition: int) -> int:
        """Return the offset behind the newest message of a partition that the log has confirmed, 0 before the first."""
        return self._groups.delivered_until(topic, partition)

    async def flush(self, timeout_s: float) -> None:
        """Wait until nothing is queued.

        Raises:
            DeliveryFailed: If something still is after `timeout_s`.
        """
        if not await asyncio.to_thread(self._groups.wait_until_empty, timeout_s):
            raise DeliveryFailed(f"Outlet must be empty within {timeout_s} s, still held {len(self._groups)} messages")

    def close(self) -> None:
        """Stop the thread. What is still queued is lost: flush first."""
        self._is_closed.set()
        self._poller.join()

    def _poll(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._producer.poll(POLL_S)
            except Exception:  # of somebody who was told; the others must still be
                log.exception("kafka.listener_failed")


def _call_on(loop: asyncio.AbstractEventLoop, settle: OnDelivery, error: Exception | None) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle, error)


def _log_error(error: KafkaError) -> None:
    log.warning("kafka.outlet_failed", code=error.name(), detail=error.str())
