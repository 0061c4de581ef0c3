"""How our Faust apps read Kafka, where Faust's own way does not fit and offers no setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How long the broker holds a fetch, and for how much data.

    Faust has it hold an empty fetch for 1,500 ms. aiokafka has one fetch on its way per broker, without the partitions
    whose last records are still being consumed: what comes for those waits until the fetch returns. So the wait is a
    part of the latency of every message, and many small fetches are the price of a short one.
    """

    wait_ms_max: int
    bytes_min: int


PROMPT: Final = FetchPolicy(wait_ms_max=50, bytes_min=1)
AT_ONCE: Final = FetchPolicy(wait_ms_max=5, bytes_min=1)
IN_BLOCKS: Final = FetchPolicy(wait_ms_max=250, bytes_min=262_144)


def transport_with(policy: FetchPolicy) -> type[Transport]:
    """Return Faust's transport with a consumer that fetches by the policy and keeps equal partitions together."""

    class PolicyConsumerThread(AIOKafkaConsumerThread):
        def _create_worker_consumer(self, transport: Any) -> Any:
            consumer = super()._create_worker_consumer(transport)
            consumer._fetch_max_wait_ms = policy.wait_ms_max
            consumer._fetch_min_bytes = policy.bytes_min
            # Round robin, which Faust takes for apps without tables, parts equal partitions of two topics.
            consumer._partition_assignment_strategy = (RangePartitionAssignor,)
            return consumer

    class PolicyConsumer(Consumer):
        def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
            return PolicyConsumerThread(self, loop=self.loop, beacon=self.beacon)

    class PolicyTransport(Transport):
        Consumer = PolicyConsumer

    return PolicyTransport
