"""Bets over gRPC: place, look up, list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Final
from uuid import UUID

from bets.answer import BetAnswer, BetRefusal
from bets.bet import BetStatus
from bets.placement import BetPlacement
from bets.ports import BetLedger
from gateway.bet_stream import BetStream
from gateway.rpc.call import Call
from gateway.rpc.errors import DetailedRefusal
from gateway.rpc.methods import BETTING
from kernel.errors import Category, DomainError, InvariantBroken
from kernel.ids import parse_uuid
from overround.bets.v1 import bet_pb2, betting_service_pb2
from pam.player import Player
from risk.ports import ReservationKey
from wire.bet_requests import parse_bet_request
from wire.bets import build_bet, build_refusal
from wire.requests import RequestMalformed
from wire.wallet import build_balance

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200


class BetUnknown(DomainError):
    """The player has no such bet, or made no such request."""

    reason = "BET_UNKNOWN"
    category = Category.UNKNOWN


class BettingService:
    """Implements overround.bets.v1.BettingService."""

    SERVICE: ClassVar = BETTING

    def __init__(self, *, placement: BetPlacement, ledger: BetLedger, stream: BetStream) -> None:
        self._placement = placement
        self._ledger = ledger
        self._stream = stream

    async def place_bet(
        self, request: betting_service_pb2.PlaceBetRequest, call: Call
    ) -> betting_service_pb2.PlaceBetResponse:
        """Place a bet, or give the answer that the request got before."""
        answer = await self._placement.place(call.player, parse_bet_request(request))
        if answer.refusal is not None:
            raise refused(answer.refusal, currency=call.player.currency)
        return _build_response(answer)

    async def get_bet(
        self, request: betting_service_pb2.GetBetRequest, call: Call
    ) -> betting_service_pb2.GetBetResponse:
        """Return a bet as it stands, or what became of a request."""
        player = call.player
        if request.WhichOneof("key") == "request_id":
            return await self._find_answer(player, parse_uuid(request.request_id, field="request_id"))
        return await self._get_bet(player, parse_uuid(request.bet_id, field="bet_id"))

    async def list_bets(
        self, request: betting_service_pb2.ListBetsRequest, call: Call
    ) -> betting_service_pb2.ListBetsResponse:
        """Return a page of the player's bets, newest first."""
        bets, next_token = await self._ledger.list_bets(
            call.player.player_id,
            status=_parse_status(request.status),
            size=min(request.page.size or PAGE_SIZE, PAGE_SIZE_MAX),
            before=request.page.token,
        )
        return betting_service_pb2.ListBetsResponse(bets=[build_bet(bet) for bet in bets], next_token=next_token)

    def watch_bets(
        self, _request: betting_service_pb2.WatchBetsRequest, call: Call
    ) -> AsyncIterator[betting_service_pb2.WatchBetsResponse]:
        """Stream the player's open bets and balance, then every change."""
        return self._stream.run(call.player)

    async def _find_answer(self, player: Player, request_id: UUID) -> betting_service_pb2.GetBetResponse:
        await self._placement.wait_for(ReservationKey(player.player_id, request_id))
        answer = await self._ledger.find_answer(player.player_id, request_id)
        if answer is None:
            raise BetUnknown(f"Request must have been answered, {request_id} was not")
        if answer.refusal is not None:
            refusal = build_refusal(answer.refusal, player.currency)
            return betting_service_pb2.GetBetResponse(refusal=refusal)
        if answer.bet is None:
            raise InvariantBroken(f"Answer to {request_id} must be a bet or a refusal, was neither")
        return await self._get_bet(player, answer.bet.bet_id)

    async def _get_bet(self, player: Player, bet_id: UUID) -> betting_service_pb2.GetBetResponse:
        bet = await self._ledger.get_bet(player.player_id, bet_id)
        if bet is None:
            raise BetUnknown(f"Bet must be one of the player's, {bet_id} is not")
        return betting_service_pb2.GetBetResponse(bet=build_bet(bet))


def _parse_status(status: int) -> BetStatus | None:
    if status == bet_pb2.BET_STATUS_UNSPECIFIED:
        return None
    try:
        return BetStatus(status)
    except ValueError:
        raise RequestMalformed(f"Status must be one of {[int(known) for known in BetStatus]}, was {status}") from None


def refused(refusal: BetRefusal, *, currency: str) -> DetailedRefusal:
    """Return the error that tells a client of a refusal, with every figure that would be accepted."""
    figures = {
        "stake_max_minor": refusal.stake_max_minor,
        "stake_min_minor": refusal.stake_min_minor,
        "decimal_odds_milli": refusal.decimal_odds_milli,
        "book_version": refusal.book_version,
    }
    return DetailedRefusal(
        str(refusal.reason),
        refusal.message,
        figures={name: str(figure) for name, figure in figures.items() if figure is not None},
        detail=build_refusal(refusal, currency),
    )


def _build_response(answer: BetAnswer) -> betting_service_pb2.PlaceBetResponse:
    if answer.bet is None or answer.balance is None:
        raise InvariantBroken("Accepted bet must come with its bet and balance, one was missing")
    return betting_service_pb2.PlaceBetResponse(bet=build_bet(answer.bet), balance=build_balance(answer.balance))
