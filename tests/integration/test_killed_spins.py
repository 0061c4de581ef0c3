"""The gateway is killed while spins are under way: each is one round, and what was drawn for it stays as it was."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import grpc

from infra.settings import Settings
from overround.casino.v1 import casino_service_pb2, casino_service_pb2_grpc, round_pb2
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc
from tests.integration.test_gateway_process import connected, moved, running, until_health

PLAYERS = 24
KILLS = 3
LIMIT_S = 60.0
DEPOSIT_MINOR, STAKE_MINOR = 10_000, 100
Metadata = tuple[tuple[str, str], ...]


async def open_player(channel: grpc.aio.Channel) -> Metadata:
    players: Any = player_service_pb2_grpc.PlayerServiceStub(channel)
    wallet: Any = wallet_service_pb2_grpc.WalletServiceStub(channel)
    answer = await players.Register(
        player_service_pb2.RegisterRequest(
            request_id=str(uuid4()), username=f"spin.{uuid4().hex[:16]}", password=uuid4().hex, currency="EUR"
        ),
        timeout=LIMIT_S,
    )
    metadata = (("authorization", f"Bearer {answer.session.token}"),)
    amount = money_pb2.Money(amount_minor=DEPOSIT_MINOR, currency="EUR")
    deposit = wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid4()), amount=amount)
    await wallet.DepositTestMoney(deposit, metadata=metadata, timeout=LIMIT_S)
    return metadata


async def spin(channel: grpc.aio.Channel, metadata: Metadata, request_id: str) -> round_pb2.Round | None:
    """Return the round, None where the line broke."""
    casino: Any = casino_service_pb2_grpc.CasinoServiceStub(channel)
    request = casino_service_pb2.SpinRequest(
        request_id=request_id,
        game_code="triple_bell",
        stake=money_pb2.Money(amount_minor=STAKE_MINOR, currency="EUR"),
    )
    try:
        answer: casino_service_pb2.SpinResponse = await casino.Spin(request, metadata=metadata, timeout=LIMIT_S)
    except grpc.aio.AioRpcError as error:
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            raise
        return None
    return answer.round


async def test_a_killed_gateway_loses_and_doubles_no_spin(settings: Settings) -> None:
    settings = moved(settings)
    with running(settings):
        await until_health(settings, "ok")
        async with connected(settings) as channel:
            players = [await open_player(channel) for _ in range(PLAYERS)]
    doubts = 0
    for kill in range(KILLS):
        requests = {metadata: str(uuid4()) for metadata in players}
        with running(settings) as process:
            await until_health(settings, "ok")
            async with connected(settings) as channel:
                spins = [asyncio.create_task(spin(channel, *each)) for each in requests.items()]
                await asyncio.wait(spins, return_when=asyncio.FIRST_COMPLETED, timeout=0.004 * kill or None)
                process.kill()
                told = await asyncio.gather(*spins)
        doubts += sum(1 for found in told if found is None)
        with running(settings):
            await until_health(settings, "ok")
            async with connected(settings) as channel:
                again = await asyncio.gather(*(spin(channel, *each) for each in requests.items()))
                assert await asyncio.gather(*(spin(channel, *each) for each in requests.items())) == again
                await asyncio.sleep(2.6)  # the next kill's spins are not too soon
        assert all(found is None or found == later for found, later in zip(told, again, strict=True))
        await expect_each_once(settings, requests)
    assert doubts > 0, "one kill at least must come while spins are under way"


async def expect_each_once(settings: Settings, requests: dict[Metadata, str]) -> None:
    """Each request has one round, one stake and at most one win."""
    connection = await asyncpg.connect(settings.postgres_dsn)
    rows = await connection.fetch(
        """
        SELECT r.request_id::text, count(*) FILTER (WHERE t.kind = 'stake') AS stakes,
            sum(CASE t.kind WHEN 'win' THEN t.amount_minor ELSE 0 END) = min(r.win_minor) AS is_won
        FROM casino.round r LEFT JOIN ledger.transfer t ON t.subject_id = r.round_id
        WHERE r.request_id = ANY ($1::uuid[]) GROUP BY r.round_id, r.request_id
        """,
        list(requests.values()),
    )
    await connection.close()
    assert sorted(tuple(row) for row in rows) == sorted((request_id, 1, True) for request_id in requests.values())
