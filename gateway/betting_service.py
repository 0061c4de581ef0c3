"""Slips and bets over gRPC: place, look up, list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import ClassVar, Final
from uuid import UUID

from bets.bet import Bet, BetStatus
from bets.calculator import calculate
from bets.placement import BetPlacement
from bets.ports import BetLedger
from gateway.bet_stream import BetStream
from gateway.rpc.call import Call
from gateway.rpc.methods import BETTING
from kernel.errors import Category, DomainError
from kernel.ids import parse_uuid
from overround.bets.v1 import bet_pb2, betting_service_pb2
from pam.player import Player
from risk.ports import ReservationKey
from wire.bet_calculations import build_calculated, parse_calculation
from wire.bet_requests import parse_slip_request
from wire.bets import build_answer, build_bet
from wire.requests import RequestMalformed
from wire.wallet import build_balance

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200
KNOWN_BETS_MAX: Final = 200


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

    async def place_slip(
        self, request: betting_service_pb2.PlaceSlipRequest, call: Call
    ) -> betting_service_pb2.PlaceSlipResponse:
        """Place the bets of a slip, or give the answers that they got before."""
        answers = await self._placement.place(call.player, parse_slip_request(request))
        balances = [build_balance(answer.balance) for answer in answers if answer.balance is not None]
        return betting_service_pb2.PlaceSlipResponse(
            answers=[build_answer(answer, call.player.currency) for answer in answers],
            balance=balances[-1] if balances else None,
        )

    async def get_slip(
        self, request: betting_service_pb2.GetSlipRequest, call: Call
    ) -> betting_service_pb2.GetSlipResponse:
        """Return what became of a slip, with its bets as they stand."""
        player, request_id = call.player, parse_uuid(request.request_id, field="request_id")
        await self._placement.wait_for(ReservationKey(player.player_id, request_id))
        answer = await self._ledger.find_answer(player.player_id, request_id)
        if answer is None:
            raise BetUnknown(f"Request must have been answered, {request_id} was not")
        if answer.bet is not None:
            answer = replace(answer, bet=await self._find_bet(player, answer.bet.bet_id))
        return betting_service_pb2.GetSlipResponse(answers=[build_answer(answer, player.currency)])

    async def calculate_return(
        self, request: betting_service_pb2.CalculateReturnRequest, _call: Call
    ) -> betting_service_pb2.CalculateReturnResponse:
        """Return what a bet of any type costs and comes to, by how its legs came out."""
        asked = parse_calculation(request)
        calculated = calculate(
            asked.system, asked.legs, unit_stake_minor=asked.unit_stake.amount_minor, is_each_way=asked.is_each_way
        )
        return build_calculated(calculated, currency=asked.unit_stake.currency)

    async def get_bet(
        self, request: betting_service_pb2.GetBetRequest, call: Call
    ) -> betting_service_pb2.GetBetResponse:
        """Return a bet as it stands."""
        bet = await self._find_bet(call.player, parse_uuid(request.bet_id, field="bet_id"))
        return betting_service_pb2.GetBetResponse(bet=build_bet(bet))

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
        self, request: betting_service_pb2.WatchBetsRequest, call: Call
    ) -> AsyncIterator[betting_service_pb2.WatchBetsResponse]:
        """Stream the player's open bets and balance, then every change."""
        known = {parse_uuid(bet_id, field="bet_id"): count for bet_id, count in request.known_event_counts.items()}
        if len(known) > KNOWN_BETS_MAX:
            raise RequestMalformed(f"At most {KNOWN_BETS_MAX} bets may be said to be known, were {len(known)}")
        return self._stream.run(call.player, known_event_counts=known)

    async def _find_bet(self, player: Player, bet_id: UUID) -> Bet:
        bet = await self._ledger.get_bet(player.player_id, bet_id)
        if bet is None:
            raise BetUnknown(f"Bet must be one of the player's, {bet_id} is not")
        return bet


def _parse_status(status: int) -> BetStatus | None:
    if status == bet_pb2.BET_STATUS_UNSPECIFIED:
        return None
    try:
        return BetStatus(status)
    except ValueError:
        raise RequestMalformed(f"Status must be one of {[int(known) for known in BetStatus]}, was {status}") from None
