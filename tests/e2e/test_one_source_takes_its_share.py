"""One address does all it can against the doors; others are served as if it were not there."""

from __future__ import annotations

import asyncio
import struct
import time
import uuid
from typing import Any

import aiohttp
import grpc

from overround.odds.v1 import odds_service_pb2
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from tests.e2e.client import CURRENCY, Bettor, Trader
from tests.running_system import RunningSystem
from tests.told_secrets import places_that_tell_a_secret

STRANGER = "127.0.0.66"  # this machine, as if it were another
HEADERS = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
PLAYERS = "/overround.pam.v1.PlayerService"
LOG_IN_LIMIT_S = 12.0
# Of gRPC; too late is what the stranger's own queue makes them on a slow machine.
DONE, TOO_LATE, REFUSED, WRONG = "0", "4", "8", "16"


def frame(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return b"\0" + struct.pack(">I", len(raw)) + raw


async def all_at_once(target: str, method: str, messages: list[Any]) -> list[str]:
    """Call from the stranger's address, all at the same time; return the status of each."""
    connector = aiohttp.TCPConnector(local_addr=(STRANGER, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def call(message: Any) -> str:
            async with session.post(f"http://{target}{method}", data=frame(message)) as response:
                return response.headers.get("grpc-status", DONE)

        return list(await asyncio.gather(*(call(message) for message in messages)))


def registrations(count: int) -> list[player_service_pb2.RegisterRequest]:
    return [
        player_service_pb2.RegisterRequest(
            request_id=str(uuid.uuid4()),
            username=f"s.{uuid.uuid4().hex[:20]}",
            password=uuid.uuid4().hex,
            currency=CURRENCY,
        )
        for _ in range(count)
    ]


async def test_registrations_without_end_keep_nobody_from_logging_in(system: RunningSystem) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    bettor = await asyncio.to_thread(Bettor, target, deposit_minor=1_000)
    flood = asyncio.create_task(all_at_once(target, f"{PLAYERS}/Register", registrations(120)))
    await asyncio.sleep(0.1)
    async with grpc.aio.insecure_channel(target) as channel:
        players: Any = player_service_pb2_grpc.PlayerServiceStub(channel)
        log_in = player_service_pb2.LogInRequest(username=bettor.username, password=bettor.password)
        begun_s = time.monotonic()
        assert (await players.LogIn(log_in, timeout=LOG_IN_LIMIT_S)).player.player_id == bettor.player_id
        assert time.monotonic() - begun_s < LOG_IN_LIMIT_S
    assert set(await flood) <= {DONE, TOO_LATE, REFUSED}


async def test_wrong_log_ins_of_a_stranger_do_not_lock_the_trader_out(system: RunningSystem) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    for _ in range(6):
        wrong = [player_service_pb2.LogInRequest(username="trader", password=uuid.uuid4().hex) for _ in range(5)]
        assert set(await all_at_once(target, f"{PLAYERS}/LogIn", wrong)) <= {TOO_LATE, REFUSED, WRONG}
    assert set(await all_at_once(target, f"{PLAYERS}/LogIn", wrong)) == {REFUSED}
    await asyncio.to_thread(Trader, target, password=system.secrets.trader_password)


async def test_watchers_without_end_keep_no_other_from_watching(system: RunningSystem) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    url = f"http://{target}/overround.odds.v1.OddsService/WatchBooks"
    body = frame(odds_service_pb2.WatchBooksRequest(fixture_ids=["nowhere"]))
    connector = aiohttp.TCPConnector(local_addr=(STRANGER, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as stranger:
        held = await asyncio.gather(*(stranger.post(url, data=body) for _ in range(300)))
        served = [response for response in held if "grpc-status" not in response.headers]
        assert len(served) == system.settings.sources.address_book_streams_max
        async with aiohttp.ClientSession(headers=HEADERS) as other, other.post(url, data=body) as response:
            assert "grpc-status" not in response.headers
            assert (await asyncio.wait_for(response.content.readexactly(5), 30))[0] == 0
        for response in held:
            response.close()


def test_nothing_that_runs_tells_a_secret(system: RunningSystem) -> None:
    assert places_that_tell_a_secret(system.settings) == []
