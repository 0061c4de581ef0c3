"""Who calls: the session of the token in a call's metadata, and the player as they are now."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import grpc

from kernel.clock import Clock
from kernel.errors import Part, Unavailable
from pam.ports import PlayerStore, SessionStore
from pam.session import Session, SessionRequired

METADATA_KEY: Final = "authorization"
SCHEME: Final = "bearer "
# Without its stores a session seen this lately still counts: who waits for a bet's answer is not logged out by it.
OUTAGE_S_MAX: Final = 60.0

Context = grpc.aio.ServicerContext[Any, Any]


def token_of(context: Context) -> str:
    """Return the token that a call carries.

    Raises:
        SessionRequired: If it carries none.
    """
    for key, value in context.invocation_metadata() or ():
        if key == METADATA_KEY and isinstance(value, str) and value.lower().startswith(SCHEME):
            return value[len(SCHEME) :].strip()
    raise SessionRequired("Call must carry a session token in its metadata, carried none")


class Authenticator:
    """Finds sessions, and remembers each for a moment, since a client makes many calls in one.

    A session says whose it is; role and status are the player's as stored now, and so is whether their sessions were
    ended, so that what an operator changes holds as soon as the moment is over.
    """

    def __init__(
        self, sessions: SessionStore, players: PlayerStore, *, clock: Clock, cache_ms: int, cache_entries_max: int
    ) -> None:
        self._sessions = sessions
        self._players = players
        self._clock = clock
        self._cache_s = cache_ms / 1_000
        self._entries_max = cache_entries_max
        self._entries: dict[bytes, tuple[float, Session]] = {}

    async def session(self, context: Context) -> Session:
        """Return the session of a call.

        Raises:
            SessionRequired: If it carries no token, or one whose session is over.
            Unavailable: If that cannot be found out now.
        """
        token = token_of(context)
        digest = hashlib.sha256(token.encode()).digest()
        now_s = self._clock.monotonic_s()
        found_s, cached = self._entries.get(digest, (0.0, None))
        if cached is not None and now_s - found_s <= self._cache_s and self._is_valid(cached):
            return cached
        try:
            session = await self._look_up(token)
        except Unavailable:
            if cached is None or now_s - found_s > OUTAGE_S_MAX or not self._is_valid(cached):
                raise
            return cached
        if session is None:
            self._entries.pop(digest, None)
            raise SessionRequired("Session must not be over, it is or never was; log in")
        self._remember(digest, now_s, session)
        return session

    async def end(self, context: Context) -> None:
        """End the session of a call.

        Raises:
            SessionRequired: If it carries no token.
            Unavailable: If the store does not answer in time.
        """
        token = token_of(context)
        self._entries.pop(hashlib.sha256(token.encode()).digest(), None)
        await self._sessions.end(token)

    async def _look_up(self, token: str) -> Session | None:
        stored = await self._sessions.find(token)
        if stored is None:
            return None
        try:
            player = await self._players.find(stored.player_id)
        except Unavailable as error:
            raise Unavailable(Part.SESSIONS, "Player must be found in time, was not") from error
        if player is None or player.session_epoch != stored.session_epoch:
            return None
        return Session(player, stored.opened_time_us, stored.expires_time_us)

    def _is_valid(self, session: Session) -> bool:
        return session.expires_time_us > self._clock.now_us()

    def _remember(self, digest: bytes, now_s: float, session: Session) -> None:
        self._entries.pop(digest, None)
        self._entries[digest] = (now_s, session)
        if len(self._entries) > self._entries_max:
            del self._entries[next(iter(self._entries))]
