"""Every gRPC method: who may call it, how long it may take, whose share it takes. What is not in this table is closed.

What a method takes and answers, and whether it streams, is said by its contract. The function that serves it has its
name in snake case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message

from kernel.errors import InvariantBroken
from overround.bets.v1 import betting_service_pb2
from overround.casino.v1 import casino_service_pb2
from overround.feed.v1 import feed_service_pb2
from overround.odds.v1 import odds_service_pb2
from overround.pam.v1 import player_service_pb2, protection_service_pb2
from overround.payments.v1 import payment_service_pb2
from overround.trading.v1 import trading_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from pam.player import PlayerRole

TIMEOUT_S: Final = 5.0
PLACING_TIMEOUT_S: Final = 15.0
"""A bet in play is delayed first; passwords wait for a thread."""

BETTING: Final = betting_service_pb2.DESCRIPTOR.services_by_name["BettingService"].full_name
CASINO: Final = casino_service_pb2.DESCRIPTOR.services_by_name["CasinoService"].full_name
FEED: Final = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"].full_name
ODDS: Final = odds_service_pb2.DESCRIPTOR.services_by_name["OddsService"].full_name
PAYMENTS: Final = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"].full_name
PLAYERS: Final = player_service_pb2.DESCRIPTOR.services_by_name["PlayerService"].full_name
PROTECTION: Final = protection_service_pb2.DESCRIPTOR.services_by_name["ProtectionService"].full_name
TRADING: Final = trading_service_pb2.DESCRIPTOR.services_by_name["TradingService"].full_name
WALLET: Final = wallet_service_pb2.DESCRIPTOR.services_by_name["WalletService"].full_name


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a method.

    Attributes:
        roles: Whose session a call must carry; none where it needs no session.
        refuses_blocked: Whether who is blocked is refused at the door. What a bettor may do is not asked here, but of
            `compliance.permit` by who does it: who asks again for a bet that was taken must get it.
    """

    roles: frozenset[PlayerRole]
    refuses_blocked: bool = False


ANYBODY: Final = Access(frozenset())
LOGGED_IN: Final = Access(frozenset(PlayerRole))
BETTOR: Final = Access(frozenset({PlayerRole.BETTOR}))
TRADER: Final = Access(frozenset({PlayerRole.TRADER}), refuses_blocked=True)


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        service: Full name of its service.
        name: As the contract has it.
        access: Who may call it.
        timeout_s: A call that is no stream gets this long, or less where its client gives it less.
        kind: Calls of a kind share what one source may have under way; "calls" are those of no other kind.
        takes_bytes: Requests reach the function as they came.
        gives_bytes: The function answers encoded messages.
    """

    service: str
    name: str
    access: Access
    timeout_s: float = TIMEOUT_S
    kind: str = "calls"
    takes_bytes: bool = False
    gives_bytes: bool = False

    @property
    def path(self) -> str:
        """Return the name by which it is called."""
        return f"/{self.service}/{self.name}"

    @property
    def function(self) -> str:
        """Return the name of the function that serves it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    @property
    def contract(self) -> MethodDescriptor:
        """Return what the contract says of it."""
        return descriptor_pool.Default().FindMethodByName(f"{self.service}.{self.name}")

    def handler(self, behaviour: Callable[..., Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """Return what a server needs to call the behaviour."""
        contract = self.contract
        request = message_factory.GetMessageClass(contract.input_type)
        answer = message_factory.GetMessageClass(contract.output_type)
        sides = f"{_arity(contract.client_streaming)}_{_arity(contract.server_streaming)}"
        make = getattr(grpc, f"{sides}_rpc_method_handler")
        made: grpc.RpcMethodHandler[Any, Any] = make(
            behaviour,
            request_deserializer=None if self.takes_bytes else _reader_of(request),
            response_serializer=None if self.gives_bytes else answer.SerializeToString,
        )
        return made


METHODS: Final = (
    Method(BETTING, "CalculateReturn", ANYBODY),
    Method(BETTING, "GetBet", BETTOR),
    Method(BETTING, "GetSlip", BETTOR),
    Method(BETTING, "ListBets", BETTOR),
    Method(BETTING, "PlaceSlip", BETTOR, timeout_s=PLACING_TIMEOUT_S),
    Method(BETTING, "WatchBets", BETTOR, kind="streams of bets"),
    Method(CASINO, "GetRound", BETTOR),
    Method(CASINO, "ListGames", BETTOR),
    Method(CASINO, "ListRounds", BETTOR),
    Method(CASINO, "Spin", BETTOR),
    # Providers have keys, which the service itself looks at; what cannot be decoded is kept, and the stream goes on.
    Method(FEED, "Push", ANYBODY, kind="streams of a feed", takes_bytes=True),
    Method(ODDS, "GetBooks", ANYBODY, gives_bytes=True),
    Method(ODDS, "ListFixtures", ANYBODY),
    # Dear, and anybody may: a few from one address hold no other's up.
    Method(ODDS, "PriceBetBuilder", ANYBODY, kind="bet builders"),
    Method(ODDS, "WatchBooks", ANYBODY, kind="streams of books", gives_bytes=True),
    # A provider of payments is waited for.
    Method(PAYMENTS, "Deposit", BETTOR, timeout_s=PLACING_TIMEOUT_S),
    Method(PAYMENTS, "GetDeposit", BETTOR),
    Method(PAYMENTS, "ListPaymentMethods", BETTOR),
    Method(PLAYERS, "GetMe", LOGGED_IN),
    Method(PLAYERS, "ListCurrencies", ANYBODY),
    Method(PLAYERS, "LogIn", ANYBODY, timeout_s=PLACING_TIMEOUT_S, kind="log-ins"),
    # Also of a session that is over already.
    Method(PLAYERS, "LogOut", ANYBODY),
    Method(PLAYERS, "Register", ANYBODY, timeout_s=PLACING_TIMEOUT_S, kind="registrations"),
    Method(PROTECTION, "ConfirmDepositLimit", BETTOR),
    Method(PROTECTION, "ExcludeSelf", BETTOR),
    Method(PROTECTION, "GetProtection", BETTOR),
    Method(PROTECTION, "SetDepositLimit", BETTOR),
    Method(PROTECTION, "TakeTimeOut", BETTOR),
    Method(TRADING, "ExplainPrice", TRADER),
    Method(TRADING, "Resume", TRADER),
    Method(TRADING, "Suspend", TRADER),
    Method(TRADING, "SuspendAllInPlay", TRADER),
    Method(TRADING, "WatchDesk", TRADER, kind="desks", gives_bytes=True),
    Method(WALLET, "DepositTestMoney", BETTOR),
    Method(WALLET, "GetBalance", BETTOR),
    Method(WALLET, "ListStatement", BETTOR),
)
METHOD_BY_PATH: Final[Mapping[str, Method]] = {method.path: method for method in METHODS}


class Service(Protocol):
    """What serves the methods of one service."""

    SERVICE: ClassVar[str]


def functions_of(service: Service) -> dict[Method, Callable[..., Any]]:
    """Return the function of each method of a service.

    Raises:
        InvariantBroken: If one of them has none.
    """
    methods = [method for method in METHODS if method.service == service.SERVICE]
    missing = [method.function for method in methods if not hasattr(service, method.function)]
    if missing or not methods:
        raise InvariantBroken(f"{service.SERVICE} must have methods and a function for each, has none for {missing}")
    return {method: getattr(service, method.function) for method in methods}


def _reader_of(request: type[Message]) -> Callable[[bytes], Message | None]:
    """Return what reads a request; None is for the door to refuse: of an error, gRPC tells the client no reason."""

    def read(raw: bytes) -> Message | None:
        try:
            return request.FromString(raw)
        except DecodeError:
            return None

    return read


def _arity(is_stream: bool) -> str:
    return "stream" if is_stream else "unary"
