"""Games of our own over gRPC: what is offered, a spin, rounds of before."""

from __future__ import annotations

from typing import ClassVar, Final

from casino.games import Games
from casino.play import CasinoPlay
from casino.ports import RoundLedger
from casino.rounds import Round, RoundUnknown
from gateway.rpc.call import Call
from gateway.rpc.methods import CASINO
from kernel.ids import parse_uuid
from overround.casino.v1 import casino_service_pb2, round_pb2
from wire.casino import build_game, build_round
from wire.requests import parse_asked_money
from wire.wallet import build_balance

PAGE_SIZE: Final = 50


class CasinoService:
    """Implements overround.casino.v1.CasinoService."""

    SERVICE: ClassVar = CASINO

    def __init__(self, *, play: CasinoPlay, ledger: RoundLedger, games: Games) -> None:
        self._play = play
        self._ledger = ledger
        self._games = games

    async def list_games(
        self, _request: casino_service_pb2.ListGamesRequest, call: Call
    ) -> casino_service_pb2.ListGamesResponse:
        """Return the games of today with their rules."""
        offers = self._play.offers_for(call.player)
        return casino_service_pb2.ListGamesResponse(games=[build_game(offer) for offer in offers])

    async def spin(self, request: casino_service_pb2.SpinRequest, call: Call) -> casino_service_pb2.SpinResponse:
        """Play a round, or give the answer that the request got before."""
        played = await self._play.spin(
            call.player,
            parse_uuid(request.request_id, field="request_id"),
            game_code=request.game_code,
            stake=parse_asked_money(request.stake),
        )
        return casino_service_pb2.SpinResponse(round=self._build(played.round), balance=build_balance(played.balance))

    async def get_round(
        self, request: casino_service_pb2.GetRoundRequest, call: Call
    ) -> casino_service_pb2.GetRoundResponse:
        """Return a round of the player, as it was played."""
        round_id = parse_uuid(request.round_id, field="round_id")
        found = await self._ledger.get_round(call.player.player_id, round_id)
        if found is None:
            raise RoundUnknown(f"Round must be one of the player's, {round_id} is not")
        return casino_service_pb2.GetRoundResponse(round=self._build(found))

    async def list_rounds(
        self, request: casino_service_pb2.ListRoundsRequest, call: Call
    ) -> casino_service_pb2.ListRoundsResponse:
        """Return a page of the player's rounds, newest first."""
        rounds, next_token = await self._ledger.list_rounds(
            call.player.player_id, size=request.page.size or PAGE_SIZE, before=request.page.token
        )
        return casino_service_pb2.ListRoundsResponse(
            rounds=[self._build(found) for found in rounds], next_token=next_token
        )

    def _build(self, played: Round) -> round_pb2.Round:
        return build_round(played, self._games.edition(played.game_code, played.game_version).game)
