"""How somebody becomes a player and logs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from kernel.rates import Rates
from pam.credentials import PASSWORD_LENGTHS, LogInRefused, expect_password, expect_username, is_username
from pam.person import Person
from pam.player import Player, PlayerRole, UsernameTaken
from pam.ports import LogInAttempts, PasswordDoor, Passwords, PlayerStore, SessionStore
from pam.session import Session


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A player with a session that has just been opened; the token is a secret."""

    player: Player
    token: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody gives to become a player; the request id is the client's, one for each wish.

    Attributes:
        person: What they told of themselves; None where that is nothing.
    """

    request_id: UUID
    username: str
    password: str = field(repr=False)
    currency: str
    person: Person | None = None


class Registration:
    """Registers players and logs them in."""

    def __init__(
        self,
        *,
        players: PlayerStore,
        passwords: Passwords,
        sessions: SessionStore,
        attempts: LogInAttempts,
        rates: Rates,
    ) -> None:
        self._players = players
        self._passwords = passwords
        self._sessions = sessions
        self._attempts = attempts
        self._rates = rates

    @property
    def currencies(self) -> tuple[str, ...]:
        """Return those in which players may have accounts, the reference currency first."""
        return self._rates.currencies

    def expect_well_formed(self, application: Application) -> None:
        """Let only an application pass that could make a player.

        Raises:
            UsernameMalformed: If the name does not have the form it must have.
            PasswordMalformed: If the password is not worth hashing.
            CurrencyMismatch: If there are no accounts in that currency; it names those that there are.
        """
        expect_username(application.username)
        expect_password(application.password, username=application.username)
        self._rates.rate_of(application.currency)

    async def register(self, application: Application, *, jurisdiction: str, address: str) -> LoggedIn:
        """Make a player with an empty cash account and log in; a repeated request logs in again.

        Args:
            application: What they gave, well formed.
            jurisdiction: By whose rules they play.
            address: Whom the call comes from.

        Raises:
            UsernameTaken: If another player has the name, or the repeat another password.
            RequestIdReused: If the request id came before with another content.
            Overloaded: If too many passwords wait to be worked on.
            Unavailable: If the ledger does not answer in time; the same call may be made again.
            Unavailable: If sessions do not; the same call may be made again.
        """
        player = await self._register(application, jurisdiction)
        await self._attempts.forget(player.username, address=address, role=player.role)
        return await self.open(player)

    async def verify(self, username: str, password: str, *, address: str) -> Player:
        """Return whom name and password are of, after the same work and with the same refusal whatever is wrong.

        Raises:
            LogInRefused: If name and password do not belong together.
            LoginRateLimited: If it comes too soon after those that failed.
            Overloaded: If too many passwords wait to be worked on.
            Unavailable: If the ledger does not answer in time.
            Unavailable: If sessions do not.
        """
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

    async def open(self, player: Player) -> LoggedIn:
        """Open a session of a player.

        Raises:
            Unavailable: If sessions do not answer in time.
        """
        token, session = await self._sessions.open(player)
        return LoggedIn(player, token, session)

    async def _register(self, application: Application, jurisdiction: str) -> Player:
        door = PasswordDoor.REGISTRATION
        password_hash = await self._passwords.hash(application.password, door=door)
        stored = await self._players.register(
            request_id=application.request_id,
            username=application.username,
            password_hash=password_hash,
            role=PlayerRole.BETTOR,
            currency=application.currency,
            jurisdiction=jurisdiction,
            person=application.person,
        )
        is_repeat = stored.password_hash != password_hash
        if is_repeat and not await self._passwords.verify(application.password, stored.password_hash, door=door):
            raise UsernameTaken(f"Username must be free, {application.username} is taken")
        return stored.player
