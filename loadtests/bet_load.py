"""Single bets at a steady rate, from many players, each answered or asked for again by its id."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass

import grpc

from loadtests.feed_load import MARKETS
from loadtests.pacing import Schedule, now_us
from overround.bets.v1 import bet_pb2, betting_service_pb2, betting_service_pb2_grpc
from overround.common.v1 import money_pb2
from overround.odds.v1 import odds_service_pb2, odds_service_pb2_grpc
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc

CURRENCY = "EUR"
PASSWORD_LENGTH = 24
DEPOSIT_MINOR = 1_000_000
STAKE_MINOR = 100
DEADLINE_S = 10.0
REGISTERING_AT_ONCE = 4
OUTCOMES = ("home", "draw", "away")


@dataclass(frozen=True, slots=True)
class Bettor:
    """A registered player with money."""

    player_id: str
    metadata: tuple[tuple[str, str], ...]


class BetLoad:
    """Places bets when they are due and remembers what each request was answered."""

    def __init__(self, target: str, fixture_ids: list[str]) -> None:
        self._channel = grpc.aio.insecure_channel(target)
        self._betting = betting_service_pb2_grpc.BettingServiceStub(self._channel)
        self._fixture_ids = fixture_ids
        self._odds: dict[str, tuple[int, int]] = {}
        self._underway: set[asyncio.Task[None]] = set()
        self.bettors: list[Bettor] = []
        self.latencies_us: list[int] = []
        # When each of them was due, in the same order.
        self.dues_us: list[int] = []
        self.answers: Counter[str] = Counter()
        # Request id to bet id, for what was accepted.
        self.accepted: dict[str, str] = {}

    async def register(self, count: int) -> None:
        """Make players and give them money."""
        self.bettors += await register_bettors(self._channel, count)

    async def read_prices(self) -> None:
        """Note the price and version of every fixture's main market once."""
        door = odds_service_pb2_grpc.OddsServiceStub(self._channel)
        request = odds_service_pb2.GetBooksRequest(fixture_ids=self._fixture_ids)
        for book in (await door.GetBooks(request, timeout=DEADLINE_S)).books:
            odds_milli = int.from_bytes(book.decimal_odds_milli[:4], "little")
            self._odds[book.fixture_id] = (odds_milli, book.version)

    async def run(self, schedule: Schedule) -> None:
        """Place what is due, wait for the last answers."""
        async for index in schedule.arrivals():
            task = asyncio.create_task(self._place(index, due_us=schedule.due_us(index)))
            self._underway.add(task)
            task.add_done_callback(self._underway.discard)
        await asyncio.gather(*self._underway)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close(None)

    async def _place(self, index: int, *, due_us: int) -> None:
        bettor = self.bettors[index % len(self.bettors)]
        request = self._build(index)
        try:
            placed = await self._betting.PlaceSlip(request, metadata=bettor.metadata, timeout=DEADLINE_S)
            self.answers[self._note(request.request_id, placed.answers[0])] += 1
        except grpc.aio.AioRpcError as error:
            self.answers[await self._resolve(request.request_id, bettor, error)] += 1
        self.latencies_us.append(now_us() - due_us)
        self.dues_us.append(due_us)

    async def _resolve(self, request_id: str, bettor: Bettor, error: grpc.aio.AioRpcError) -> str:
        if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            return f"REFUSED {error.details()}"
        request = betting_service_pb2.GetSlipRequest(request_id=request_id)
        try:
            found = await self._betting.GetSlip(request, metadata=bettor.metadata, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as second:
            return f"NO ANSWER ({error.code().name}, then {second.code().name})"
        return f"{self._note(request_id, found.answers[0])}, ASKED AGAIN"

    def _note(self, request_id: str, answer: betting_service_pb2.BetAnswer) -> str:
        if answer.HasField("refusal"):
            return f"REFUSED {answer.refusal.reason}"
        self.accepted[request_id] = answer.bet.bet_id
        return "ACCEPTED"

    def _build(self, index: int) -> betting_service_pb2.PlaceSlipRequest:
        fixture_id = self._fixture_ids[index % len(self._fixture_ids)]
        odds_milli, version = self._odds[fixture_id]
        market = (index // len(self._fixture_ids)) % MARKETS
        leg = betting_service_pb2.LegRequest(
            fixture_id=fixture_id,
            market_id=f"load:{market}" if market else "1x2",
            outcome_id=OUTCOMES[index % len(OUTCOMES)],
            decimal_odds_milli=odds_milli,
            book_version=version,
        )
        stake = money_pb2.Money(amount_minor=STAKE_MINOR, currency=CURRENCY)
        bet = betting_service_pb2.BetRequest(legs=[leg], lines=[bet_pb2.Line(legs=[0])], line_stake=stake)
        return betting_service_pb2.PlaceSlipRequest(
            request_id=str(uuid.uuid4()), bets=[bet], price_policy=bet_pb2.PRICE_POLICY_ANY
        )


async def register_bettors(channel: grpc.aio.Channel, count: int) -> list[Bettor]:
    """Make so many players, and give them money."""
    gate = asyncio.Semaphore(REGISTERING_AT_ONCE)

    async def one() -> Bettor:
        async with gate:
            return await _register_one(channel)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def _register_one(channel: grpc.aio.Channel) -> Bettor:
    players = player_service_pb2_grpc.PlayerServiceStub(channel)
    wallet = wallet_service_pb2_grpc.WalletServiceStub(channel)
    register = player_service_pb2.RegisterRequest(
        request_id=str(uuid.uuid4()),
        username=f"load.{uuid.uuid4().hex[:16]}",
        password=uuid.uuid4().hex[:PASSWORD_LENGTH],
        currency=CURRENCY,
    )
    answer = await players.Register(register, timeout=DEADLINE_S * 3)
    metadata = (("authorization", f"Bearer {answer.session.token}"),)
    deposit = wallet_service_pb2.DepositTestMoneyRequest(
        request_id=str(uuid.uuid4()), amount=money_pb2.Money(amount_minor=DEPOSIT_MINOR, currency=CURRENCY)
    )
    await wallet.DepositTestMoney(deposit, metadata=metadata, timeout=DEADLINE_S)
    return Bettor(answer.player.player_id, metadata)
