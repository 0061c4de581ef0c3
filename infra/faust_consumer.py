"""How our Faust apps read Kafka, where Faust's own way does not fit and offers no setting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.services import WaitResults

from kernel.errors import Part, Unavailable

HANDED_OVER_OR_ENDED: Final = 2
BROKER_ANSWER_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How long the broker holds a fetch, and for how much data.

    Faust has it hold an empty fetch for 1,500 ms. aiokafka has one fetch on its way per broker, without partitions
    whose last records have not been taken for a tenth of a second: what comes for those waits until it returns.
    """

    wait_ms_max: int
    bytes_min: int


PROMPT: Final = FetchPolicy(wait_ms_max=50, bytes_min=65_536)
AT_ONCE: Final = FetchPolicy(wait_ms_max=50, bytes_min=1)
IN_BLOCKS: Final = FetchPolicy(wait_ms_max=250, bytes_min=262_144)


@dataclass(slots=True)
class FetchSpacing:
    """The least time between the beginnings of two fetches: set by who works on the records, read by who fetches.

    Unlike a fetch that the broker holds, it delays nothing that comes after a quiet time.
    """

    seconds: float = 0.0


class _PromptConsumer(Consumer):
    """Hands a message to its stream at once where there is room, which is nearly always.

    Faust makes four tasks a message, a tenth of a millisecond, so that it can stop waiting for room when it is stopped
    or loses partitions. That wait, and every other one, is left to it.
    """

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - as Faust has it
        """Wait for the first of some, or the service's end; what is over in its first step is not waited for."""
        if len(coros) != HANDED_OVER_OR_ENDED or not all(map(asyncio.iscoroutine, coros)):
            return await super().wait_first(*coros, timeout=timeout)
        handing_over, ending = coros
        try:
            wait = handing_over.send(None)
        except StopIteration as done:
            ending.close()
            return WaitResults([handing_over], [done.value], False)
        except BaseException:
            ending.close()
            raise
        return await super().wait_first(_Begun(handing_over, wait), ending, timeout=timeout)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ends_known_us: dict[TP, int] = {}
        super().__init__(*args, **kwargs)

    def end_known_us(self, place: TP) -> int | None:
        """Return at what time at least `highwater` was the end of a partition, None before the first answer."""
        return self.ends_known_us.get(place)

    async def begun_at(self, places: Sequence[TP]) -> dict[TP, int]:
        """Return the offset at which this group begins to read each partition.

        Raises:
            Unavailable: If the broker does not answer in time.
        """
        consumer: Any = self._thread._ensure_consumer()
        try:
            async with asyncio.timeout(BROKER_ANSWER_TIMEOUT_S):
                earliest = await self.earliest_offsets(*places)
                committed = {place: await self._thread.call_thread(consumer.committed, place) for place in places}
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(Part.BOOKS, f"Kafka must say where reading begins, but: {error!r}") from error
        return {place: max(earliest[place], committed[place] or 0) for place in places}


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """What is left of a coroutine that is in its first wait already."""

    coroutine: Coroutine[Any, Any, Any]
    wait: Any

    def __await__(self) -> Generator[Any, Any, Any]:
        wait = self.wait
        while True:
            try:
                told = yield wait
            except BaseException as error:
                proceed = partial(self.coroutine.throw, error)
            else:
                proceed = partial(self.coroutine.send, told)
            try:
                wait = proceed()
            except StopIteration as done:
                return done.value


def space_fetches(fetcher: Any, spacing: FetchSpacing) -> None:
    """Have aiokafka's fetcher begin no fetch from a broker before it is due; what else it does meanwhile goes on."""
    find_actions = fetcher._get_actions_per_node
    due_s: dict[int, float] = {}

    def find_due_actions(assignment: Any) -> tuple[Any, ...]:
        fetches, resets, timeout_s, *others = find_actions(assignment)
        now_s = time.monotonic()
        due = []
        for broker, request in fetches:
            left_s = due_s.get(broker, now_s) - now_s
            if left_s > 0.0:
                timeout_s = min(timeout_s, left_s)
            else:
                due_s[broker] = now_s + spacing.seconds
                due.append((broker, request))
        return due, resets, timeout_s, *others

    fetcher._get_actions_per_node = find_due_actions


def note_ends(fetcher: Any, known_us: dict[TP, int]) -> None:
    """Note when each partition's end, as aiokafka's fetcher has it, was asked for: an answer may have lain waiting."""
    fetch = fetcher._proc_fetch_request

    async def fetch_and_note(assignment: Any, node_id: Any, request: Any) -> Any:
        asked_us = time.time_ns() // 1_000
        result = await fetch(assignment, node_id, request)
        if assignment.active:
            for topic, partitions in request.topics:
                for partition, *_ in partitions:
                    answered_ms = assignment.state_value(TopicPartition(topic, partition)).timestamp or 0
                    if answered_ms >= asked_us // 1_000:
                        known_us[TP(topic, partition)] = asked_us
        return result

    fetcher._proc_fetch_request = fetch_and_note


def transport_with(policy: FetchPolicy, spacing: FetchSpacing) -> type[Transport]:
    """Return Faust's transport with a consumer that fetches by the policy and keeps equal partitions together."""

    class PolicyConsumerThread(AIOKafkaConsumerThread):
        async def on_start(self) -> None:
            await super().on_start()
            consumer: Any = self._consumer
            policy_consumer: Any = self.consumer
            space_fetches(consumer._fetcher, spacing)
            note_ends(consumer._fetcher, policy_consumer.ends_known_us)

        def _create_worker_consumer(self, transport: Any) -> Any:
            consumer = super()._create_worker_consumer(transport)
            consumer._fetch_max_wait_ms = policy.wait_ms_max
            consumer._fetch_min_bytes = policy.bytes_min
            # Round robin, which Faust takes for apps without tables, parts equal partitions of two topics.
            consumer._partition_assignment_strategy = (RangePartitionAssignor,)
            return consumer

    class PolicyConsumer(_PromptConsumer):
        def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
            return PolicyConsumerThread(self, loop=self.loop, beacon=self.beacon)

    class PolicyTransport(Transport):
        Consumer = PolicyConsumer

    return PolicyTransport
