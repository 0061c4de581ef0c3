"""Deposits of the player over gRPC."""

from __future__ import annotations

from typing import ClassVar

from gateway.rpc.call import Call
from gateway.rpc.methods import PAYMENTS
from kernel.ids import NAME_RULE, is_name, parse_uuid
from overround.payments.v1 import payment_service_pb2
from payments.deposit import DepositAsked
from payments.depositing import Deposits
from payments.routing import Router
from wire.payments import build_deposit, build_terms, parse_method
from wire.requests import RequestMalformed, parse_asked_money


class PaymentService:
    """Implements overround.payments.v1.PaymentService."""

    SERVICE: ClassVar = PAYMENTS

    def __init__(self, *, deposits: Deposits, router: Router) -> None:
        self._deposits = deposits
        self._router = router

    async def list_payment_methods(
        self, _request: payment_service_pb2.ListPaymentMethodsRequest, call: Call
    ) -> payment_service_pb2.ListPaymentMethodsResponse:
        """Return by what the player may pay."""
        currency = call.player.currency
        return payment_service_pb2.ListPaymentMethodsResponse(
            methods=[build_terms(*item, currency) for item in self._router.methods(currency).items()]
        )

    async def deposit(
        self, request: payment_service_pb2.DepositRequest, call: Call
    ) -> payment_service_pb2.DepositResponse:
        """Ask for a deposit, once for each request id."""
        if not is_name(request.instrument):
            raise RequestMalformed(f"instrument must be {NAME_RULE}, was not")
        asked = DepositAsked(
            request_id=parse_uuid(request.request_id, field="request_id"),
            player_id=call.player.player_id,
            account_id=call.player.cash_account_id,
            amount=parse_asked_money(request.amount),
            method=parse_method(request.method),
            instrument=request.instrument,
        )
        deposit = await self._deposits.ask(call.player, asked)
        return payment_service_pb2.DepositResponse(deposit=build_deposit(deposit))

    async def get_deposit(
        self, request: payment_service_pb2.GetDepositRequest, call: Call
    ) -> payment_service_pb2.GetDepositResponse:
        """Return a deposit as it stands."""
        deposit_id = parse_uuid(request.deposit_id, field="deposit_id")
        deposit = await self._deposits.find(call.player.player_id, deposit_id)
        return payment_service_pb2.GetDepositResponse(deposit=build_deposit(deposit))
