"""Players and their sessions over gRPC."""

from __future__ import annotations

from gateway.auth import Authenticator, Context
from gateway.source import AddressOf
from kernel.ids import parse_uuid
from kernel.money import CurrencyMismatch
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from pam.credentials import PASSWORD_LENGTHS, LogInRefused, expect_password, expect_username, is_username
from pam.player import Player, PlayerRole, UsernameTaken
from pam.ports import LogInAttempts, PasswordDoor, Passwords, PlayerStore, SessionStore
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
        address_of: AddressOf,
        wallet: Wallet,
        currency: str,
    ) -> None:
        self._auth = auth
        self._players = players
        self._passwords = passwords
        self._sessions = sessions
        self._attempts = attempts
        self._address_of = address_of
        self._wallet = wallet
        self._currency = currency

    async def Register(  # noqa: N802 (the contract names it)
        self, request: player_service_pb2.RegisterRequest, context: Context
    ) -> player_service_pb2.RegisterResponse:
        """Make a player with an empty cash account and log in; a repeated request logs in again."""
        player = await self._register(request)
        await self._attempts.forget(player.username, address=self._address_of(context), role=player.role)
        token, session = await self._sessions.open(player)
        return player_service_pb2.RegisterResponse(player=build_player(player), session=build_session(token, session))

    async def LogIn(  # noqa: N802 (the contract names it)
        self, request: player_service_pb2.LogInRequest, context: Context
    ) -> player_service_pb2.LogInResponse:
        """Open a session."""
        player = await self._verify(request.username, request.password, address=self._address_of(context))
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
        door = PasswordDoor.REGISTRATION
        password_hash = await self._passwords.hash(request.password, door=door)
        stored = await self._players.register(
            request_id=request_id,
            username=request.username,
            password_hash=password_hash,
            role=PlayerRole.BETTOR,
            currency=request.currency,
        )
        is_repeat = stored.password_hash != password_hash
        if is_repeat and not await self._passwords.verify(request.password, stored.password_hash, door=door):
            raise UsernameTaken(f"Username must be free, {request.username} is taken")
        return stored.player

    async def _verify(self, username: str, password: str, *, address: str) -> Player:
        """Return the player, after the same work and with the same refusal whatever is wrong."""
        stored = await self._players.find_by_username(username) if is_username(username) else None
        role = PlayerRole.BETTOR if stored is None else stored.player.role
        await self._attempts.note(username, address=address, role=role)
        # What is too long to be a password is not worked on at its length.
        is_password = len(password) <= PASSWORD_LENGTHS[1]
        is_right = await self._passwords.verify(
            password if is_password else "",
            None if stored is None or not is_password else stored.password_hash,
            door=PasswordDoor.TRADER if role == PlayerRole.TRADER else PasswordDoor.LOG_IN,
        )
        if not is_right or stored is None:
            raise LogInRefused
        await self._attempts.forget(username, address=address, role=role)
        return stored.player
