"""Money of the player over gRPC."""

from __future__ import annotations

from typing import ClassVar, Final

from compliance.jurisdiction import Product
from compliance.permit import Permits
from compliance.protection import Protection
from gateway.rpc.call import Call
from gateway.rpc.methods import WALLET
from kernel.errors import Category, DomainError
from kernel.ids import parse_uuid
from kernel.money import AmountOutOfRange, Money
from kernel.rates import Rates
from overround.wallet.v1 import wallet_service_pb2
from wallet.ports import Wallet
from wire.requests import parse_asked_money
from wire.wallet import build_balance, build_statement_line

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200


class DepositRefused(DomainError):
    """Test money exists in the local and test profiles only."""

    reason = "TEST_MONEY_REFUSED"
    category = Category.FORBIDDEN


class WalletService:
    """Implements overround.wallet.v1.WalletService."""

    SERVICE: ClassVar = WALLET

    def __init__(
        self,
        *,
        permits: Permits,
        protection: Protection,
        wallet: Wallet,
        is_test_money_allowed: bool,
        deposit_minor_max: int,
        rates: Rates,
    ) -> None:
        self._permits = permits
        self._protection = protection
        self._wallet = wallet
        self._is_test_money_allowed = is_test_money_allowed
        self._deposit_minor_max = deposit_minor_max
        self._rates = rates

    async def get_balance(
        self, _request: wallet_service_pb2.GetBalanceRequest, call: Call
    ) -> wallet_service_pb2.GetBalanceResponse:
        """Return the cash balance."""
        balance = await self._wallet.balance(call.player.cash_account_id)
        return wallet_service_pb2.GetBalanceResponse(balance=build_balance(balance))

    async def list_statement(
        self, request: wallet_service_pb2.ListStatementRequest, call: Call
    ) -> wallet_service_pb2.ListStatementResponse:
        """Return a page of what moved the player's cash, the newest first."""
        lines, next_token = await self._wallet.statement(
            call.player.cash_account_id,
            size=min(request.page.size or PAGE_SIZE, PAGE_SIZE_MAX),
            before=request.page.token,
        )
        return wallet_service_pb2.ListStatementResponse(lines=map(build_statement_line, lines), next_token=next_token)

    async def deposit_test_money(
        self, request: wallet_service_pb2.DepositTestMoneyRequest, call: Call
    ) -> wallet_service_pb2.DepositTestMoneyResponse:
        """Credit test money, once for each request id."""
        if not self._is_test_money_allowed:
            raise DepositRefused("Test money must be asked for in a local or test profile, this is another")
        request_id = parse_uuid(request.request_id, field="request_id")
        amount = parse_asked_money(request.amount)
        limits = await self._protection.limits(call.player)
        self._permits.expect(call.player, Product.TEST_DEPOSIT, amount=amount, limits=limits)
        self._expect_within_bounds(amount)
        balance = await self._wallet.deposit_test_money(request_id, call.player.cash_account_id, amount)
        return wallet_service_pb2.DepositTestMoneyResponse(balance=build_balance(balance))

    def _expect_within_bounds(self, amount: Money) -> None:
        most = Money(self._rates.rate_of(amount.currency).from_reference_down(self._deposit_minor_max), amount.currency)
        if not 0 < amount.amount_minor <= most.amount_minor:
            raise AmountOutOfRange(
                f"Deposit must be {Money(1, amount.currency)} to {most}, was {amount}",
                figures={"amount_minor_max": str(most.amount_minor)},
            )
