"""How players protect themselves, over gRPC."""

from __future__ import annotations

from typing import ClassVar

from compliance.permit import Permits
from compliance.protection import Protection
from gateway.auth import Authenticator
from gateway.rpc.call import Call
from gateway.rpc.methods import PROTECTION
from kernel.ids import parse_uuid
from overround.pam.v1 import protection_service_pb2 as pb
from wire.protection import build_protection, parse_window
from wire.requests import parse_asked_money


class ProtectionService:
    """Implements overround.pam.v1.ProtectionService."""

    SERVICE: ClassVar = PROTECTION

    def __init__(self, *, auth: Authenticator, permits: Permits, protection: Protection) -> None:
        self._auth = auth
        self._permits = permits
        self._protection = protection

    async def get_protection(self, _request: pb.GetProtectionRequest, call: Call) -> pb.GetProtectionResponse:
        """Return what holds, and what there is to choose from."""
        return pb.GetProtectionResponse(protection=await self._build(call))

    async def set_deposit_limit(self, request: pb.SetDepositLimitRequest, call: Call) -> pb.SetDepositLimitResponse:
        """Bound what is paid in over a window."""
        amount = parse_asked_money(request.amount) if request.HasField("amount") else None
        request_id = parse_uuid(request.request_id, field="request_id")
        await self._protection.set_limit(call.player, request_id, window=parse_window(request.window), amount=amount)
        return pb.SetDepositLimitResponse(protection=await self._build(call))

    async def confirm_deposit_limit(
        self, request: pb.ConfirmDepositLimitRequest, call: Call
    ) -> pb.ConfirmDepositLimitResponse:
        """Let a raise hold whose time has come."""
        request_id = parse_uuid(request.request_id, field="request_id")
        await self._protection.confirm_limit(call.player, request_id, window=parse_window(request.window))
        return pb.ConfirmDepositLimitResponse(protection=await self._build(call))

    async def take_time_out(self, request: pb.TakeTimeOutRequest, call: Call) -> pb.TakeTimeOutResponse:
        """Keep the player from staking and paying in for a while."""
        request_id = parse_uuid(request.request_id, field="request_id")
        await self._protection.step_back(call.player, request_id, hours=request.hours)
        self._look_anew(call)
        return pb.TakeTimeOutResponse()

    async def exclude_self(self, request: pb.ExcludeSelfRequest, call: Call) -> pb.ExcludeSelfResponse:
        """Keep the player from staking and paying in for so long at least, and end all their sessions."""
        request_id = parse_uuid(request.request_id, field="request_id")
        await self._protection.exclude(call.player, request_id, months=request.months)
        self._look_anew(call)
        return pb.ExcludeSelfResponse()

    def _look_anew(self, call: Call) -> None:
        # Others are told by the log; who asks here next sees already what they did.
        self._auth.note_changed(str(call.player.player_id))

    async def _build(self, call: Call) -> pb.Protection:
        limits = await self._protection.limits(call.player)
        return build_protection(limits, self._permits.rules_of(call.player), currency=call.player.currency)
