"""Players and their sessions over gRPC."""

from __future__ import annotations

from gateway.auth import Authenticator, Context
from kernel.ids import parse_uuid
from kernel.money import CurrencyMismatch
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from pam.credentials import PASSWORD_LENGTHS, LogInRefused, expect_password, expect_username, is_username
from pam.player import Player, PlayerRole, UsernameTaken
from pam.ports import LogInAttempts, Passwords, PlayerStore, SessionStore
from wallet.ports import Wallet
from wire.players import build_player, build_session
from wire.wallet import build_balance


class PlayerService(player_service_pb2_grpc.PlayerServiceServicer):
    """Implements overround.pam.v1.PlayerService."""

    def __init__(
        self,
        *,
        auth: Authenticator,
        players: PlayerStore,
        passwords: Passwords,
        sessions: SessionStore,
        attempts: LogInAttempts,
        wallet: Wallet,
        currency: str,
    ) -> None:
        self._auth = auth
        self._players = players
        self._passwords = passwords
        self._sessions = sessions
        self._attempts = attempts
        self._wallet = wallet
        self._currency = currency

    async def Register(  # noqa: N802 (the contract names it)
        self, request: player_service_pb2.RegisterRequest, _context: Context
    ) -> player_service_pb2.RegisterResponse:
        """Make a player with an empty cash account and log in; a repeated request logs in again."""
        player = await self._register(request)
        token, session = await self._sessions.open(player)
        return player_service_pb2.RegisterResponse(player=build_player(player), session=build_session(token, session))

    async def LogIn(  # noqa: N802 (the contract names it)
        self, request: player_service_pb2.LogInRequest, _context: Context
    ) -> player_service_pb2.LogInResponse:
        """Open a session."""
        player = await self._verify(request.username, request.password)
        token, session = await self._sessions.open(player)
        return player_service_pb2.LogInResponse(player=build_player(player), session=build_session(token, session))

    async def LogOut(  # noqa: N802 (the contract names it)
        self, _request: player_service_pb2.LogOutRequest, context: Context
    ) -> player_service_pb2.LogOutResponse:
        """End the session of the call."""
        await self._auth.end(context)
        return player_service_pb2.LogOutResponse()

    async def GetMe(  # noqa: N802 (the contract names it)
        self, _request: player_service_pb2.GetMeRequest, context: Context
    ) -> player_service_pb2.GetMeResponse:
        """Return who is logged in, with the balance."""
        player = (await self._auth.session(context)).player
        balance = await self._wallet.balance(player.cash_account_id)
        return player_service_pb2.GetMeResponse(player=build_player(player), balance=build_balance(balance))

    async def _register(self, request: player_service_pb2.RegisterRequest) -> Player:
        request_id = parse_uuid(request.request_id, field="request_id")
        expect_username(request.username)
        expect_password(request.password, username=request.username)
        if request.currency != self._currency:
            raise CurrencyMismatch(f"Currency must be {self._currency}, was {request.currency[:16]!r}")
        password_hash = await self._passwords.hash(request.password)
        stored = await self._players.register(
            request_id=request_id,
            username=request.username,
            password_hash=password_hash,
            role=PlayerRole.BETTOR,
            currency=request.currency,
        )
        is_repeat = stored.password_hash != password_hash
        if is_repeat and not await self._passwords.verify(request.password, stored.password_hash):
            raise UsernameTaken(f"Username must be free, {request.username} is taken")
        return stored.player

    async def _verify(self, username: str, password: str) -> Player:
        """Return the player, after the same work and with the same refusal whatever is wrong."""
        if not is_username(username) or len(password) > PASSWORD_LENGTHS[1]:
            await self._passwords.verify("", None)
            raise LogInRefused
        await self._attempts.note(username)
        stored = await self._players.find_by_username(username)
        password_hash = None if stored is None else stored.password_hash
        if not await self._passwords.verify(password, password_hash) or stored is None:
            raise LogInRefused
        await self._attempts.forget(username)
        return stored.player
