"""How our Faust apps read Kafka, where Faust's own way does not fit and offers no setting."""

from __future__ import annotations

from typing import Any, Final

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

FETCH_WAIT_MS_MAX: Final = 50
"""Faust has the broker hold an empty fetch for 1,500 ms. aiokafka has one fetch on its way per broker, and sends one
for idle partitions alone when others were not consumed for 100 ms: then every partition waits that long, and what has
gathered meanwhile takes so long to consume that it happens again."""


class PromptConsumerThread(AIOKafkaConsumerThread):
    """Waits shortly for what is not there, and keeps equal partitions of several topics together."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS_MAX
        # Round robin, which Faust takes for apps without tables, parts equal partitions of two topics among workers.
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer


class PromptConsumer(Consumer):
    """Faust's consumer on such a thread."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(Transport):
    """Faust's transport with such a consumer."""

    Consumer = PromptConsumer
