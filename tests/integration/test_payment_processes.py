"""Deposits by the public door, gateway, doors and the card provider as processes, any of them killed at any time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import grpc

from infra.local.secrets import LocalSecrets
from infra.settings import ROOT, Settings
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.payments.v1 import payment_pb2, payment_service_pb2, payment_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc
from tests.free_ports import free_port
from tests.integration.channels import open_channel

LIMIT_S = 120.0
PORTS = (
    *("gateway_grpc", "gateway_http", "gateway_health", "doors_http", "doors_health"),
    *("card_provider", "card_provider_http", "bank_provider", "bank_provider_http"),
)
CREDITED = payment_pb2.DEPOSIT_STATE_CREDITED
PENDING = payment_pb2.DEPOSIT_STATE_PENDING


@contextmanager
def running(settings: Settings, name: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "infra.cli", "process", name]
    process = subprocess.Popen(command, cwd=ROOT, env=settings.environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connected(settings: Settings) -> AbstractAsyncContextManager[grpc.aio.Channel]:
    return open_channel(f"{settings.host}:{settings.ports.gateway_grpc}")


@dataclass
class Payer:
    """A player with a session, who asks by whatever gateway is there."""

    settings: Settings
    metadata: Any = None

    async def call(self, stub: Any, name: str, request: Any) -> Any:
        """Return the answer, as often as nobody is there to give one."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    async with connected(self.settings) as channel:
                        return await getattr(stub(channel), name)(request, metadata=self.metadata, timeout=10)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
                    await asyncio.sleep(0.2)

    async def register(self) -> None:
        request = player_service_pb2.RegisterRequest(
            request_id=str(uuid4()), username=f"payer.{uuid4().hex[:16]}", password=uuid4().hex, currency="EUR"
        )
        answer = await self.call(player_service_pb2_grpc.PlayerServiceStub, "Register", request)
        self.metadata = (("authorization", f"Bearer {answer.session.token}"),)

    async def deposit(
        self,
        minor: int,
        instrument: str,
        *,
        request_id: str | None = None,
        method: payment_pb2.PaymentMethod.ValueType = payment_pb2.PAYMENT_METHOD_CARD,
    ) -> payment_pb2.Deposit:
        request = payment_service_pb2.DepositRequest(
            request_id=request_id or str(uuid4()),
            amount=money_pb2.Money(amount_minor=minor, currency="EUR"),
            method=method,
            instrument=instrument,
        )
        answer = await self.call(payment_service_pb2_grpc.PaymentServiceStub, "Deposit", request)
        deposit: payment_pb2.Deposit = answer.deposit
        return deposit

    async def until_credited(self, deposit: payment_pb2.Deposit) -> None:
        request = payment_service_pb2.GetDepositRequest(deposit_id=deposit.deposit_id)
        async with asyncio.timeout(LIMIT_S):
            while True:
                found = await self.call(payment_service_pb2_grpc.PaymentServiceStub, "GetDeposit", request)
                if found.deposit.state == CREDITED:
                    return
                await asyncio.sleep(0.1)

    async def balance_minor(self) -> int:
        answer = await self.call(
            wallet_service_pb2_grpc.WalletServiceStub, "GetBalance", wallet_service_pb2.GetBalanceRequest()
        )
        minor: int = answer.balance.available.amount_minor
        return minor


async def until_open(settings: Settings, *, port: int | None = None) -> None:
    """Wait until the card provider answers, or another of that port."""
    url = f"http://{settings.host}:{port or settings.ports.card_provider_http}/readyz"
    async with aiohttp.ClientSession() as session, asyncio.timeout(LIMIT_S):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def book_of(settings: Settings, amount_minor: int) -> list[str]:
    """Return the statuses of the provider's payments of an amount."""
    headers = {"authorization": f"Bearer {LocalSecrets.load(settings).card_provider_api_key}"}
    url = f"{settings.card_provider_url}/v1/book"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        payments = (await answer.json())["payments"]
    return [payment["status"] for payment in payments if payment["amount"]["value"] == amount_minor]


async def test_deposits_outlive_the_death_of_either_side(settings: Settings) -> None:
    ports = settings.ports.model_copy(update={name: free_port() for name in PORTS})
    moved = settings.model_copy(update={"ports": ports})
    payer = Payer(moved)
    own = 1_000 + uuid4().int % 800_000  # so that nobody else's payments in the book are taken for these
    with running(moved, "card_provider"), running(moved, "doors") as doors, running(moved, "gateway") as gateway:
        await until_open(moved)
        await payer.register()
        methods = await payer.call(
            payment_service_pb2_grpc.PaymentServiceStub,
            "ListPaymentMethods",
            payment_service_pb2.ListPaymentMethodsRequest(),
        )
        terms = {
            each.method: (each.deposit_min.amount_minor, each.deposit_max.amount_minor) for each in methods.methods
        }
        assert terms == {
            payment_pb2.PAYMENT_METHOD_CARD: (500, 1_000_000),
            payment_pb2.PAYMENT_METHOD_BANK: (500, 5_000_000),
        }
        request_id = str(uuid4())
        first = await payer.deposit(own, "tok_ok", request_id=request_id)
        assert first.state == CREDITED
        assert await payer.deposit(own, "tok_ok", request_id=request_id) == first
        declined = await payer.deposit(own + 1, "tok_declined")
        assert (declined.state, declined.failure_code) == (payment_pb2.DEPOSIT_STATE_DECLINED, "insufficient_funds")
        late = await payer.deposit(own + 2, "tok_late")
        assert late.state == PENDING
        gateway.kill()
        doors.kill()
    with running(moved, "gateway"), running(moved, "doors"):
        # The provider is away as well, and has to tell of what it took in before.
        unasked = await payer.deposit(own + 3, "tok_ok")
        assert (unasked.state, unasked.failure_code) == (payment_pb2.DEPOSIT_STATE_DECLINED, "unreachable")
        with running(moved, "card_provider"):
            await payer.until_credited(late)
            assert await payer.balance_minor() == own + own + 2
            books = [await book_of(moved, own + more) for more in range(4)]
            assert books == [["captured"], ["declined"], ["captured"], []]


async def test_the_bank_comes_first_and_where_it_is_away_the_card_provider_takes_over(settings: Settings) -> None:
    ports = settings.ports.model_copy(update={name: free_port() for name in PORTS})
    moved = settings.model_copy(update={"ports": ports})
    payer = Payer(moved)
    own = 1_000 + uuid4().int % 800_000
    with running(moved, "card_provider"), running(moved, "doors"), running(moved, "gateway"):
        await until_open(moved)
        await payer.register()
        taken_over = await payer.deposit(own, "tok_ok", method=payment_pb2.PAYMENT_METHOD_BANK)
        assert taken_over.state == CREDITED
        assert await book_of(moved, own) == ["captured"]
        with running(moved, "bank_provider"):
            await until_open(moved, port=moved.ports.bank_provider_http)
            by_bank = await payer.deposit(own + 1, "tok_late", method=payment_pb2.PAYMENT_METHOD_BANK)
            assert by_bank.state == PENDING
            await payer.until_credited(by_bank)
        assert await payer.balance_minor() == own + own + 1
        assert await book_of(moved, own + 1) == []
