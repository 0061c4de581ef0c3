"""Watching clients: how long after its feed update is a price on a client's stream."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict

import grpc

from loadtests.pacing import Schedule, now_us
from overround.odds.v1 import odds_service_pb2, odds_service_pb2_grpc

ANSWER_BYTES_MAX = 64 * 1024 * 1024


class Watcher:
    """One client on a stream of books; notes which feed time each fixture's book had reached when it came."""

    def __init__(self, target: str, fixture_ids: list[str]) -> None:
        self._target = target
        self._fixture_ids = fixture_ids
        self._known = frozenset(fixture_ids)
        # By fixture: feed times reached, rising, and when the book that reached them came; microseconds.
        self._feed_times_us: dict[str, list[int]] = defaultdict(list)
        self._arrival_times_us: dict[str, list[int]] = defaultdict(list)
        self.first_books = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        options = [("grpc.max_receive_message_length", ANSWER_BYTES_MAX)]
        async with grpc.aio.insecure_channel(self._target, options=options) as channel:
            door = odds_service_pb2_grpc.OddsServiceStub(channel)
            request = odds_service_pb2.WatchBooksRequest(fixture_ids=self._fixture_ids)
            async for answer in door.WatchBooks(request):
                self._take(answer)

    def _take(self, answer: odds_service_pb2.WatchBooksResponse) -> None:
        arrived_us = now_us()
        for book in answer.books:
            if book.fixture_id in self._known:
                self._feed_times_us[book.fixture_id].append(book.feed_time_us)
                self._arrival_times_us[book.fixture_id].append(arrived_us)
        if len(self._feed_times_us) == len(self._fixture_ids):
            self.first_books.set()

    def latencies_us(self, schedule: Schedule) -> tuple[list[int], int]:
        """Return the latency of every update of the schedule, and how many never arrived.

        An update that a newer one overtook in the same book counts until that book came.
        """
        latencies, missing = [], 0
        for index in range(schedule.count):
            fixture_id = self._fixture_ids[index % len(self._fixture_ids)]
            due_us = schedule.due_us(index)
            place = bisect_left(self._feed_times_us[fixture_id], due_us // 1_000 * 1_000)  # Kafka's clock ticks in ms
            if place == len(self._feed_times_us[fixture_id]):
                missing += 1
            else:
                latencies.append(self._arrival_times_us[fixture_id][place] - due_us)
        return latencies, missing
