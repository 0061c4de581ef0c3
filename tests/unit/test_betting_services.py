"""Bets, money, players and sessions as a client meets them, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from bets.bet import Bet, BetEvent, BetEventKind, BetStatus
from gateway.auth import OUTAGE_S_MAX, Authenticator
from gateway.bet_feed import PENDING_BETS_MAX, BetFeed
from gateway.bet_placement import BetPlacement, BettingRules
from gateway.bet_stream import BetStream
from gateway.betting_service import BettingService, BetUnknown
from gateway.books import TooManyWatchers
from gateway.errors import DetailedRefusal
from gateway.player_service import PlayerService
from gateway.ports import Record
from gateway.wallet_service import AmountOutOfRange, DepositRefused, WalletService
from kernel.ids import IdMalformed
from kernel.money import CurrencyMismatch, Money
from odds.fixture import MarketStatus
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from pam.credentials import LoginRateLimited, LogInRefused, PasswordMalformed, UsernameMalformed
from pam.player import Player, PlayerRole, PlayerStatus, StoredPlayer, UsernameTaken
from pam.session import Session, SessionRequired, SessionsUnavailable, TraderRequired
from risk.limits import LimitTable
from tests.unit.fake_betting import PLAYER, FakeBook, FakeBooks, FakeClock, FakeExposure, FakeFigures, FakeLedger
from wallet.balance import Balance
from wire.bet_requests import RequestMalformed
from wire.bets import build_bet, build_bet_event

TOKEN = "ann's token"
PASSWORD = "correct horse battery"


class FakeContext:
    def __init__(self, token: str | None = TOKEN) -> None:
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata


class FakeSessions:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sessions: dict[str, Session] = {}
        self.is_down = False
        self.finds = 0

    async def open(self, player: Player) -> tuple[str, Session]:
        token = uuid4().hex
        self.sessions[token] = Session(player, self.clock.now_us(), self.clock.now_us() + 3_600_000_000)
        return token, self.sessions[token]

    async def find(self, token: str) -> Session | None:
        self.finds += 1
        if self.is_down:
            raise SessionsUnavailable("Down")
        return self.sessions.get(token)

    async def end(self, token: str) -> None:
        self.sessions.pop(token, None)


class FakePasswords:
    def __init__(self) -> None:
        self.verified: list[str | None] = []

    async def hash(self, password: str) -> str:
        return f"{uuid4().hex}:{password}"

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password


class FakePlayers:
    def __init__(self) -> None:
        self.by_request: dict[UUID, StoredPlayer] = {}

    async def register(
        self, *, request_id: UUID, username: str, password_hash: str, role: PlayerRole, currency: str
    ) -> StoredPlayer:
        if request_id in self.by_request:
            return self.by_request[request_id]
        if await self.find_by_username(username):
            raise UsernameTaken("Taken")
        player = Player(uuid4(), username, role, PlayerStatus.ACTIVE, currency, 70, 1)
        self.by_request[request_id] = StoredPlayer(player, password_hash)
        return self.by_request[request_id]

    async def find_by_username(self, username: str) -> StoredPlayer | None:
        return next((stored for stored in self.by_request.values() if stored.player.username == username), None)

    async def find(self, player_id: UUID) -> Player | None:
        raise NotImplementedError


class FakeAttempts:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def note(self, username: str) -> None:
        self.counts[username] = self.counts.get(username, 0) + 1
        if self.counts[username] > 3:
            raise LoginRateLimited("Too many")

    async def forget(self, username: str) -> None:
        self.counts.pop(username, None)


class FakeWallet:
    def __init__(self) -> None:
        self.deposits: dict[UUID, Money] = {}

    async def balance(self, account_id: int) -> Balance:
        total = sum(amount.amount_minor for amount in self.deposits.values())
        return Balance(total, 0, "EUR", len(self.deposits))

    async def deposit_test_money(self, request_id: UUID, account_id: int, amount: Money) -> Balance:
        self.deposits[request_id] = amount
        return await self.balance(account_id)


class Door:
    """All services over fakes; ann is logged in."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sessions = FakeSessions(self.clock)
        self.sessions.sessions[TOKEN] = Session(PLAYER, 0, self.clock.now_us() + 3_600_000_000)
        self.auth = Authenticator(self.sessions, clock=self.clock, cache_ms=2_000, cache_entries_max=2)
        self.books = FakeBooks()
        self.ledger = FakeLedger()
        self.wallet = FakeWallet()
        self.feed = BetFeed(watchers_max=2)
        self.passwords = FakePasswords()
        table = LimitTable(10, 100_000, 1_000_000, 500_000, 500, 500)
        placement = BetPlacement(
            books=self.books,
            exposure=FakeExposure(),
            ledger=self.ledger,
            figures=FakeFigures(),
            clock=self.clock,
            rules=BettingRules(table, in_play_delay_ms=10, answer_timeout_ms=500, in_flight_max=10),
        )
        self.stream = BetStream(
            auth=self.auth, ledger=self.ledger, wallet=self.wallet, feed=self.feed, clock=self.clock
        )
        self.betting = BettingService(auth=self.auth, placement=placement, ledger=self.ledger, stream=self.stream)
        self.players = PlayerService(
            auth=self.auth,
            players=FakePlayers(),
            passwords=self.passwords,
            sessions=self.sessions,
            attempts=FakeAttempts(),
            wallet=self.wallet,
            currency="EUR",
        )

    def money(self, *, is_allowed: bool = True) -> WalletService:
        return WalletService(
            auth=self.auth, wallet=self.wallet, is_test_money_allowed=is_allowed, deposit_minor_max=1_000_000
        )


def context(token: str | None = TOKEN) -> Any:
    return cast("Any", FakeContext(token))


def place_request(**changes: Any) -> betting_service_pb2.PlaceBetRequest:
    leg = betting_service_pb2.LegRequest(
        fixture_id="sim:1:1", market_id="1x2", outcome_id="home", decimal_odds_milli=2_000, book_version=1
    )
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "legs": [leg],
        "stake": money_pb2.Money(amount_minor=1_000, currency="EUR"),
        "price_policy": bet_pb2.PRICE_POLICY_NONE,
    }
    return betting_service_pb2.PlaceBetRequest(**(fields | changes))


async def test_a_placed_bet_comes_back_with_the_balance_and_is_found_by_both_ids() -> None:
    door = Door()
    request = place_request()
    response = await door.betting.PlaceBet(request, context())
    assert response.bet.potential_return.amount_minor == 2_000
    assert response.balance.available.amount_minor == door.ledger.funds_minor
    by_bet = await door.betting.GetBet(betting_service_pb2.GetBetRequest(bet_id=response.bet.bet_id), context())
    by_request = await door.betting.GetBet(betting_service_pb2.GetBetRequest(request_id=request.request_id), context())
    assert by_bet.bet == by_request.bet == response.bet


async def test_a_refusal_names_its_reason_and_every_figure() -> None:
    door = Door()
    door.books.book = FakeBook(decimal_odds_milli=1_900, version=2)
    request = place_request()
    with pytest.raises(DetailedRefusal) as refused:
        await door.betting.PlaceBet(request, context())
    assert refused.value.given_reason == "PRICE_CHANGED"
    assert refused.value.figures == {"decimal_odds_milli": "1900", "book_version": "2"}
    detail = cast("betting_service_pb2.PlaceBetRefusal", refused.value.detail)
    assert (detail.reason, detail.decimal_odds_milli, detail.book_version) == ("PRICE_CHANGED", 1_900, 2)
    found = await door.betting.GetBet(betting_service_pb2.GetBetRequest(request_id=request.request_id), context())
    assert found.refusal == detail
    assert not found.HasField("bet")


async def test_a_stake_refusal_carries_the_stake_in_the_players_currency() -> None:
    door = Door()
    request = place_request(stake=money_pb2.Money(amount_minor=100_001, currency="EUR"))
    with pytest.raises(DetailedRefusal) as refused:
        await door.betting.PlaceBet(request, context())
    detail = cast("betting_service_pb2.PlaceBetRefusal", refused.value.detail)
    assert detail.stake_max == money_pb2.Money(amount_minor=100_000, currency="EUR")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_id": "no uuid"}, IdMalformed),
        ({"price_policy": bet_pb2.PRICE_POLICY_UNSPECIFIED}, RequestMalformed),
        ({"price_policy": 9}, RequestMalformed),
        ({"stake": money_pb2.Money(amount_minor=1, currency="E\0R")}, RequestMalformed),
        ({"legs": [betting_service_pb2.LegRequest(fixture_id="x" * 257)]}, RequestMalformed),
        ({"legs": [betting_service_pb2.LegRequest()] * 65}, RequestMalformed),
    ],
)
async def test_a_malformed_request_never_reaches_the_ledger(changes: dict[str, Any], error: type[Exception]) -> None:
    door = Door()
    with pytest.raises(error):
        await door.betting.PlaceBet(place_request(**changes), context())
    assert door.ledger.commands == []


async def test_bets_and_answers_of_others_are_unknown() -> None:
    door = Door()
    response = await door.betting.PlaceBet(place_request(), context())
    token, _ = await door.sessions.open(replace(PLAYER, player_id=UUID(int=9)))
    for request in (
        betting_service_pb2.GetBetRequest(bet_id=response.bet.bet_id),
        betting_service_pb2.GetBetRequest(request_id=response.bet.request_id),
    ):
        with pytest.raises(BetUnknown):
            await door.betting.GetBet(request, context(token))


async def test_bets_are_listed_by_status() -> None:
    door = Door()
    await door.betting.PlaceBet(place_request(), context())
    listed = await door.betting.ListBets(betting_service_pb2.ListBetsRequest(), context())
    settled = betting_service_pb2.ListBetsRequest(status=bet_pb2.BET_STATUS_SETTLED)
    assert len(listed.bets) == 1
    assert len((await door.betting.ListBets(settled, context())).bets) == 0
    unknown = betting_service_pb2.ListBetsRequest(status=cast("Any", 77))
    with pytest.raises(RequestMalformed):
        await door.betting.ListBets(unknown, context())


def changed(bet: Bet, *kinds: BetEventKind) -> Record:
    now = replace(
        bet,
        status=BetStatus.SETTLED if BetEventKind.SETTLED in kinds else BetStatus.OPEN,
        events=(*bet.events, *(BetEvent(kind, 6, 0) for kind in kinds)),
    )
    message = bet_pb2.BetChanged(bet=build_bet(now), event=build_bet_event(now.events[-1], "EUR"))
    return Record("bets.events.v1", 0, 1, 1, str(PLAYER.cash_account_id), message.SerializeToString())


async def watch(door: Door, request_context: Any | None = None) -> AsyncIterator[betting_service_pb2.WatchBetsResponse]:
    request = betting_service_pb2.WatchBetsRequest()
    async for message in door.betting.WatchBets(request, request_context or context()):
        yield message


def only_bet(door: Door) -> Bet:
    ((_, answer),) = door.ledger.answers.values()
    assert answer.bet is not None
    return answer.bet


async def test_a_watcher_sees_what_is_open_then_changes_with_the_balance_then_signs_of_life() -> None:
    door = Door()
    await door.betting.PlaceBet(place_request(), context())
    messages = watch(door)
    first = await anext(messages)
    assert [bet.status for bet in first.bets] == [bet_pb2.BET_STATUS_OPEN]
    assert first.HasField("balance")
    door.feed.apply([changed(only_bet(door))])
    door.wallet.deposits[uuid4()] = Money(2_000, "EUR")
    door.feed.apply([changed(only_bet(door), BetEventKind.SETTLED)])
    second = await anext(messages)
    assert [bet.status for bet in second.bets] == [bet_pb2.BET_STATUS_SETTLED]
    assert second.balance.available.amount_minor == 2_000
    third = await anext(messages)
    assert (len(third.bets), third.HasField("balance")) == (0, False)


async def test_news_older_than_the_ledgers_answer_is_not_shown() -> None:
    door = Door()
    await door.betting.PlaceBet(place_request(), context())
    messages = watch(door)
    await anext(messages)
    door.feed.apply([changed(only_bet(door))])
    assert list((await anext(messages)).bets) == []


async def test_a_watcher_that_lost_changes_reads_everything_anew() -> None:
    door = Door()
    messages = watch(door)
    await anext(messages)
    await door.betting.PlaceBet(place_request(), context())
    door.feed.lose_all()
    assert len((await anext(messages)).bets) == 1


async def test_a_watch_holds_so_many_bets_and_then_asks_to_read_anew() -> None:
    feed = BetFeed(watchers_max=1)
    held = feed.watch(1)
    for number in range(PENDING_BETS_MAX):
        held.note(bet_pb2.Bet(bet_id=str(number), events=[bet_pb2.BetEvent()]))
    assert (len(held.take()[0]), held.take()[1]) == (PENDING_BETS_MAX, False)
    for number in range(PENDING_BETS_MAX + 1):
        held.note(bet_pb2.Bet(bet_id=str(number), events=[bet_pb2.BetEvent()]))
    assert held.take() == ([], True)


async def test_so_many_watch_and_a_place_that_is_left_is_free_again() -> None:
    feed = BetFeed(watchers_max=1)
    held = feed.watch(1)
    with pytest.raises(TooManyWatchers):
        feed.watch(2)
    feed.unwatch(1, held)
    feed.unwatch(1, held)
    feed.watch(2)
    with pytest.raises(TooManyWatchers):
        feed.watch(3)


async def test_a_stream_ends_with_its_session() -> None:
    door = Door()
    messages = watch(door)
    await anext(messages)
    door.sessions.sessions.clear()
    door.clock.time_us += 31_000_000
    with pytest.raises(SessionRequired):
        await anext(messages)


async def test_a_session_is_looked_up_once_in_two_seconds() -> None:
    door = Door()
    await door.auth.session(context())
    await door.auth.session(context())
    assert door.sessions.finds == 1
    door.clock.time_us += 2_000_001
    await door.auth.session(context())
    assert door.sessions.finds == 2


@pytest.mark.parametrize("token", [None, "unknown", ""])
async def test_no_session_no_call(token: str | None) -> None:
    with pytest.raises(SessionRequired):
        await Door().auth.session(context(token))


async def test_a_session_outlives_its_store_for_a_minute() -> None:
    door = Door()
    await door.auth.session(context())
    door.sessions.is_down = True
    door.clock.time_us += int(OUTAGE_S_MAX * 1_000_000)
    assert (await door.auth.session(context())).player == PLAYER
    door.clock.time_us += 1
    with pytest.raises(SessionsUnavailable):
        await door.auth.session(context())


async def test_only_a_trader_passes_the_desks_door() -> None:
    door = Door()
    with pytest.raises(TraderRequired):
        await door.auth.expect_trader(context())
    token, _ = await door.sessions.open(replace(PLAYER, username="trader", role=PlayerRole.TRADER))
    assert await door.auth.expect_trader(context(token)) == "trader"


async def test_a_player_registers_is_known_logs_out_and_in_again() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob_1", password=PASSWORD, currency="EUR"
    )
    registered = await door.players.Register(request, context(None))
    token = registered.session.token
    me = await door.players.GetMe(player_service_pb2.GetMeRequest(), context(token))
    assert me.player == registered.player
    await door.players.LogOut(player_service_pb2.LogOutRequest(), context(token))
    with pytest.raises(SessionRequired):
        await door.players.GetMe(player_service_pb2.GetMeRequest(), context(token))
    log_in = player_service_pb2.LogInRequest(username="bob_1", password=PASSWORD)
    assert (await door.players.LogIn(log_in, context(None))).player == registered.player


async def test_a_repeated_registration_logs_in_but_only_with_the_same_password() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob", password=PASSWORD, currency="EUR"
    )
    first = await door.players.Register(request, context(None))
    again = await door.players.Register(request, context(None))
    assert again.player == first.player
    request.password = "another password"
    with pytest.raises(UsernameTaken):
        await door.players.Register(request, context(None))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "ab"}, UsernameMalformed),
        ({"username": "a" * 33}, UsernameMalformed),
        ({"username": "Bob"}, UsernameMalformed),
        ({"username": "bob\n"}, UsernameMalformed),
        ({"password": "123456789"}, PasswordMalformed),
        ({"password": "x" * 129}, PasswordMalformed),
        ({"username": "bob.the.builder", "password": "Bob.The.Builder"}, PasswordMalformed),
        ({"currency": "GBP"}, CurrencyMismatch),
        ({"request_id": "1"}, IdMalformed),
    ],
)
async def test_what_is_no_registration_is_refused(changes: dict[str, str], error: type[Exception]) -> None:
    fields = {"request_id": str(uuid4()), "username": "bob", "password": PASSWORD, "currency": "EUR"} | changes
    with pytest.raises(error):
        await Door().players.Register(player_service_pb2.RegisterRequest(**fields), context(None))


@pytest.mark.parametrize("changes", [{"username": "abc"}, {"password": "1234567890"}, {"password": "x" * 128}])
async def test_the_shortest_and_longest_are_taken(changes: dict[str, str]) -> None:
    fields = {"request_id": str(uuid4()), "username": "b" * 32, "password": PASSWORD, "currency": "EUR"} | changes
    response = await Door().players.Register(player_service_pb2.RegisterRequest(**fields), context(None))
    assert response.player.username == fields["username"]


async def test_a_wrong_name_and_a_wrong_password_are_refused_alike_and_cost_alike() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob", password=PASSWORD, currency="EUR"
    )
    await door.players.Register(request, context(None))
    messages = set()
    for username, password in (
        ("bob", "wrong password"),
        ("nobody", PASSWORD),
        ("NO NAME", PASSWORD),
        ("bob", "x" * 999),
    ):
        with pytest.raises(LogInRefused) as refused:
            await door.players.LogIn(
                player_service_pb2.LogInRequest(username=username, password=password), context(None)
            )
        messages.add(refused.value.message)
    assert len(messages) == 1
    assert len(door.passwords.verified) == 4


async def test_passwords_are_not_guessed_by_trying() -> None:
    door = Door()
    wrong = player_service_pb2.LogInRequest(username="bob", password="wrong password")
    for _ in range(3):
        with pytest.raises(LogInRefused):
            await door.players.LogIn(wrong, context(None))
    with pytest.raises(LoginRateLimited):
        await door.players.LogIn(wrong, context(None))


def deposit(amount_minor: int) -> wallet_service_pb2.DepositTestMoneyRequest:
    amount = money_pb2.Money(amount_minor=amount_minor, currency="EUR")
    return wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid4()), amount=amount)


@pytest.mark.parametrize(("amount_minor", "is_taken"), [(0, False), (1, True), (1_000_000, True), (1_000_001, False)])
async def test_test_money_has_bounds(amount_minor: int, is_taken: bool) -> None:
    door = Door()
    if is_taken:
        response = await door.money().DepositTestMoney(deposit(amount_minor), context())
        assert response.balance.available.amount_minor == amount_minor
    else:
        with pytest.raises(AmountOutOfRange):
            await door.money().DepositTestMoney(deposit(amount_minor), context())


async def test_there_is_no_test_money_in_production() -> None:
    door = Door()
    with pytest.raises(DepositRefused):
        await door.money(is_allowed=False).DepositTestMoney(deposit(100), context())
    assert door.wallet.deposits == {}


async def test_a_request_under_way_is_waited_for_when_its_answer_is_asked_for() -> None:
    door = Door()
    door.books.book = FakeBook(is_in_play=True, status=MarketStatus.OPEN)
    request = place_request()
    placing = asyncio.create_task(door.betting.PlaceBet(request, context()))
    await asyncio.sleep(0)
    found = await door.betting.GetBet(betting_service_pb2.GetBetRequest(request_id=request.request_id), context())
    assert found.bet == (await placing).bet
