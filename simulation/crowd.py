"""The simulated bettors at the gateway: they register, watch prices, bet, play a game meanwhile, and top up."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import cast

import grpc
import numpy as np
import structlog
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from overround.bets.v1 import bet_pb2, betting_service_pb2, betting_service_pb2_grpc
from overround.casino.v1 import casino_service_pb2, casino_service_pb2_grpc
from overround.common.v1 import money_pb2
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc
from simulation.bettors import Arrival, Selection, choose, spin_stake_minor
from simulation.contests.contest import Contest

CURRENCY = "EUR"
DEPOSIT_MINOR = 50_000
BETS_UNDERWAY_MAX = 200
CALL_LIMIT_S = 15.0
RECONNECT_S = 1.0
ACCEPTED = "ACCEPTED"
PLAYED = "PLAYED"
GAME = "star_orchard"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Member:
    """One bettor's account."""

    username: str
    token: str = ""
    available_minor: int = 0

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what authenticates the bettor's calls."""
        return (("authorization", f"Bearer {self.token}"),)


class Crowd:
    """A bounded number of bettors who act on arrivals; what they were answered is counted by reason."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        name_prefix: str,
        password: str,
        population: int,
        answers: Counter[str],
    ) -> None:
        self._players = player_service_pb2_grpc.PlayerServiceStub(channel)
        self._wallet = wallet_service_pb2_grpc.WalletServiceStub(channel)
        self._betting = betting_service_pb2_grpc.BettingServiceStub(channel)
        self._casino = casino_service_pb2_grpc.CasinoServiceStub(channel)
        self._odds = odds_service_pb2_grpc.OddsServiceStub(channel)
        self._password = password
        self._members = [Member(f"{name_prefix}{number:03}") for number in range(population)]
        self._books: dict[str, book_pb2.Book] = {}
        self._underway: set[asyncio.Task[None]] = set()
        # Hashing passwords is slow on purpose: one at a time, so that people still get in beside the crowd.
        self._entrance = asyncio.Semaphore(1)
        self.answers = answers

    async def watch_books(self) -> None:
        """Follow the prices until cancelled."""
        while True:
            try:
                async for answer in self._odds.WatchBooks(odds_service_pb2.WatchBooksRequest()):
                    self._books.update((book.fixture_id, book) for book in answer.books)
                    for fixture_id in answer.removed_fixture_ids:
                        self._books.pop(fixture_id, None)
            except grpc.aio.AioRpcError as error:
                log.warning("simulation.books_interrupted", error=error.code().name)
            await asyncio.sleep(RECONNECT_S)

    def arrive(self, arrival: Arrival, fixture_id: str, contest: Contest) -> None:
        """Let somebody bet in the background; where too many are at it already they leave, counted."""
        if len(self._underway) >= BETS_UNDERWAY_MAX:
            self.answers["LEFT_THE_QUEUE"] += 1
            return
        task = asyncio.create_task(self._bet(arrival, fixture_id, contest))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def finish(self) -> None:
        """Wait until those who are at it have their answers, at most as long as a call may take."""
        if self._underway:
            await asyncio.wait(self._underway, timeout=CALL_LIMIT_S)

    async def stop(self) -> None:
        """Give up what is underway."""
        for task in self._underway:
            task.cancel()
        await asyncio.gather(*self._underway, return_exceptions=True)

    async def _bet(self, arrival: Arrival, fixture_id: str, contest: Contest) -> None:
        book = self._books.get(fixture_id)
        selection = choose(arrival, list_offers(book, contest, arrival.elapsed_s)) if book else None
        if book is None or selection is None:
            self.answers["NOTHING_TO_BET_ON"] += 1
            return
        member = self._members[arrival.bettor]
        try:
            await self._prepare(member, stake_minor=arrival.stake_minor)
            request = build_bet(arrival, selection, fixture_id=fixture_id, book_version=book.version)
            placed = await self._betting.PlaceSlip(request, metadata=member.metadata, timeout=CALL_LIMIT_S)
            (answer,) = placed.answers
            if answer.HasField("bet"):
                member.available_minor = placed.balance.available.amount_minor
                self.answers[ACCEPTED] += 1
            else:
                self.answers[answer.refusal.reason] += 1
            if spin := spin_stake_minor(arrival):
                await self._spin(member, stake_minor=spin)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error)
            self.answers[reason] += 1
            if reason == "SESSION_REQUIRED":
                member.token = ""

    async def _spin(self, member: Member, *, stake_minor: int) -> None:
        request = casino_service_pb2.SpinRequest(
            request_id=str(uuid.uuid4()),
            game_code=GAME,
            stake=money_pb2.Money(amount_minor=stake_minor, currency=CURRENCY),
        )
        played = await self._casino.Spin(request, metadata=member.metadata, timeout=CALL_LIMIT_S)
        member.available_minor = played.balance.available.amount_minor
        self.answers[PLAYED] += 1

    async def _prepare(self, member: Member, *, stake_minor: int) -> None:
        async with self._entrance:
            if not member.token:
                await self._enter(member)
        if member.available_minor < stake_minor:
            money = money_pb2.Money(amount_minor=max(DEPOSIT_MINOR, stake_minor), currency=CURRENCY)
            request = wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid.uuid4()), amount=money)
            answer = await self._wallet.DepositTestMoney(request, metadata=member.metadata, timeout=CALL_LIMIT_S)
            member.available_minor = answer.balance.available.amount_minor

    async def _enter(self, member: Member) -> None:
        request_id = str(uuid.uuid4())
        log_in = player_service_pb2.LogInRequest(
            request_id=request_id, username=member.username, password=self._password
        )
        try:
            session = (await self._players.LogIn(log_in, timeout=CALL_LIMIT_S)).session
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            register = player_service_pb2.RegisterRequest(
                request_id=request_id, username=member.username, password=self._password, currency=CURRENCY
            )
            session = (await self._players.Register(register, timeout=CALL_LIMIT_S)).session
        member.token = session.token
        me = await self._players.GetMe(
            player_service_pb2.GetMeRequest(), metadata=member.metadata, timeout=CALL_LIMIT_S
        )
        member.available_minor = me.balance.available.amount_minor


def list_offers(book: book_pb2.Book, contest: Contest, elapsed_s: float) -> list[Selection]:
    """Return what a book offers now, each with its true probability."""
    truths = {market.market_id: market for market in contest.truths(elapsed_s, np.zeros(2))}
    odds = np.frombuffer(book.decimal_odds_milli, dtype="<u4")
    counts = np.frombuffer(book.outcome_counts, dtype="<u2")
    begins = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    offers = []
    for index, market_id in enumerate(book.market_ids):
        truth = truths.get(market_id)
        if truth is None or book.market_statuses[index] != book_pb2.MARKET_STATUS_OPEN:
            continue
        for place in range(begins[index], begins[index + 1]):
            outcome_id = book.outcome_ids[place]
            if odds[place] and outcome_id in truth.outcome_ids:
                probability = float(truth.probabilities[truth.outcome_ids.index(outcome_id)])
                offers.append(Selection(market_id, outcome_id, int(odds[place]), probability))
    return offers


def build_bet(
    arrival: Arrival, selection: Selection, *, fixture_id: str, book_version: int
) -> betting_service_pb2.PlaceSlipRequest:
    """Return the slip with the bet, a single."""
    leg = betting_service_pb2.LegRequest(
        fixture_id=fixture_id,
        market_id=selection.market_id,
        outcome_id=selection.outcome_id,
        decimal_odds_milli=selection.decimal_odds_milli,
        book_version=book_version,
    )
    policy = bet_pb2.PRICE_POLICY_ANY if arrival.accepts_any_price else bet_pb2.PRICE_POLICY_BETTER_ONLY
    stake = money_pb2.Money(amount_minor=arrival.stake_minor, currency=CURRENCY)
    bet = betting_service_pb2.BetRequest(legs=[leg], lines=[bet_pb2.Line(legs=[0])], line_stake=stake)
    return betting_service_pb2.PlaceSlipRequest(request_id=str(uuid.uuid4()), bets=[bet], price_policy=policy)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the stable reason of a refusal, or the status name where there is none."""
    status = rpc_status.from_call(cast("grpc.Call", error))
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return str(info.reason)
    return str(error.code().name)
