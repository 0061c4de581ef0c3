"""A person registers under the rules of where they live, bounds what they pay in, and excludes themselves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from overround.bets.v1 import betting_service_pb2, betting_service_pb2_grpc
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2 as players_pb2
from overround.pam.v1 import player_service_pb2_grpc as players_grpc
from overround.pam.v1 import protection_service_pb2 as protection_pb2
from overround.pam.v1 import protection_service_pb2_grpc as protection_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc
from tests.running_system import RunningSystem

STREAM_LIMIT_S = 1.0


@pytest.fixture
async def channel(system: RunningSystem) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"{system.settings.host}:{system.settings.ports.web}") as opened:
        yield opened


def application(surname: str, *, born: str = "1990-05-17", country: str = "MT") -> players_pb2.RegisterRequest:
    return players_pb2.RegisterRequest(
        request_id=str(uuid4()),
        username=f"p.{uuid4().hex[:20]}",
        password=uuid4().hex,
        currency="EUR",
        person=players_pb2.Person(
            given_name="Ann",
            family_name=surname,
            address=players_pb2.Address(line="1 Some Street", postcode="AB1 2CD", country=country),
            birth_date=born,
            email="ann@example.org",
            consents=players_pb2.Consents(),
        ),
    )


async def refusal_of(call: Any) -> tuple[str, dict[str, str]]:
    """Return the reason of a refusal, and what would be accepted."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    status = rpc_status.from_call(refused.value)  # type: ignore[arg-type] # it has what a call has
    info = ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return info.reason, dict(info.metadata)


async def read_to_the_end(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:  # type: ignore[attr-defined]
        pass


def deposit(minor: int) -> wallet_service_pb2.DepositTestMoneyRequest:
    amount = money_pb2.Money(amount_minor=minor, currency="EUR")
    return wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid4()), amount=amount)


async def test_who_may_not_play_where_they_live_does_not_come_in(channel: grpc.aio.Channel) -> None:
    players: Any = players_grpc.PlayerServiceStub(channel)
    assert (await refusal_of(players.Register(application("Free", country="US"))))[0] == "COUNTRY_NOT_SERVED"
    for country in ("GB", "MT"):
        young = application("Free", born="2015-05-17", country=country)
        assert await refusal_of(players.Register(young)) == ("UNDER_AGE", {"age_years_min": "18"})
    assert (await refusal_of(players.Register(application("Excluded", country="GB"))))[0] == "EXCLUDED_BY_REGISTER"
    silent = application("Silent", country="GB")
    assert (await refusal_of(players.Register(silent)))[0] == "EXCLUSION_REGISTER_UNAVAILABLE"
    lapsed = await players.Register(application("Lapsed", country="GB"))
    assert lapsed.player.jurisdiction == "united-kingdom"


async def test_a_limit_holds_and_an_exclusion_ends_streams_within_a_second(channel: grpc.aio.Channel) -> None:
    players: Any = players_grpc.PlayerServiceStub(channel)
    protection: Any = protection_grpc.ProtectionServiceStub(channel)
    wallet: Any = wallet_service_pb2_grpc.WalletServiceStub(channel)
    betting: Any = betting_service_pb2_grpc.BettingServiceStub(channel)
    asked = application("Free")
    registered = await players.Register(asked)
    assert registered.player.jurisdiction == "malta"
    session = (("authorization", f"Bearer {registered.session.token}"),)

    limit = protection_pb2.SetDepositLimitRequest(
        request_id=str(uuid4()),
        window=protection_pb2.LIMIT_WINDOW_DAY,
        amount=money_pb2.Money(amount_minor=5_000, currency="EUR"),
    )
    await protection.SetDepositLimit(limit, metadata=session)
    await wallet.DepositTestMoney(deposit(4_000), metadata=session)
    found = await refusal_of(wallet.DepositTestMoney(deposit(1_001), metadata=session))
    assert found == ("DEPOSIT_LIMIT_EXCEEDED", {"amount_minor_max": "1000"})
    shown = (await protection.GetProtection(protection_pb2.GetProtectionRequest(), metadata=session)).protection
    assert shown.deposit_limits[0].paid.amount_minor == 4_000

    stream = betting.WatchBets(betting_service_pb2.WatchBetsRequest(), metadata=session)
    assert (await stream.read()).balance.available.amount_minor == 4_000
    await protection.ExcludeSelf(protection_pb2.ExcludeSelfRequest(request_id=str(uuid4()), months=6), metadata=session)
    excluded_s = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await read_to_the_end(stream)
    took_s = time.monotonic() - excluded_s
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert took_s < STREAM_LIMIT_S, took_s
    assert (await refusal_of(wallet.DepositTestMoney(deposit(1), metadata=session)))[0] == "SESSION_REQUIRED"

    again = await players.LogIn(players_pb2.LogInRequest(username=asked.username, password=asked.password))
    session = (("authorization", f"Bearer {again.session.token}"),)
    assert again.player.excluded_until_us > 0
    assert (await refusal_of(wallet.DepositTestMoney(deposit(1), metadata=session)))[0] == "PLAYER_EXCLUDED"
