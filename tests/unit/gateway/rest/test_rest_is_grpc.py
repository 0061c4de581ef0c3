"""Every path of the REST API against the gRPC method that it is: the same answers field by field, the same refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from yarl import URL

from gateway.bet_builders import BetBuilders
from gateway.books import BookCache
from gateway.http.answers import STATUS_BY_CATEGORY
from gateway.http.app import make_app
from gateway.odds_service import OddsService
from gateway.rest.paths import PATHS, Path
from gateway.rest.routes import make_routes
from gateway.rpc.server import make_table
from infra.processes.asgi_site import serving_asgi
from infra.settings import Doors
from odds.ladder.steps import FINE_LADDER
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.common.v1.money_pb2 import Money
from overround.common.v1.page_pb2 import PageRequest
from overround.odds.v1 import fixture_pb2, odds_service_pb2
from overround.pam.v1 import player_service_pb2
from overround.payments.v1 import payment_pb2, payment_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from pam.player import Player, PlayerRole, PlayerStatus
from tests.fakes.fake_explanations import FakeNewestExplanations
from tests.fakes.fake_gateway import PASSWORD, TOKEN, Door
from tests.free_ports import free_port
from tests.unit.gateway.test_betting_services import place_request
from tests.unit.gateway.test_gateway_books import NOW_US, build, record
from wire.reasons import CATEGORY_BY_REASON

EUROS = Money(amount_minor=12_345, currency="EUR")
NOBODY = str(UUID(int=99))
PATH_BY_METHOD = {path.method.name: path for path in PATHS}
TRADER = Player(UUID(int=8), "tess", PlayerRole.TRADER, PlayerStatus.ACTIVE, "EUR", 71, 1, 0)
TRADERS_TOKEN = "tess's token"


@dataclass(frozen=True)
class Told:
    """What either door told: an answer, or why there is none."""

    answer: Message | None = None
    reason: str = ""
    message: str = ""
    figures: tuple[tuple[str, str], ...] = ()


class BothDoors:
    """The same services behind gRPC and behind REST."""

    def __init__(self, client: aiohttp.ClientSession, channel: grpc.aio.Channel, port: int) -> None:
        self._client = client
        self._channel = channel
        self._port = port

    async def by_grpc(self, path: Path, asked: Message, token: str | None) -> Told:
        call: Any = self._channel.unary_unary(
            path.called, request_serializer=type(asked).SerializeToString, response_deserializer=path.answer.FromString
        )
        metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        try:
            answer = await call(asked, metadata=metadata, timeout=60)
            return Told(answer if path.pick is None else path.pick(asked, answer))
        except grpc.aio.AioRpcError as error:
            trailing: Any = error.trailing_metadata()
            info = ErrorInfo()
            Status.FromString(dict(trailing)["grpc-status-details-bin"]).details[0].Unpack(info)
            return Told(None, info.reason, error.details() or "", tuple(sorted(info.metadata.items())))

    async def by_rest(self, path: Path, asked: Message, token: str | None) -> Told:
        address, body = to_http(path, asked)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = URL(f"http://127.0.0.1:{self._port}{address}", encoded=True)
        async with self._client.request(path.verb, url, data=body, headers=headers) as answer:
            told = await answer.json()
            if answer.status == 200:
                assert (answer.headers["Cache-Control"] == "no-store") is (path.fresh_s is None)
                return Told(json_format.ParseDict(told, (path.picked or path.answer)()))
            status = answer.status
        assert status == STATUS_BY_CATEGORY[CATEGORY_BY_REASON[told["reason"]]]
        return Told(None, told["reason"], told["message"], tuple(sorted(told["figures"].items())))


def to_http(path: Path, asked: Message) -> tuple[str, bytes | None]:
    """Return the address and the body by which a client asks that."""
    rest = type(asked)()
    rest.CopyFrom(asked)
    parts = []
    for part in path.template.split("/"):
        if part.startswith("{"):
            name = path.names.get(part.strip("{}"), part.strip("{}"))
            value: Any = getattr(asked, name)
            parts.append(quote(value if isinstance(value, str) else value[0], safe=":"))
            rest.ClearField(cast("Any", name))
        else:
            parts.append(part)
    if not path.takes_address:
        return "/".join(parts), json_format.MessageToJson(rest).encode()
    query = "&".join(f"{name}={quote(str(value))}" for name, value in flat(json_format.MessageToDict(rest)))
    return "/".join(parts) + (query and f"?{query}"), None


def flat(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@pytest.fixture
async def doors() -> AsyncIterator[BothDoors]:
    async with AsyncExitStack() as stack:
        door = Door()
        await door.registration.register(application("bea"), jurisdiction="default", address="10.0.0.1")
        door.stored_players.put(TRADER)
        door.sessions.put(TRADERS_TOKEN, TRADER)
        books = BookCache(
            clock=door.clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=1
        )
        books.apply([record(build(f"f:{number}", NOW_US, fixture_pb2.FIXTURE_STATUS_IN_PLAY)) for number in range(3)])
        builders = BetBuilders(books=cast("Any", books), explanations=FakeNewestExplanations(), ladder=FINE_LADDER)
        odds = OddsService(books=books, builders=builders, clock=door.clock, in_play_delay_ms=0)
        services = (odds, *door.services)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((make_table(services, door.before()),))
        grpc_port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, None)
        port = free_port()
        app = make_app(make_routes(services, door.before()))
        await stack.enter_async_context(serving_asgi(app, host="127.0.0.1", port=port, settings=Doors()))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}"))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        yield BothDoors(client, channel, port)


def application(username: str) -> Any:
    from pam.registration import Application  # noqa: PLC0415

    return Application(request_id=uuid4(), username=username, password=PASSWORD, currency="EUR")


SLIP = place_request(request_id=str(UUID(int=1)))
LEGS = [odds_service_pb2.BetBuilderLeg(market_id="1x2", outcome_id="home")]
CALCULATION = betting_service_pb2.CalculateReturnRequest(
    legs=[
        betting_service_pb2.CalculatedLeg(
            decimal_odds_milli=2_000, result=betting_service_pb2.LegResult(win_factor_micro=1_000_000)
        )
    ],
    fold_sizes=[1],
    unit_stake=EUROS,
)
REGISTRATION = player_service_pb2.RegisterRequest(
    request_id=str(UUID(int=2)), username="cleo", password=PASSWORD, currency="EUR"
)
LOG_IN = player_service_pb2.LogInRequest(request_id=NOBODY, username="bea", password=PASSWORD)
DEPOSIT = wallet_service_pb2.DepositTestMoneyRequest(request_id=str(UUID(int=3)), amount=EUROS)

PAID_IN = payment_service_pb2.DepositRequest(
    request_id=str(UUID(int=4)), amount=EUROS, method=payment_pb2.PAYMENT_METHOD_CARD, instrument="tok_ok"
)

CASES: tuple[tuple[str, Message, str | None, str], ...] = (
    ("ListFixtures", odds_service_pb2.ListFixturesRequest(page=PageRequest(size=2)), None, ""),
    ("ListFixtures", odds_service_pb2.ListFixturesRequest(page=PageRequest(token="f:1")), None, ""),
    ("GetBooks", odds_service_pb2.GetBooksRequest(fixture_ids=["f:1"]), None, ""),
    ("PriceBetBuilder", odds_service_pb2.PriceBetBuilderRequest(fixture_id="f:9", legs=LEGS), None, "FIXTURE_UNKNOWN"),
    ("PriceBetBuilder", odds_service_pb2.PriceBetBuilderRequest(fixture_id="f:1"), None, "*"),
    ("ListCurrencies", player_service_pb2.ListCurrenciesRequest(), None, ""),
    ("Register", REGISTRATION, None, ""),
    ("Register", player_service_pb2.RegisterRequest(username="?"), None, "ID_MALFORMED"),
    ("LogIn", LOG_IN, None, ""),
    ("LogIn", player_service_pb2.LogInRequest(username="bea", password="wrong"), None, "LOG_IN_REFUSED"),
    ("LogOut", player_service_pb2.LogOutRequest(request_id=NOBODY), TOKEN, ""),
    ("LogOut", player_service_pb2.LogOutRequest(), None, "SESSION_REQUIRED"),
    ("GetMe", player_service_pb2.GetMeRequest(), TOKEN, ""),
    ("GetMe", player_service_pb2.GetMeRequest(), TRADERS_TOKEN, ""),
    ("GetBalance", wallet_service_pb2.GetBalanceRequest(), TOKEN, ""),
    ("GetBalance", wallet_service_pb2.GetBalanceRequest(), TRADERS_TOKEN, "BETTOR_REQUIRED"),
    ("GetBalance", wallet_service_pb2.GetBalanceRequest(), "nobody's", "SESSION_REQUIRED"),
    ("DepositTestMoney", DEPOSIT, TOKEN, ""),
    ("DepositTestMoney", wallet_service_pb2.DepositTestMoneyRequest(request_id=NOBODY), TOKEN, "REQUEST_MALFORMED"),
    ("ListStatement", wallet_service_pb2.ListStatementRequest(page=PageRequest(size=7)), TOKEN, ""),
    ("ListPaymentMethods", payment_service_pb2.ListPaymentMethodsRequest(), TOKEN, ""),
    ("Deposit", PAID_IN, TOKEN, ""),
    ("Deposit", payment_service_pb2.DepositRequest(), TOKEN, "REQUEST_MALFORMED"),
    ("GetDeposit", payment_service_pb2.GetDepositRequest(deposit_id=NOBODY), TOKEN, "DEPOSIT_UNKNOWN"),
    ("PlaceSlip", SLIP, TOKEN, ""),
    ("PlaceSlip", place_request(bets=[]), TOKEN, "*"),
    ("PlaceSlip", SLIP, None, "SESSION_REQUIRED"),
    ("GetSlip", betting_service_pb2.GetSlipRequest(request_id=SLIP.request_id), TOKEN, ""),
    ("GetSlip", betting_service_pb2.GetSlipRequest(request_id="x"), TOKEN, "ID_MALFORMED"),
    ("ListBets", betting_service_pb2.ListBetsRequest(status=bet_pb2.BET_STATUS_OPEN), TOKEN, ""),
    ("GetBet", betting_service_pb2.GetBetRequest(bet_id=NOBODY), TOKEN, "BET_UNKNOWN"),
    ("CalculateReturn", CALCULATION, None, ""),
    ("CalculateReturn", betting_service_pb2.CalculateReturnRequest(unit_stake=EUROS), None, "*"),
)


async def test_both_doors_tell_the_same(doors: BothDoors) -> None:
    # One after another: slips are placed before they are asked for.
    for name, asked, token, reason in CASES:
        path = PATH_BY_METHOD[name]
        if name == "LogOut":
            continue
        by_grpc = await doors.by_grpc(path, asked, token)
        by_rest = await doors.by_rest(path, asked, token)
        assert without_tokens(by_rest) == without_tokens(by_grpc), name
        if reason == "*":
            assert by_rest.reason, name
        else:
            assert by_rest.reason == reason, (name, by_rest)


async def test_a_session_that_is_ended_by_one_is_over_for_the_other(doors: BothDoors) -> None:
    log_out, get_me = PATH_BY_METHOD["LogOut"], PATH_BY_METHOD["GetMe"]
    asked, me = player_service_pb2.LogOutRequest(), player_service_pb2.GetMeRequest()
    assert (await doors.by_rest(log_out, asked, None)) == (await doors.by_grpc(log_out, asked, None))
    assert (await doors.by_grpc(get_me, me, TOKEN)).answer is not None
    assert (await doors.by_rest(log_out, asked, TOKEN)).answer == player_service_pb2.LogOutResponse()
    assert (await doors.by_grpc(get_me, me, TOKEN)).reason == "SESSION_REQUIRED"
    assert (await doors.by_rest(get_me, me, TOKEN)).reason == "SESSION_REQUIRED"


def test_every_path_has_its_case() -> None:
    assert {name for name, *_ in CASES} == set(PATH_BY_METHOD)


def without_tokens(told: Told) -> Told:
    """Return what was told, without what is another at every asking: the token of a session."""
    if isinstance(told.answer, player_service_pb2.RegisterResponse | player_service_pb2.LogInResponse):
        told.answer.session.ClearField("token")
    return told
