"""Spins at a steady rate, from so many players that none comes too soon, each answered or asked for again by its id."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import grpc

from loadtests.bet_load import CURRENCY, DEADLINE_S, Bettor, register_bettors
from loadtests.pacing import Schedule, now_us
from overround.casino.v1 import casino_service_pb2, casino_service_pb2_grpc
from overround.common.v1 import money_pb2

STAKE_MINOR = 100
ASKED_AGAIN_MAX = 3


class SpinLoad:
    """Spins when it is due and remembers what each request was answered."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(target)
        self._casino = casino_service_pb2_grpc.CasinoServiceStub(self._channel)
        self._underway: set[asyncio.Task[None]] = set()
        self._players: list[Bettor] = []
        self._game_code = ""
        self.latencies_us: list[int] = []
        self.answers: Counter[str] = Counter()
        # Request id to round id.
        self.played: dict[str, str] = {}

    async def register(self, count: int) -> None:
        """Make players with money, and find a game."""
        self._players = await register_bettors(self._channel, count)
        request, metadata = casino_service_pb2.ListGamesRequest(), self._players[0].metadata
        listed = await self._casino.ListGames(request, metadata=metadata, timeout=DEADLINE_S)
        self._game_code = listed.games[0].game_code

    async def run(self, schedule: Schedule) -> None:
        """Spin what is due, wait for the last answers."""
        async for index in schedule.arrivals():
            task = asyncio.create_task(self._spin(index, due_us=schedule.due_us(index)))
            self._underway.add(task)
            task.add_done_callback(self._underway.discard)
        await asyncio.gather(*self._underway)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close(None)

    async def _spin(self, index: int, *, due_us: int) -> None:
        player = self._players[index % len(self._players)]
        request = casino_service_pb2.SpinRequest(
            request_id=str(uuid.uuid4()),
            game_code=self._game_code,
            stake=money_pb2.Money(amount_minor=STAKE_MINOR, currency=CURRENCY),
        )
        self.answers[await self._ask(request, player)] += 1
        self.latencies_us.append(now_us() - due_us)

    async def _ask(self, request: casino_service_pb2.SpinRequest, player: Bettor) -> str:
        for again in range(ASKED_AGAIN_MAX):
            try:
                answer = await self._casino.Spin(request, metadata=player.metadata, timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
                    return f"REFUSED {error.details()}"
                continue
            self.played[request.request_id] = answer.round.round_id
            return "PLAYED, ASKED AGAIN" if again else "PLAYED"
        return "NO ANSWER"
