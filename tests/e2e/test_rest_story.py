"""A bettor without gRPC: from registration to the statement over REST and the WebSocket, and gRPC tells the same."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import aiohttp
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from gateway.rest.paths import PATHS
from overround.bets.v1 import betting_service_pb2
from overround.pam.v1 import player_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from tests.e2e.client import Price, Prices, wait_for
from tests.running_system import RunningSystem

LIMIT_S = 60.0
EUROS = {"amountMinor": "20000", "currency": "EUR"}
SLIPS = 60
KILLED_AT = (10, 30, 45)
CALLED = {path.method.name: path for path in PATHS}


class Bettor:
    """Somebody with HTTP alone."""

    def __init__(self, client: aiohttp.ClientSession, target: str) -> None:
        self._client = client
        self._target = target
        self.headers: dict[str, str] = {}

    async def ask(self, verb: str, path: str, told: Any = None) -> tuple[int, Any]:
        async with self._client.request(
            verb, f"http://{self._target}/v1/{path}", json=told, headers=self.headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def register(self) -> str:
        username = f"rest.{uuid.uuid4().hex[:20]}"
        asked = {"requestId": str(uuid.uuid4()), "username": username, "password": uuid.uuid4().hex, "currency": "EUR"}
        status, told = await self.ask("POST", "players", asked)
        assert status == 200, told
        return str(told["session"]["token"])

    async def is_told_by_grpc(self, method: str, asked: Message, told: Any) -> bool:
        """Return whether gRPC answers the same."""
        path = CALLED[method]
        async with grpc.aio.insecure_channel(self._target) as channel:
            call: Any = channel.unary_unary(
                path.called,
                request_serializer=type(asked).SerializeToString,
                response_deserializer=path.answer.FromString,
            )
            metadata = [("authorization", self.headers["Authorization"])]
            answer: Message = await call(asked, metadata=metadata, timeout=LIMIT_S)
        return json_format.ParseDict(told, path.answer()) == answer


def slip_of(price: Price, stake_minor: int) -> dict[str, Any]:
    leg = {
        "fixtureId": price.fixture_id,
        "marketId": price.market_id,
        "outcomeId": price.outcome_id,
        "decimalOddsMilli": price.decimal_odds_milli,
        "bookVersion": str(price.book_version),
    }
    stake = {"amountMinor": str(stake_minor), "currency": "EUR"}
    return {
        "requestId": str(uuid.uuid4()),
        "bets": [{"legs": [leg], "lines": [{"legs": [0]}], "lineStake": stake}],
        "pricePolicy": "PRICE_POLICY_ANY",
    }


async def place_until_answered(bettor: Bettor, slip: Any) -> Any:
    """Return the answer to a slip, asking again by the same id until there is one."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                status, told = await bettor.ask("POST", "slips", slip)
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):  # the proxy tells in plain words
                await asyncio.sleep(0.1)
                continue
            if status == 200:
                return told["answers"][0]
            assert status in {429, 503, 504}, told
            await asyncio.sleep(0.1)


async def test_bets_asked_for_over_rest_are_taken_once_though_the_doors_are_killed(
    system: RunningSystem, live_fixture: str
) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    price = await asyncio.to_thread(
        wait_for, lambda: Prices(target).price(live_fixture, "1x2", "home"), what="open price"
    )
    async with aiohttp.ClientSession() as client:
        bettor = Bettor(client, target)
        bettor.headers["Authorization"] = f"Bearer {await bettor.register()}"
        await bettor.ask("POST", "test-deposits", {"requestId": str(uuid.uuid4()), "amount": EUROS})
        slips = [slip_of(price, 100) for _ in range(SLIPS)]
        room = asyncio.Semaphore(8)

        async def place(number: int) -> Any:
            async with room:
                if number in KILLED_AT:
                    await asyncio.to_thread(system.kill, "doors")
                return await place_until_answered(bettor, slips[number])

        answers = await asyncio.gather(*(place(number) for number in range(SLIPS)))
        bet_ids = [answer["bet"]["betId"] for answer in answers]
        assert len(set(bet_ids)) == SLIPS
        assert [(await place_until_answered(bettor, slip))["bet"]["betId"] for slip in slips] == bet_ids
        _, listed = await bettor.ask("GET", "bets?page.size=200")
        assert sorted(bet["betId"] for bet in listed["bets"]) == sorted(bet_ids)
        _, statement = await bettor.ask("GET", "statement?page.size=200")
        versions = [int(line["accountVersion"]) for line in statement["lines"]]
        assert versions == list(range(SLIPS + 1, 0, -1))
        assert statement["lines"][0]["balance"]["amountMinor"] == str(20_000 - 100 * SLIPS)


async def test_a_bettor_lives_by_rest_alone_and_grpc_tells_the_same(system: RunningSystem, live_fixture: str) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    prices = Prices(target)
    price = await asyncio.to_thread(wait_for, lambda: prices.price(live_fixture, "1x2", "home"), what="open price")
    async with aiohttp.ClientSession() as client:
        bettor = Bettor(client, target)
        token = await bettor.register()
        assert (await bettor.ask("GET", "balance"))[0] == 401
        bettor.headers["Authorization"] = f"Bearer {token}"
        paid_in = {"requestId": str(uuid.uuid4()), "amount": EUROS}
        for _ in range(2):
            assert (await bettor.ask("POST", "test-deposits", paid_in))[1]["balance"]["available"] == EUROS

        async with client.ws_connect(f"ws://{target}/v1/stream") as socket:
            await socket.send_json({"bets": {}, "token": token})
            slip = slip_of(price, 1_000)
            status, placed = await bettor.ask("POST", "slips", slip)
            assert status == 200, placed
            bet = placed["answers"][0]["bet"]
            assert (await bettor.ask("POST", "slips", slip))[1]["answers"] == placed["answers"]
            async with asyncio.timeout(LIMIT_S):
                while bet["betId"] not in [shown["betId"] for shown in (await socket.receive_json())["bets"]["bets"]]:
                    pass

        reads: tuple[tuple[str, str, Message], ...] = (
            ("GetSlip", f"slips/{slip['requestId']}", betting_service_pb2.GetSlipRequest(request_id=slip["requestId"])),
            ("GetBet", f"bets/{bet['betId']}", betting_service_pb2.GetBetRequest(bet_id=bet["betId"])),
            ("ListBets", "bets", betting_service_pb2.ListBetsRequest()),
            ("GetBalance", "balance", wallet_service_pb2.GetBalanceRequest()),
            ("ListStatement", "statement", wallet_service_pb2.ListStatementRequest()),
            ("GetMe", "me", player_service_pb2.GetMeRequest()),
        )
        for method, path, asked in reads:
            status, told = await bettor.ask("GET", path)
            assert status == 200, told
            assert await bettor.is_told_by_grpc(method, asked, told), method
        _, statement = await bettor.ask("GET", "statement")
        lines = [
            (line["kind"], line["amount"]["amountMinor"], line["balance"]["amountMinor"]) for line in statement["lines"]
        ]
        assert lines == [("stake", "-1000", "19000"), ("deposit", "20000", "20000")]

        too_much = slip_of(price, 50_000)
        _, refused = await bettor.ask("POST", "slips", too_much)
        assert refused["answers"][0]["refusal"]["reason"] == "INSUFFICIENT_FUNDS"
        assert (await bettor.ask("DELETE", "session"))[0] == 200
        assert (await bettor.ask("GET", "balance"))[0] == 401
