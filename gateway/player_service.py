"""Players and their sessions over gRPC."""

from __future__ import annotations

from typing import ClassVar

from compliance.admission import Admission
from gateway.auth import Authenticator, token_of
from gateway.rpc.call import Call
from gateway.rpc.methods import PLAYERS
from kernel.ids import parse_uuid
from overround.pam.v1 import player_service_pb2
from pam.registration import Application, Registration
from wallet.ports import Wallet
from wire.persons import parse_person
from wire.players import build_player, build_session
from wire.wallet import build_balance


class PlayerService:
    """Implements overround.pam.v1.PlayerService."""

    SERVICE: ClassVar = PLAYERS

    def __init__(
        self, *, auth: Authenticator, admission: Admission, registration: Registration, wallet: Wallet
    ) -> None:
        self._auth = auth
        self._admission = admission
        self._registration = registration
        self._wallet = wallet

    async def register(
        self, request: player_service_pb2.RegisterRequest, call: Call
    ) -> player_service_pb2.RegisterResponse:
        """Make a player with an empty cash account and log in; a repeated request logs in again."""
        application = Application(
            request_id=parse_uuid(request.request_id, field="request_id"),
            username=request.username,
            password=request.password,
            currency=request.currency,
            person=parse_person(request.person) if request.HasField("person") else None,
        )
        entered = await self._admission.register(application, address=call.address)
        return player_service_pb2.RegisterResponse(
            player=build_player(entered.player), session=build_session(entered.token, entered.session)
        )

    async def log_in(self, request: player_service_pb2.LogInRequest, call: Call) -> player_service_pb2.LogInResponse:
        """Open a session."""
        entered = await self._admission.log_in(request.username, request.password, address=call.address)
        return player_service_pb2.LogInResponse(
            player=build_player(entered.player), session=build_session(entered.token, entered.session)
        )

    async def log_out(
        self, _request: player_service_pb2.LogOutRequest, call: Call
    ) -> player_service_pb2.LogOutResponse:
        """End the session of the call."""
        await self._auth.end(token_of(call.metadata))
        return player_service_pb2.LogOutResponse()

    async def list_currencies(
        self, _request: player_service_pb2.ListCurrenciesRequest, _call: Call
    ) -> player_service_pb2.ListCurrenciesResponse:
        """Return the currencies in which accounts can be opened."""
        return player_service_pb2.ListCurrenciesResponse(currencies=self._registration.currencies)

    async def get_me(self, _request: player_service_pb2.GetMeRequest, call: Call) -> player_service_pb2.GetMeResponse:
        """Return who is logged in, with the balance."""
        player = call.player
        balance = await self._wallet.balance(player.cash_account_id)
        return player_service_pb2.GetMeResponse(player=build_player(player), balance=build_balance(balance))
