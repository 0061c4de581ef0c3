"""A bettor and a watcher as the outside world sees the system: by its public gRPC door alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import grpc
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from overround.bets.v1 import bet_pb2, betting_service_pb2, betting_service_pb2_grpc
from overround.common.v1 import money_pb2
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.trading.v1 import trading_service_pb2, trading_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc

CURRENCY = "EUR"
CALL_LIMIT_S = 30.0
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Price:
    """A price on offer."""

    fixture_id: str
    market_id: str
    outcome_id: str
    decimal_odds_milli: int
    book_version: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused bet."""

    reason: str
    detail: betting_service_pb2.BetRefusal
    seconds: float


class Prices:
    """Current books."""

    def __init__(self, target: str) -> None:
        self._odds = odds_service_pb2_grpc.OddsServiceStub(grpc.insecure_channel(target))

    def book(self, fixture_id: str) -> book_pb2.Book | None:
        request = odds_service_pb2.GetBooksRequest(fixture_ids=[fixture_id])
        books = self._odds.GetBooks(request, timeout=CALL_LIMIT_S).books
        return books[0] if books else None

    def all_books(self) -> list[book_pb2.Book]:
        return list(self._odds.GetBooks(odds_service_pb2.GetBooksRequest(), timeout=CALL_LIMIT_S).books)

    def price(self, fixture_id: str, market_id: str, outcome_id: str) -> Price | None:
        """Return the price if the market is open and offers it."""
        book = self.book(fixture_id)
        return find_price(book, market_id, outcome_id) if book else None

    def together(self, fixture_id: str, *legs: tuple[str, str]) -> int:
        """Return what a bet builder is quoted at, decimal odds times 1000."""
        asked = [odds_service_pb2.BetBuilderLeg(market_id=market, outcome_id=outcome) for market, outcome in legs]
        request = odds_service_pb2.PriceBetBuilderRequest(fixture_id=fixture_id, legs=asked)
        return self._odds.PriceBetBuilder(request, timeout=CALL_LIMIT_S).decimal_odds_milli

    def market_status(self, fixture_id: str, market_id: str) -> int | None:
        book = self.book(fixture_id)
        if book is None or market_id not in book.market_ids:
            return None
        return book.market_statuses[list(book.market_ids).index(market_id)]


def find_price(book: book_pb2.Book, market_id: str, outcome_id: str) -> Price | None:
    if market_id not in book.market_ids:
        return None
    market = list(book.market_ids).index(market_id)
    counts = np.frombuffer(book.outcome_counts, dtype="<u2")
    begin = int(counts[:market].sum())
    outcomes = list(book.outcome_ids[begin : begin + int(counts[market])])
    odds = int(np.frombuffer(book.decimal_odds_milli, dtype="<u4")[begin + outcomes.index(outcome_id)])
    is_open = book.market_statuses[market] == book_pb2.MARKET_STATUS_OPEN
    return Price(book.fixture_id, market_id, outcome_id, odds, book.version) if is_open and odds else None


class Bettor:
    """A freshly registered player with test money."""

    def __init__(self, target: str, *, deposit_minor: int) -> None:
        channel = grpc.insecure_channel(target)
        self._betting = betting_service_pb2_grpc.BettingServiceStub(channel)
        self._wallet = wallet_service_pb2_grpc.WalletServiceStub(channel)
        self.username = f"e2e.{uuid.uuid4().hex[:20]}"
        self.password = uuid.uuid4().hex
        register = player_service_pb2.RegisterRequest(
            request_id=str(uuid.uuid4()), username=self.username, password=self.password, currency=CURRENCY
        )
        answer = player_service_pb2_grpc.PlayerServiceStub(channel).Register(register, timeout=CALL_LIMIT_S)
        self.player_id = answer.player.player_id
        self._metadata = (("authorization", f"Bearer {answer.session.token}"),)
        deposit = wallet_service_pb2.DepositTestMoneyRequest(
            request_id=str(uuid.uuid4()), amount=money_pb2.Money(amount_minor=deposit_minor, currency=CURRENCY)
        )
        self._wallet.DepositTestMoney(deposit, metadata=self._metadata, timeout=CALL_LIMIT_S)

    def balance_minor(self) -> int:
        request = wallet_service_pb2.GetBalanceRequest()
        answer = self._wallet.GetBalance(request, metadata=self._metadata, timeout=CALL_LIMIT_S)
        return answer.balance.available.amount_minor

    def place(
        self,
        price: Price,
        *,
        stake_minor: int,
        request_id: str | None = None,
        price_policy: bet_pb2.PricePolicy.ValueType = bet_pb2.PRICE_POLICY_ANY,
    ) -> bet_pb2.Bet | Refused:
        leg = betting_service_pb2.LegRequest(
            fixture_id=price.fixture_id,
            market_id=price.market_id,
            outcome_id=price.outcome_id,
            decimal_odds_milli=price.decimal_odds_milli,
            book_version=price.book_version,
        )
        stake = money_pb2.Money(amount_minor=stake_minor, currency=CURRENCY)
        single = betting_service_pb2.BetRequest(legs=[leg], lines=[bet_pb2.Line(legs=[0])], line_stake=stake)
        request = betting_service_pb2.PlaceSlipRequest(
            request_id=request_id or str(uuid.uuid4()), bets=[single], price_policy=price_policy
        )
        begun_s = time.monotonic()
        try:
            (answer,) = self._betting.PlaceSlip(request, metadata=self._metadata, timeout=CALL_LIMIT_S).answers
        except grpc.RpcError as error:
            return read_refusal(error, seconds=time.monotonic() - begun_s)
        if answer.HasField("bet"):
            return answer.bet
        return Refused(answer.refusal.reason, answer.refusal, time.monotonic() - begun_s)

    def bet(self, bet_id: str) -> bet_pb2.Bet:
        request = betting_service_pb2.GetBetRequest(bet_id=bet_id)
        return self._betting.GetBet(request, metadata=self._metadata, timeout=CALL_LIMIT_S).bet

    def bets(self) -> list[bet_pb2.Bet]:
        request = betting_service_pb2.ListBetsRequest()
        request.page.size = 200
        return list(self._betting.ListBets(request, metadata=self._metadata, timeout=CALL_LIMIT_S).bets)


class Trader:
    """The desk's user."""

    def __init__(self, target: str, *, password: str) -> None:
        channel = grpc.insecure_channel(target)
        self._trading = trading_service_pb2_grpc.TradingServiceStub(channel)
        log_in = player_service_pb2.LogInRequest(request_id=str(uuid.uuid4()), username="trader", password=password)
        answer = player_service_pb2_grpc.PlayerServiceStub(channel).LogIn(log_in, timeout=CALL_LIMIT_S)
        self._metadata = (("authorization", f"Bearer {answer.session.token}"),)

    def suspend(self, fixture_id: str, market_id: str = "") -> None:
        request = trading_service_pb2.SuspendRequest(
            request_id=str(uuid.uuid4()), fixture_id=fixture_id, market_id=market_id
        )
        self._trading.Suspend(request, metadata=self._metadata, timeout=CALL_LIMIT_S)

    def resume(self, fixture_id: str, market_id: str = "") -> None:
        request = trading_service_pb2.ResumeRequest(
            request_id=str(uuid.uuid4()), fixture_id=fixture_id, market_id=market_id
        )
        self._trading.Resume(request, metadata=self._metadata, timeout=CALL_LIMIT_S)


def read_refusal(error: grpc.RpcError, *, seconds: float) -> Refused:
    status = rpc_status.from_call(cast("grpc.Call", error))
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        detail.Unpack(info)
    reason = info.reason or cast("grpc.Call", error).code().name
    return Refused(str(reason), betting_service_pb2.BetRefusal(), seconds)


def wait_for(look: Callable[[], Found | None], *, what: str, limit_s: float = 90.0) -> Found:
    """Return what `look` finds, asking again until the limit."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.1)
    raise AssertionError(f"within {limit_s} s there was no {what}")
