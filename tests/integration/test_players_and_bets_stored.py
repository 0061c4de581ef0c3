"""Players, sessions and bets on real PostgreSQL and Redis, composed as the gateway does it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from redis.asyncio import Redis

from gateway.figures import DeskFigures
from gateway.rpc.server import make_table
from gateway.source import address_reader
from infra.house import read_house, read_permits
from infra.local.secrets import LocalSecrets
from infra.processes.own_log import OwnLog
from infra.processes.parts.access import make_authenticator, make_door
from infra.processes.parts.betting import make_betting, make_keeper
from infra.processes.parts.part import Part, add_up
from infra.processes.parts.players import make_players
from infra.processes.parts.shared import Shared
from infra.processes.servers import Servers
from infra.settings import ROOT, Passwords, Sessions, Settings
from infra.stores.exposure import COMPLETE_KEY, fixture_key
from infra.stores.exposure_keeper import ExposureKeeper
from infra.stores.log_in_attempts import RedisLogInAttempts
from infra.stores.log_place import read_place
from infra.stores.passwords import Argon2Passwords
from infra.stores.players_provision import TRADER_USERNAME, provision_trader
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.redis_client import open_redis
from infra.stores.sessions import SIGNATURE_BYTES, RedisSessions
from kernel.clock import SystemClock
from kernel.commands import Overloaded
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.bets.v1.betting_service_pb2_grpc import BettingServiceStub
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2
from overround.pam.v1.player_service_pb2_grpc import PlayerServiceStub
from overround.wallet.v1 import wallet_pb2, wallet_service_pb2
from overround.wallet.v1.wallet_service_pb2_grpc import WalletServiceStub
from pam.credentials import LoginRateLimited
from pam.player import PlayerRole
from pam.ports import PasswordDoor
from tests.fakes.fake_betting import PLAYER, FakeBook, FakeBooks
from tests.fakes.fake_clock import FakeClock

PATIENCE_MS = 3_000
UNDER_WAY_LIMIT_S = 60.0
OWN_DATABASE = 42  # flushed here
PASSWORD = "correct horse battery"
BETTOR = PlayerRole.BETTOR
CHEAP = Passwords(memory_kib=64, iterations=1, lanes=1)


@pytest.fixture
def own_settings(settings: Settings) -> Settings:
    """A database of its own, and patience where the machine is busy with something else."""
    redis = settings.redis.model_copy(update={"database": OWN_DATABASE})
    betting = settings.betting.model_copy(update={"risk_timeout_ms": PATIENCE_MS})
    sessions = settings.sessions.model_copy(update={"timeout_ms": PATIENCE_MS})
    update = {"redis": redis, "passwords": CHEAP, "betting": betting, "sessions": sessions}
    return settings.model_copy(update=update)


@pytest_asyncio.fixture
async def redis(own_settings: Settings) -> AsyncIterator[Redis]:
    client = open_redis(own_settings.redis_url, connections_max=16, timeout_ms=20_000)
    await client.flushdb()
    yield client
    await client.aclose()


@dataclass
class Client:
    """A player over gRPC."""

    bets: Any
    wallet: Any
    players: Any
    metadata: tuple[tuple[str, str], ...] = ()
    username: str = ""

    async def register(self, deposit_minor: int, *, currency: str = "EUR") -> None:
        self.username = f"p.{uuid4().hex[:20]}"
        registered = await self.players.Register(
            player_service_pb2.RegisterRequest(
                request_id=str(uuid4()), username=self.username, password=PASSWORD, currency=currency
            )
        )
        self.metadata = (("authorization", f"Bearer {registered.session.token}"),)
        await self.wallet.DepositTestMoney(
            wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid4()), amount=money(deposit_minor, currency)),
            metadata=self.metadata,
        )

    async def place(self, request: betting_service_pb2.PlaceSlipRequest) -> betting_service_pb2.BetAnswer:
        response: betting_service_pb2.PlaceSlipResponse = await self.bets.PlaceSlip(request, metadata=self.metadata)
        return response.answers[0]

    async def find(self, request_id: str) -> betting_service_pb2.BetAnswer:
        request = betting_service_pb2.GetSlipRequest(request_id=request_id)
        response: betting_service_pb2.GetSlipResponse = await self.bets.GetSlip(request, metadata=self.metadata)
        return response.answers[0]


@dataclass
class House:
    client: Client
    books: FakeBooks
    betting: Part
    keeper: ExposureKeeper
    fixture_id: str
    log_in_postgres: PostgresPool

    def ask(self, stake_minor: int = 1_000, currency: str = "EUR") -> betting_service_pb2.PlaceSlipRequest:
        leg = betting_service_pb2.LegRequest(
            fixture_id=self.fixture_id, market_id="1x2", outcome_id="home", decimal_odds_milli=2_000, book_version=1
        )
        line = bet_pb2.Line(legs=[0])
        return betting_service_pb2.PlaceSlipRequest(
            request_id=str(uuid4()),
            bets=[betting_service_pb2.BetRequest(legs=[leg], lines=[line], line_stake=money(stake_minor, currency))],
            price_policy=bet_pb2.PRICE_POLICY_NONE,
        )


@pytest_asyncio.fixture
async def house(own_settings: Settings, redis: Redis) -> AsyncIterator[House]:
    async with open_house(own_settings, redis) as opened:
        yield opened


@pytest_asyncio.fixture
async def slow_house(own_settings: Settings, redis: Redis) -> AsyncIterator[House]:
    async with open_house(own_settings, redis, in_play_delay_ms=200) as opened:
        yield opened


@asynccontextmanager
async def open_house(own_settings: Settings, redis: Redis, *, in_play_delay_ms: int = 20) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        postgres, log_in_postgres = [
            PostgresPool(
                own_settings.postgres_dsn, connections_max=4, statement_timeout_ms=20_000, application_name=name
            )
            for name in ("test", "test-log-ins")
        ]
        for pool in (postgres, log_in_postgres):
            await pool.open()
            stack.push_async_callback(pool.close)
        fixture_id = f"sim:{uuid4()}"
        books = FakeBooks(FakeBook(fixture_id=fixture_id))
        clock = SystemClock()
        shared = Shared(
            name="test",
            stack=stack,
            settings=own_settings,
            house=replace(read_house(own_settings.house_dir), in_play_delay_ms=in_play_delay_ms),
            clock=clock,
            servers=Servers(own_settings, "test", stack),
            postgres=postgres,
            log_in_postgres=log_in_postgres,
            redis=redis,
            own_log=OwnLog(postgres, partial(read_place, own_settings.kafka_client, client_id="test-place")),
            permits=read_permits(own_settings.house_dir, home=own_settings.jurisdiction, clock=clock),
            figures=DeskFigures(clock),
        )
        auth = make_authenticator(own_settings, redis=redis, postgres=postgres, clock=clock)
        ledger = PostgresBetLedger(postgres, own_settings.ledger)
        stack.push_async_callback(ledger.close)
        keeper = make_keeper(shared, redis=redis, ledger=ledger)
        betting = make_betting(shared, books)
        await keeper.look()
        door = make_door(own_settings, auth, address_of=address_reader("the edge's"), clock=clock)
        services = add_up((betting, make_players(shared, auth))).services
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((make_table(services, door),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, None)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        stubs: list[Any] = [BettingServiceStub, WalletServiceStub, PlayerServiceStub]
        yield House(Client(*(stub(channel) for stub in stubs)), books, betting, keeper, fixture_id, log_in_postgres)


def euros(amount_minor: int) -> money_pb2.Money:
    return money(amount_minor, "EUR")


def money(amount_minor: int, currency: str) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    trailing: Any = error.trailing_metadata()
    packed = dict(trailing)["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(packed).details:
        detail.Unpack(info)
    return str(info.reason)


async def stake_total_of(redis: Redis, fixture_id: str) -> int:
    return int(await redis.hget(fixture_key(fixture_id), "s1x2") or 0)


async def test_bets_from_registration_to_a_rebuild_of_exposure(house: House, redis: Redis) -> None:
    await house.client.register(deposit_minor=100_000)
    requests = [house.ask() for _ in range(20)]
    responses = await asyncio.gather(*(house.client.place(request) for request in requests))
    repeats = await asyncio.gather(*(house.client.place(request) for request in requests))
    assert [response.bet for response in responses] == [repeat.bet for repeat in repeats]
    balance = await house.client.wallet.GetBalance(
        wallet_service_pb2.GetBalanceRequest(), metadata=house.client.metadata
    )
    assert balance.balance.available.amount_minor == 80_000
    assert await stake_total_of(redis, house.fixture_id) == 20_000
    sessions = [key async for key in redis.scan_iter("session:*")]
    assert len(sessions) == 1
    for key in await redis.keys("exposure:*"):
        await redis.delete(key)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(house.ask())
    assert reason_of(refused.value) == "RISK_UNAVAILABLE"
    await house.keeper.look()
    assert await stake_total_of(redis, house.fixture_id) == 20_000
    await house.client.place(house.ask())
    assert await stake_total_of(redis, house.fixture_id) == 21_000


async def test_refusals_come_with_their_figures_and_free_what_they_held(house: House, redis: Redis) -> None:
    await house.client.register(deposit_minor=500)
    request = house.ask()
    for _ in range(2):
        refusal = (await house.client.place(request)).refusal
        assert (refusal.reason, refusal.stake_max) == ("INSUFFICIENT_FUNDS", euros(500))
    unknown = house.ask()
    unknown.bets[0].legs[0].outcome_id = "no\0body"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(unknown)
    assert reason_of(refused.value) == "REQUEST_MALFORMED"
    unknown.bets[0].legs[0].outcome_id = "nobody"
    refusal = (await house.client.place(unknown)).refusal
    assert [(leg.leg, leg.reason) for leg in refusal.legs] == [(0, "OUTCOME_UNKNOWN")]
    assert (await house.client.find(unknown.request_id)).refusal == refusal
    assert await stake_total_of(redis, house.fixture_id) == 0


async def test_a_bet_in_play_is_watched_and_listed(house: House) -> None:
    await house.client.register(deposit_minor=10_000)
    house.books.book = FakeBook(fixture_id=house.fixture_id, is_in_play=True)
    await house.client.place(house.ask())
    call = house.client.bets.WatchBets(betting_service_pb2.WatchBetsRequest(), metadata=house.client.metadata)
    first = await call.read()
    assert [bet.legs[0].is_in_play for bet in first.bets] == [True]
    assert first.balance.available.amount_minor == 9_000
    call.cancel()
    pages = []
    token = ""
    await house.client.place(house.ask())
    for _ in range(2):
        request = betting_service_pb2.ListBetsRequest()
        request.page.size, request.page.token = 1, token
        page = await house.client.bets.ListBets(request, metadata=house.client.metadata)
        pages.extend(page.bets)
        token = page.next_token
    assert len({bet.bet_id for bet in pages}) == 2
    assert token == ""


async def test_the_statement_has_every_movement_with_the_balance_that_it_left(house: House) -> None:
    await house.client.register(deposit_minor=10_000)
    for stake_minor in (1_000, 2_000, 3_000):
        await house.client.place(house.ask(stake_minor))
    lines: list[wallet_pb2.StatementLine] = []
    token, sizes = "", []
    while token or not lines:
        request = wallet_service_pb2.ListStatementRequest()
        request.page.size, request.page.token = 3, token
        page = await house.client.wallet.ListStatement(request, metadata=house.client.metadata)
        lines.extend(page.lines)
        sizes.append(len(page.lines))
        token = page.next_token
    assert sizes == [3, 1]
    told = [(line.account_version, line.kind, line.amount.amount_minor, line.balance.amount_minor) for line in lines]
    assert told == [
        (4, "stake", -3_000, 4_000),
        (3, "stake", -2_000, 7_000),
        (2, "stake", -1_000, 9_000),
        (1, "deposit", 10_000, 10_000),
    ]
    bets = await house.client.bets.ListBets(betting_service_pb2.ListBetsRequest(), metadata=house.client.metadata)
    assert [line.subject_id for line in lines] == [*(bet.bet_id for bet in bets.bets), ""]
    assert len({line.transfer_id for line in lines}) == 4


@pytest.mark.parametrize("token", ["x", "1", "1.", ".1", "1.1.1", "-1.1", "9" * 19 + ".1", "1.1\n"])
async def test_a_token_that_no_page_gave_is_refused(house: House, token: str) -> None:
    await house.client.register(deposit_minor=10_000)
    request = wallet_service_pb2.ListStatementRequest()
    request.page.token = token
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.wallet.ListStatement(request, metadata=house.client.metadata)
    assert reason_of(refused.value) == "ID_MALFORMED"


async def test_an_account_without_movements_has_an_empty_statement(house: House) -> None:
    registered = await house.client.players.Register(
        player_service_pb2.RegisterRequest(
            request_id=str(uuid4()), username=f"p.{uuid4().hex[:20]}", password=PASSWORD, currency="EUR"
        )
    )
    metadata = (("authorization", f"Bearer {registered.session.token}"),)
    page = await house.client.wallet.ListStatement(wallet_service_pb2.ListStatementRequest(), metadata=metadata)
    assert (list(page.lines), page.next_token) == ([], "")


@pytest.mark.parametrize("left_after_s", [0.02, 0.1, 0.19])
async def test_a_call_cancelled_within_the_delay_leaves_the_bet_as_it_would_have_been(
    slow_house: House, redis: Redis, left_after_s: float
) -> None:
    house = slow_house
    await house.client.register(deposit_minor=10_000)
    house.books.book = FakeBook(fixture_id=house.fixture_id, is_in_play=True)
    request = house.ask()
    call = house.client.bets.PlaceSlip(request, metadata=house.client.metadata)
    await asyncio.sleep(left_after_s)
    call.cancel()
    found = await house.client.find(request.request_id)
    assert found.bet.request_id == request.request_id
    assert await stake_total_of(redis, house.fixture_id) == 1_000


async def test_a_gateway_that_ends_decides_what_is_under_way_and_begins_nothing(
    slow_house: House, redis: Redis
) -> None:
    house = slow_house
    await house.client.register(deposit_minor=10_000)
    house.books.book = FakeBook(fixture_id=house.fixture_id, is_in_play=True)
    placing = asyncio.ensure_future(house.client.place(house.ask()))
    async with asyncio.timeout(UNDER_WAY_LIMIT_S):
        while await stake_total_of(redis, house.fixture_id) == 0:  # noqa: ASYNC110 (Redis tells nobody)
            await asyncio.sleep(0.005)
    (end,) = house.betting.endings
    closing = asyncio.ensure_future(end())
    await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(house.ask())
    assert reason_of(refused.value) == "OVERLOADED"
    await closing
    assert (await placing).bet.stake == euros(1_000)


async def test_bets_are_in_the_players_currency_and_risk_in_the_reference_currency(house: House, redis: Redis) -> None:
    await house.client.register(deposit_minor=500_000, currency="JPY")
    placed = await house.client.place(house.ask(10_000, "JPY"))
    assert (placed.bet.stake, placed.bet.potential_return) == (money(10_000, "JPY"), money(20_000, "JPY"))
    balance = await house.client.wallet.GetBalance(
        wallet_service_pb2.GetBalanceRequest(), metadata=house.client.metadata
    )
    assert balance.balance.available == money(490_000, "JPY")
    # At 184.09 yen for a euro: 54.32 euros. The most of a bet, 1,000 euros, is 184,090 yen.
    assert await stake_total_of(redis, house.fixture_id) == 5_432
    refusal = (await house.client.place(house.ask(184_091, "JPY"))).refusal
    assert (refusal.reason, refusal.stake_max) == ("STAKE_LIMIT_EXCEEDED", money(184_090, "JPY"))
    assert (await house.client.place(house.ask(1_000, "EUR"))).refusal.reason == "CURRENCY_MISMATCH"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.register(deposit_minor=1, currency="SEK")
    assert reason_of(refused.value) == "CURRENCY_MISMATCH"


async def test_a_repeat_gets_its_bet_whatever_has_stopped_since(house: House, redis: Redis) -> None:
    await house.client.register(deposit_minor=10_000)
    request = house.ask()
    placed = (await house.client.place(request)).bet
    house.books.is_live = False
    assert (await house.client.place(request)).bet == placed
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(house.ask())
    assert reason_of(refused.value) == "PRICING_UNAVAILABLE"
    house.books.is_live = True
    await redis.delete(COMPLETE_KEY)
    assert (await house.client.place(request)).bet == placed
    request.bets[0].line_stake.amount_minor += 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(request)
    assert reason_of(refused.value) == "REQUEST_ID_REUSED"


async def test_a_player_cannot_pass_the_limit_of_one_market(house: House, own_settings: Settings) -> None:
    await house.client.register(deposit_minor=1_000_000)
    limits = read_house(own_settings.house_dir).limits
    most_minor = limits.stake_minor_max
    for _ in range(limits.player_stakes_max):
        await house.client.place(house.ask(most_minor))
    refusal = (await house.client.place(house.ask(most_minor))).refusal
    assert (refusal.reason, refusal.stake_max) == ("PLAYER_STAKE_LIMIT_EXCEEDED", euros(0))
    assert refusal.stake_min == euros(10)


async def test_a_wrong_password_and_an_unknown_name_get_one_answer(house: House) -> None:
    for username in ("nobody.at.all", f"x.{uuid4().hex[:12]}"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await house.client.players.LogIn(player_service_pb2.LogInRequest(username=username, password=PASSWORD))
        assert reason_of(refused.value) == "LOG_IN_REFUSED"
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_the_trader_is_made_once_and_logs_in(house: House, own_settings: Settings) -> None:
    secrets = LocalSecrets.load(own_settings)
    first = await provision_trader(own_settings, secrets)
    assert await provision_trader(own_settings, secrets) == first
    assert first.role == PlayerRole.TRADER
    request = player_service_pb2.LogInRequest(username=TRADER_USERNAME, password=secrets.trader_password)
    assert (await house.client.players.LogIn(request)).player.player_id == str(first.player_id)


async def administer(settings: Settings, *command: str) -> str:
    arguments = [sys.executable, "-m", "infra.cli", "players", *command]
    environment = {**os.environ, **settings.environment()}
    done = await asyncio.to_thread(
        subprocess.run, arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    return done.stdout + done.stderr


async def test_who_is_blocked_bets_no_more_with_the_session_they_have(house: House, own_settings: Settings) -> None:
    await house.client.register(deposit_minor=10_000)
    taken = house.ask()
    placed = await house.client.place(taken)
    assert "is blocked" in await administer(own_settings, "block", house.client.username)
    await asyncio.sleep(own_settings.sessions.cache_ms / 1_000)
    assert (await house.client.place(house.ask())).refusal.reason == "PLAYER_BLOCKED"
    found = await house.client.find(taken.request_id)
    assert found.bet == placed.bet
    assert "is active" in await administer(own_settings, "unblock", house.client.username)
    await asyncio.sleep(own_settings.sessions.cache_ms / 1_000)
    await house.client.place(house.ask())


async def test_log_ins_that_wait_for_their_connections_keep_no_bet_waiting(house: House) -> None:
    await house.client.register(deposit_minor=10_000)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(house.log_in_postgres.connection())
        log_in = player_service_pb2.LogInRequest(username=house.client.username, password=PASSWORD)
        waiting = asyncio.ensure_future(house.client.players.LogIn(log_in))
        async with asyncio.timeout(15.0):
            await house.client.place(house.ask())
        assert not waiting.done()
    assert (await waiting).player.username == house.client.username


async def test_whose_sessions_are_ended_has_to_log_in_again(house: House, own_settings: Settings) -> None:
    await house.client.register(deposit_minor=10_000)
    assert "is over" in await administer(own_settings, "end-sessions", house.client.username)
    await asyncio.sleep(own_settings.sessions.cache_ms / 1_000)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.client.place(house.ask())
    assert reason_of(refused.value) == "SESSION_REQUIRED"
    log_in = player_service_pb2.LogInRequest(username=house.client.username, password=PASSWORD)
    session = (await house.client.players.LogIn(log_in)).session
    house.client.metadata = (("authorization", f"Bearer {session.token}"),)
    await house.client.place(house.ask())
    assert "nobody is called 'no.such.name'" in await administer(own_settings, "end-sessions", "no.such.name")


async def test_a_session_expires_when_idle_and_at_its_age(own_settings: Settings, redis: Redis) -> None:
    clock = FakeClock()
    limits = own_settings.sessions.model_copy(update={"idle_s": 60, "age_s_max": 100})
    sessions = RedisSessions(redis, limits, signing_key="ours", clock=clock)
    token, opened = await sessions.open(PLAYER)
    assert opened.expires_time_us == clock.now_us() + 60_000_000
    clock.time_us += 50_000_000
    found = await sessions.find(token)
    assert found is not None
    assert (found.player_id, found.expires_time_us) == (PLAYER.player_id, opened.opened_time_us + 100_000_000)
    (key,) = [key async for key in redis.scan_iter("session:*")]
    assert token not in key.decode()
    assert 0 < await redis.ttl(key) <= 60
    clock.time_us += 50_000_000
    assert await sessions.find(token) is None
    assert not await redis.exists(key)


async def test_a_session_that_ended_is_gone_and_tokens_differ(own_settings: Settings, redis: Redis) -> None:
    sessions = RedisSessions(redis, own_settings.sessions, signing_key="ours", clock=SystemClock())
    tokens = [(await sessions.open(PLAYER))[0] for _ in range(2)]
    assert len(set(tokens)) == 2
    await sessions.end(tokens[0])
    assert await sessions.find(tokens[0]) is None
    assert await sessions.find(tokens[1]) is not None
    assert await sessions.find("x" * 1_000) is None


@pytest.mark.parametrize("key", ["", "theirs"])
async def test_who_writes_to_the_store_makes_no_session(own_settings: Settings, redis: Redis, key: str) -> None:
    ours = RedisSessions(redis, own_settings.sessions, signing_key="ours", clock=SystemClock())
    token, _ = await RedisSessions(redis, own_settings.sessions, signing_key=key, clock=SystemClock()).open(PLAYER)
    assert await ours.find(token) is None


async def test_a_record_says_nothing_where_it_was_not_put_or_once_it_was_changed(
    own_settings: Settings, redis: Redis
) -> None:
    sessions = RedisSessions(redis, own_settings.sessions, signing_key="ours", clock=SystemClock())
    token, _ = await sessions.open(PLAYER)
    (key,) = [key async for key in redis.scan_iter("session:*")]
    record: Any = await redis.get(key)
    copy = f"session:{hashlib.sha256(b'a token of mine').hexdigest()}"
    await redis.set(copy, record)
    assert await sessions.find("a token of mine") is None
    for forged in (
        record[SIGNATURE_BYTES:],
        record[:-1],
        record.replace(b'"session_epoch":0', b'"session_epoch":1'),
        b"",
    ):
        await redis.set(key, forged)
        assert await sessions.find(token) is None
    await redis.set(key, record)
    assert await sessions.find(token) is not None


@pytest.fixture
def limits(own_settings: Settings) -> Sessions:
    limits = {"log_in_attempts_max": 2, "log_in_attempts_by_address_max": 4, "log_in_delay_ms_max": 3_000}
    return own_settings.sessions.model_copy(update=limits)


async def refused_for_s(attempts: RedisLogInAttempts, username: str, address: str, role: PlayerRole = BETTOR) -> int:
    """Return for how many seconds a log-in is refused, 0 if it may be tried."""
    try:
        await attempts.note(username, address=address, role=role)
    except LoginRateLimited as refused:
        return int(refused.figures["retry_s"])
    return 0


async def test_wrong_log_ins_are_free_at_first_and_then_ever_farther_apart(limits: Sessions, redis: Redis) -> None:
    clock = FakeClock()
    attempts = RedisLogInAttempts(redis, limits, clock=clock)
    assert [await refused_for_s(attempts, "ann", "10.0.0.1") for _ in range(4)] == [0, 0, 0, 1]
    for delay_s in (1, 2, 3, 3):
        clock.time_us += delay_s * 1_000_000 - 1_000
        # What came too early counts for nothing: it makes nobody wait longer.
        assert await refused_for_s(attempts, "ann", "10.0.0.1") == 1
        clock.time_us += 1_000
        assert await refused_for_s(attempts, "ann", "10.0.0.1") == 0


async def test_a_strangers_wrong_log_ins_keep_the_right_person_not_out(limits: Sessions, redis: Redis) -> None:
    attempts = RedisLogInAttempts(redis, limits, clock=FakeClock())
    for _ in range(10):
        await refused_for_s(attempts, "ann", "10.0.0.66")
    assert await refused_for_s(attempts, "ann", "10.0.0.66") == 1
    assert await refused_for_s(attempts, "ann", "10.0.0.1") == 0


async def test_names_are_not_tried_one_after_the_other_from_one_address(limits: Sessions, redis: Redis) -> None:
    attempts = RedisLogInAttempts(redis, limits, clock=FakeClock())
    refused = [await refused_for_s(attempts, f"name{number}", "10.0.0.66") for number in range(7)]
    assert refused == [0, 0, 0, 0, 0, 1, 1]
    assert await refused_for_s(attempts, "trader", "10.0.0.66", PlayerRole.TRADER) == 0
    assert await refused_for_s(attempts, "name9", "10.0.0.1") == 0


async def test_who_logs_in_gives_back_what_their_own_attempts_took_and_no_more(limits: Sessions, redis: Redis) -> None:
    attempts = RedisLogInAttempts(redis, limits, clock=FakeClock())
    for number in range(3):
        await attempts.note(f"name{number}", address="10.0.0.1", role=BETTOR)
    for _ in range(5):
        await attempts.note("ann", address="10.0.0.1", role=BETTOR)
        await attempts.forget("ann", address="10.0.0.1", role=BETTOR)
    await attempts.forget("nobody", address="10.0.0.1", role=BETTOR)
    assert [await refused_for_s(attempts, f"name{number}", "10.0.0.1") for number in (3, 4, 5)] == [0, 0, 1]


async def test_ten_wrong_log_ins_of_the_trader_do_not_keep_the_trader_out(house: House, own_settings: Settings) -> None:
    secrets = LocalSecrets.load(own_settings)
    await provision_trader(own_settings, secrets)
    for number in range(10):
        wrong = player_service_pb2.LogInRequest(username=TRADER_USERNAME, password=f"wrong password {number}")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await house.client.players.LogIn(wrong)
        assert reason_of(refused.value) == "LOG_IN_REFUSED"
    request = player_service_pb2.LogInRequest(username=TRADER_USERNAME, password=secrets.trader_password)
    assert (await house.client.players.LogIn(request)).player.username == TRADER_USERNAME


async def test_passwords_are_argon2id() -> None:
    passwords = Argon2Passwords(CHEAP)
    door = PasswordDoor.LOG_IN
    try:
        stored = await passwords.hash(PASSWORD, door=door)
        assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
        assert await passwords.hash(PASSWORD, door=door) != stored
        assert await passwords.verify(PASSWORD, stored, door=door)
        assert not await passwords.verify("another password", stored, door=door)
        assert not await passwords.verify(PASSWORD, None, door=door)
        assert not await passwords.verify(PASSWORD, "no hash", door=door)
    finally:
        passwords.close()


@pytest.mark.parametrize("full", PasswordDoor)
async def test_a_full_door_keeps_no_other_waiting(full: PasswordDoor) -> None:
    slow = CHEAP.model_copy(update={"iterations": 4_000, "threads": 1, "waiting_max": 1})
    passwords = Argon2Passwords(slow)
    try:
        hashing = [asyncio.ensure_future(passwords.hash(PASSWORD, door=full)) for _ in range(3)]
        done, waiting = await asyncio.wait(hashing, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [Overloaded]
        for door in set(PasswordDoor) - {full}:
            await passwords.hash(PASSWORD, door=door)
        await asyncio.gather(*waiting)
    finally:
        passwords.close()


async def test_who_gave_up_before_their_turn_is_not_hashed_for() -> None:
    passwords = Argon2Passwords(CHEAP.model_copy(update={"iterations": 2_000, "threads": 1, "waiting_max": 20}))
    try:
        begun_s = time.process_time()  # of processors, so that who else needs them does not count
        await passwords.hash(PASSWORD, door=PasswordDoor.REGISTRATION)
        one_s = time.process_time() - begun_s
        first, *others = (
            asyncio.ensure_future(passwords.hash(PASSWORD, door=PasswordDoor.REGISTRATION)) for _ in range(20)
        )
        await asyncio.sleep(0)
        for task in others:
            task.cancel()
        begun_s = time.process_time()
        await first
        await passwords.hash(PASSWORD, door=PasswordDoor.REGISTRATION)
        assert time.process_time() - begun_s < 8 * one_s
    finally:
        passwords.close()
