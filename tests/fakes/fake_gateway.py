"""All services of betting over fakes: what a client meets, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID, uuid4

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from bets.placement import BetPlacement, BettingRules
from compliance.admission import Admission
from compliance.jurisdiction import LimitWindow
from compliance.limits import DepositLimit
from compliance.ports import ExclusionRegister, RegisterAnswer, RegisterInquiry, RegisterWord
from compliance.protection import Protection
from gateway.auth import Authenticator
from gateway.bet_feed import BetFeed
from gateway.bet_stream import BetStream
from gateway.betting_service import BettingService
from gateway.payment_service import PaymentService
from gateway.player_service import PlayerService
from gateway.protection_service import ProtectionService
from gateway.rpc.call import Call
from gateway.rpc.door import Door as RpcDoor
from gateway.rpc.methods import METHODS, Service
from gateway.source import address_reader
from gateway.wallet_service import WalletService
from infra.house import read_permits
from infra.settings import TEST_HOUSE_DIR
from kernel.errors import Part, Unavailable
from kernel.money import Money
from pam.credentials import LoginRateLimited
from pam.person import Person
from pam.player import Player, PlayerRole, PlayerStatus, StoredPlayer, UsernameTaken
from pam.ports import PasswordDoor
from pam.registration import Registration
from pam.session import Session, StoredSession
from payments.depositing import Deposits
from payments.health import Health
from payments.provider import Method
from payments.routing import Router, RoutingPolicy, Terms
from risk.limits import LimitTable
from tests.currencies import RATES, terms
from tests.fakes.fake_betting import PLAYER, FakeBooks, FakeExposure, FakeLedger, FakeObserver, permits
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_payments import FakeDeposits, FakeProvider
from wallet.balance import Balance
from wallet.statement import Movement, StatementLine, write_lines

TOKEN = "ann's token"
PASSWORD = "correct horse battery"
HOUR_US = 3_600_000_000
CARDS = RoutingPolicy(
    day=date(2026, 1, 1),
    providers={"cards": Terms(methods=frozenset({Method.CARD}), deposit_minor_min=1, deposit_minor_max=100_000)},
    preferred={},
)


class Refused(grpc.aio.AbortError):
    """What a client is told of a call that was refused."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        info = ErrorInfo()
        assert status.details[0].Unpack(info)
        self.status = status
        self.reason = info.reason
        self.figures = dict(info.metadata)


class FakeContext:
    """A call as gRPC gives it to the door."""

    def __init__(self, token: str | None = TOKEN, *, peer: str = "ipv4:10.0.0.1:5000") -> None:
        self._metadata = metadata_of(token)
        self._peer = peer

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    async def abort(self, code: grpc.StatusCode, message: str, trailing_metadata: Any) -> None:
        ((key, value),) = trailing_metadata
        status = Status.FromString(value)
        assert (key, code.value[0], message) == ("grpc-status-details-bin", status.code, status.message)
        raise Refused(status)


class FakeSessions:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sessions: dict[str, StoredSession] = {}
        self.is_down = False
        self.finds = 0
        self.given_up = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def open(self, player: Player) -> tuple[str, Session]:
        token, now_us = uuid4().hex, self.clock.now_us()
        self.put(token, player)
        return token, Session(player, now_us, now_us + HOUR_US)

    def put(self, token: str, player: Player) -> None:
        now_us = self.clock.now_us()
        self.sessions[token] = StoredSession(player.player_id, player.session_epoch, now_us, now_us + HOUR_US)

    async def find(self, token: str) -> StoredSession | None:
        self.finds += 1
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.is_down:
            raise Unavailable(Part.SESSIONS, "Down")
        return self.sessions.get(token)

    async def end(self, token: str) -> None:
        self.sessions.pop(token, None)


class FakePasswords:
    def __init__(self) -> None:
        self.verified: list[str | None] = []
        self.doors: list[PasswordDoor] = []

    async def hash(self, password: str, *, door: PasswordDoor) -> str:
        return f"{uuid4().hex}:{password}"

    async def verify(self, password: str, password_hash: str | None, *, door: PasswordDoor) -> bool:
        self.doors.append(door)
        self.verified.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password


class FakePlayers:
    def __init__(self) -> None:
        self.by_request: dict[UUID, StoredPlayer] = {}
        self.others: dict[UUID, Player] = {}
        self.persons: dict[UUID, Person] = {}
        self.inquiries: list[RegisterInquiry] = []
        self.is_down = False

    async def register(
        self,
        *,
        request_id: UUID,
        username: str,
        password_hash: str,
        role: PlayerRole,
        currency: str,
        jurisdiction: str = "default",
        person: Person | None = None,
    ) -> StoredPlayer:
        if request_id in self.by_request:
            return self.by_request[request_id]
        if await self.find_by_username(username):
            raise UsernameTaken("Taken")
        player = Player(uuid4(), username, role, PlayerStatus.ACTIVE, currency, 70, 1, 0, jurisdiction)
        if person is not None:
            self.persons[player.player_id] = person
        self.by_request[request_id] = StoredPlayer(player, password_hash)
        return self.by_request[request_id]

    async def find_by_username(self, username: str) -> StoredPlayer | None:
        return next((stored for stored in self.by_request.values() if stored.player.username == username), None)

    async def find(self, player_id: UUID) -> Player | None:
        if self.is_down:
            raise Unavailable(Part.LEDGER, "Down")
        registered = (stored.player for stored in self.by_request.values() if stored.player.player_id == player_id)
        return self.others.get(player_id) or next(registered, None)

    def put(self, player: Player) -> None:
        self.others[player.player_id] = player

    async def find_person(self, player_id: UUID) -> Person | None:
        return self.persons.get(player_id)

    async def note_inquiry(self, inquiry: RegisterInquiry) -> None:
        self.inquiries.append(inquiry)


class FakeRegister:
    """Says what it is told to say; nothing stands for silence."""

    def __init__(self) -> None:
        self.word: RegisterWord | None = RegisterWord.NOT_EXCLUDED
        self.asked: list[Person] = []

    async def ask(self, person: Person, *, inquiry_id: UUID) -> RegisterAnswer:
        self.asked.append(person)
        if self.word is None:
            raise Unavailable(Part.EXCLUSION_REGISTER, "Silent")
        return RegisterAnswer(self.word, f"answer to {inquiry_id}")


class FakeAttempts:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def note(self, username: str, *, address: str, role: PlayerRole) -> None:
        self.counts[username] = self.counts.get(username, 0) + 1
        if self.counts[username] > 3:
            raise LoginRateLimited("Too many")

    async def forget(self, username: str, *, address: str, role: PlayerRole) -> None:
        self.counts.pop(username, None)


class FakeProtections:
    """Has the limits that it is given, and keeps what it is told."""

    def __init__(self) -> None:
        self.limits: list[DepositLimit] = []
        self.told: list[tuple[object, ...]] = []

    async def find_limits(self, player: Player) -> Sequence[DepositLimit]:
        return self.limits

    async def set_limit(
        self,
        player: Player,
        request_id: UUID,
        *,
        window: LimitWindow,
        amount_minor: int | None,
        raise_waits_us: int,
        raise_needs_confirmation: bool,
    ) -> None:
        self.told.append(("limit", window, amount_minor, raise_waits_us, raise_needs_confirmation))

    async def confirm_limit(self, player: Player, request_id: UUID, *, window: LimitWindow) -> None:
        self.told.append(("confirm", window))

    async def step_back(self, player: Player, request_id: UUID, *, hours: int) -> None:
        self.told.append(("time-out", hours))

    async def exclude(self, player: Player, request_id: UUID, *, months: int) -> None:
        self.told.append(("exclusion", months))


class FakeWallet:
    def __init__(self) -> None:
        self.deposits: dict[UUID, Money] = {}
        self.held_minor = 0

    async def balance(self, account_id: int) -> Balance:
        total_minor = sum(amount.amount_minor for amount in self.deposits.values())
        return Balance(total_minor - self.held_minor, self.held_minor, "EUR", len(self.deposits))

    async def statement(self, account_id: int, *, size: int, before: str) -> tuple[Sequence[StatementLine], str]:
        movements = [
            Movement(version, amount.amount_minor, "EUR", "deposit", request_id, None, version)
            for version, (request_id, amount) in enumerate(self.deposits.items(), start=1)
        ]
        total_minor = sum(movement.amount_minor for movement in movements)
        return write_lines(movements[::-1], balance_minor=total_minor)[:size], ""

    async def deposit_test_money(self, request_id: UUID, account_id: int, amount: Money) -> Balance:
        self.deposits[request_id] = amount
        return await self.balance(account_id)


class Door:
    """All services over fakes; ann is logged in."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sessions = FakeSessions(self.clock)
        self.sessions.put(TOKEN, PLAYER)
        self.stored_players = FakePlayers()
        self.stored_players.put(PLAYER)
        self.auth = Authenticator(
            self.sessions, self.stored_players, clock=self.clock, cache_ms=2_000, cache_entries_max=2
        )
        self.permits = read_permits(TEST_HOUSE_DIR, home="default", clock=self.clock)
        self.books = FakeBooks()
        self.ledger = FakeLedger()
        self.wallet = FakeWallet()
        self.feed = BetFeed(watchers_max=2)
        self.passwords = FakePasswords()
        table = LimitTable(10, 100_000, 1_000_000, 500_000, 500, 500)
        placement = BetPlacement(
            permits=self.permits,
            books=self.books,
            exposure=FakeExposure(),
            ledger=self.ledger,
            observer=FakeObserver(),
            clock=self.clock,
            rules=BettingRules(terms(table), in_play_delay_ms=10, answer_timeout_ms=500, in_flight_max=10),
        )
        self.stream = BetStream(ledger=self.ledger, wallet=self.wallet, feed=self.feed, clock=self.clock)
        self.betting = BettingService(placement=placement, ledger=self.ledger, stream=self.stream)
        self.registration = Registration(
            players=self.stored_players,
            passwords=self.passwords,
            sessions=self.sessions,
            attempts=FakeAttempts(),
            rates=RATES,
        )
        router = Router(
            CARDS,
            jurisdiction="somewhere",
            connected=("cards",),
            rates=RATES,
            health=Health(),
            clock=self.clock,
        )
        deposits = Deposits(
            providers={"cards": FakeProvider()},
            permits=permits(),
            router=router,
            store=FakeDeposits(),
            clock=self.clock,
        )
        self.payments = PaymentService(deposits=deposits, router=router)
        self.register = FakeRegister()
        self.protections = FakeProtections()
        self.registers: dict[str, ExclusionRegister] = {"gamstop": self.register}

    @property
    def players(self) -> PlayerService:
        """Return the players' service, by the permits of now."""
        admission = Admission(
            permits=self.permits,
            registration=self.registration,
            registers=self.registers,
            persons=self.stored_players,
            new_id=uuid4,
        )
        return PlayerService(auth=self.auth, admission=admission, registration=self.registration, wallet=self.wallet)

    @property
    def protection(self) -> ProtectionService:
        """Return the service of what players protect themselves with."""
        protection = Protection(permits=self.permits, store=self.protections)
        return ProtectionService(auth=self.auth, permits=self.permits, protection=protection)

    async def log_in(self, player: Player) -> str:
        """Return the token of a session of that player."""
        self.stored_players.put(player)
        token, _ = await self.sessions.open(player)
        return token

    def before(self, *, address_calls_max: int = 100, account_calls_max: int = 100) -> RpcDoor:
        """Return what stands before the methods."""
        return RpcDoor(
            self.auth,
            address_reader("the edge's"),
            clock=self.clock,
            calls_by_address=dict.fromkeys({method.kind for method in METHODS}, address_calls_max),
            calls_by_account=dict.fromkeys({method.kind for method in METHODS}, account_calls_max),
        )

    @property
    def services(self) -> tuple[Service, ...]:
        """All that a bettor may ask for, but for books."""
        return (self.betting, self.players, self.money(), self.payments)

    def money(self, *, is_allowed: bool = True) -> WalletService:
        return WalletService(
            permits=self.permits,
            protection=Protection(permits=self.permits, store=self.protections),
            wallet=self.wallet,
            is_test_money_allowed=is_allowed,
            deposit_minor_max=1_000_000,
            rates=RATES,
        )


def metadata_of(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("authorization", f"Bearer {token}"),)


def call_by(player: Player | None = PLAYER, *, token: str | None = TOKEN) -> Call:
    """Return a call that the door let through."""
    return Call(metadata_of(token), "10.0.0.1", None if player is None else Session(player, 0, HOUR_US))


def context(token: str | None = TOKEN, *, peer: str = "ipv4:10.0.0.1:5000") -> Any:
    return cast("Any", FakeContext(token, peer=peer))
