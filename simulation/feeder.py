"""One simulated provider at the push door: sends in order, resends what was not acknowledged, falls silent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import grpc
import structlog

from overround.feed.v1 import feed_pb2, feed_service_pb2, feed_service_pb2_grpc

UNACKNOWLEDGED_MAX = 20_000
HEARTBEAT_S = 1.0
RECONNECT_S = 1.0
FIRST_ANSWER_LIMIT_S = 10.0

log = structlog.get_logger(__name__)


class Feeder:
    """Pushes one provider's updates over one stream at a time.

    What is not acknowledged is kept and sent again after a reconnection; when too much is waiting, the oldest prices
    go, never results.
    """

    def __init__(self, channel: grpc.aio.Channel, *, provider_id: str, api_key: str) -> None:
        self._door = feed_service_pb2_grpc.FeedServiceStub(channel)
        self._provider_id = provider_id
        self._metadata = (("x-api-key", api_key),)
        self._unacknowledged: deque[feed_pb2.FeedUpdate] = deque()
        self._sent_count = 0
        self._has_news = asyncio.Event()
        self._is_silent = False
        self.acknowledged_sequence: int | None = None
        self.first_answer = asyncio.Event()
        self.is_drained = asyncio.Event()
        self.is_drained.set()

    def push(self, update: feed_pb2.FeedUpdate) -> None:
        """Queue an update; its sequence is above all before."""
        if self.acknowledged_sequence is not None and update.sequence <= self.acknowledged_sequence:
            return
        if len(self._unacknowledged) >= UNACKNOWLEDGED_MAX:
            self._drop_oldest_prices()
        self._unacknowledged.append(update)
        self.is_drained.clear()
        self._has_news.set()

    def be_silent(self, *, is_silent: bool) -> None:
        """Start or end an outage: while it lasts nothing is sent, not even a heartbeat."""
        self._is_silent = is_silent
        self._has_news.set()

    async def run(self) -> None:
        """Push until cancelled; a broken stream is opened again after a pause."""
        while True:
            try:
                await self._push_once()
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                log.warning("simulation.feed_interrupted", provider_id=self._provider_id, error=str(error)[:200])
            await asyncio.sleep(RECONNECT_S)

    async def _push_once(self) -> None:
        self._sent_count = 0
        call = self._door.Push(self._requests(), metadata=self._metadata)
        try:
            async with asyncio.timeout(FIRST_ANSWER_LIMIT_S):
                answer = await call.read()
            while isinstance(answer, feed_service_pb2.PushResponse):
                self._take_answer(answer)
                answer = await call.read()
        finally:
            call.cancel()

    def _take_answer(self, answer: feed_service_pb2.PushResponse) -> None:
        self.acknowledged_sequence = answer.acknowledged_sequence
        while self._unacknowledged and self._unacknowledged[0].sequence <= answer.acknowledged_sequence:
            self._unacknowledged.popleft()
            self._sent_count = max(0, self._sent_count - 1)
        if not self._unacknowledged:
            self.is_drained.set()
        for refusal in answer.refusals:
            log.warning("simulation.update_refused", provider_id=self._provider_id, reason=refusal.reason)
        self.first_answer.set()
        self._has_news.set()

    async def _requests(self) -> AsyncIterator[feed_service_pb2.PushRequest]:
        await self.first_answer.wait()
        while True:
            while not self._is_silent and self._sent_count < len(self._unacknowledged):
                update = self._unacknowledged[self._sent_count]
                self._sent_count += 1
                yield feed_service_pb2.PushRequest(update=update)
            if await self._is_idle() and not self._is_silent:
                yield feed_service_pb2.PushRequest(heartbeat=feed_pb2.ProviderHeartbeat(is_up=True))

    async def _is_idle(self) -> bool:
        self._has_news.clear()
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._has_news.wait()
        except TimeoutError:
            return True
        return False

    def _drop_oldest_prices(self) -> None:
        kept = [update for update in self._unacknowledged if update.results]
        newest = list(self._unacknowledged)[UNACKNOWLEDGED_MAX // 2 :]
        by_sequence = {update.sequence: update for update in (*kept, *newest)}
        self._unacknowledged = deque(by_sequence[sequence] for sequence in sorted(by_sequence))
        self._sent_count = 0
