"""Who calls: the session of the token in a call's metadata, and the player as they are now."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.rpc.call import Metadata
from kernel.clock import Clock
from kernel.errors import Part, Unavailable
from pam.ports import PlayerStore, SessionStore
from pam.session import Session, SessionRequired

METADATA_KEY: Final = "authorization"
SCHEME: Final = "bearer "
# Without its stores a session seen this lately still counts: who waits for a bet's answer is not logged out by it.
OUTAGE_S_MAX: Final = 60.0


def token_of(metadata: Metadata) -> str:
    """Return the token that a call carries.

    Raises:
        SessionRequired: If it carries none.
    """
    for key, value in metadata:
        if key == METADATA_KEY and isinstance(value, str) and value.lower().startswith(SCHEME):
            return value[len(SCHEME) :].strip()
    raise SessionRequired("Call must carry a session token in its metadata, carried none")


@dataclass(slots=True, eq=False)
class _LookUp:
    """A look at the stores that is under way, and how many wait for it."""

    task: asyncio.Task[Session | None]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """What was found of a session, and how many changes of players were heard of before it was looked up."""

    found_s: float
    session: Session
    changes_seen: int


class Authenticator:
    """Finds sessions, and remembers each for a moment, since a client makes many calls in one.

    A session says whose it is; role and status are the player's as stored now, and so is whether their sessions were
    ended, so that what an operator changes holds as soon as the moment is over. Calls that come while a session is
    looked up wait for that look; it ends with the last of them.
    """

    def __init__(
        self, sessions: SessionStore, players: PlayerStore, *, clock: Clock, cache_ms: int, cache_entries_max: int
    ) -> None:
        self._sessions = sessions
        self._players = players
        self._clock = clock
        self._cache_s = cache_ms / 1_000
        self._entries_max = cache_entries_max
        self._entries: dict[bytes, _Entry] = {}
        self._look_ups: dict[bytes, _LookUp] = {}
        self._changes: OrderedDict[str, int] = OrderedDict()
        self._changes_seen = 0

    def note_changed(self, player_id: str) -> None:
        """Remember nothing of a player who was told to have changed: whoever needs them looks them up anew."""
        self._changes_seen += 1
        self._changes[player_id] = self._changes_seen
        self._changes.move_to_end(player_id)
        if len(self._changes) > self._entries_max:
            self._changes.popitem(last=False)

    def changes_of(self, player_id: str) -> int:
        """Return a number that rises whenever a player changes."""
        return self._changes.get(player_id, 0)

    async def session(self, token: str) -> Session:
        """Return the session of a token.

        Raises:
            SessionRequired: If there is none, or it is over.
            Unavailable: If that cannot be found out now.
        """
        digest = _digest(token)
        now_s = self._clock.monotonic_s()
        entry = self._entries.get(digest)
        found_s, cached = (0.0, None) if entry is None else (entry.found_s, entry.session)
        if entry is not None and now_s - found_s <= self._cache_s and self._is_current(entry):
            return entry.session
        try:
            session = await self._look_up_together(token, digest)
        except Unavailable:
            if cached is None or now_s - found_s > OUTAGE_S_MAX or not self._is_valid(cached):
                raise
            return cached
        if session is None:
            raise SessionRequired("Session must not be over, it is or never was; log in")
        return session

    async def end(self, token: str) -> None:
        """End the session of a token.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        digest = _digest(token)
        try:
            await self._sessions.end(token)
        finally:
            # A look that began before may yet find it; nobody who comes after waits for that, and it is not remembered.
            self._look_ups.pop(digest, None)
            self._entries.pop(digest, None)

    async def _look_up_together(self, token: str, digest: bytes) -> Session | None:
        look_up = self._look_ups.get(digest)
        if look_up is None:
            look_up = self._look_ups[digest] = _LookUp(asyncio.create_task(self._look_up_noted(token, digest)))
        look_up.waiting += 1
        try:
            await asyncio.wait([look_up.task])
        finally:
            look_up.waiting -= 1
            if not look_up.waiting:
                self._forget(digest, look_up.task)
                look_up.task.cancel()
        return look_up.task.result()

    async def _look_up_noted(self, token: str, digest: bytes) -> Session | None:
        # As old as its beginning: what changes while the stores are asked may not be in what they say.
        begun_s, changes_seen = self._clock.monotonic_s(), self._changes_seen
        task = asyncio.current_task()
        session = await self._look_up(token)
        if self._forget(digest, task):
            self._entries.pop(digest, None)
            if session is not None:
                self._entries[digest] = _Entry(begun_s, session, changes_seen)
                if len(self._entries) > self._entries_max:
                    del self._entries[next(iter(self._entries))]
        return session

    def _forget(self, digest: bytes, task: asyncio.Task[Session | None] | None) -> bool:
        """Let nobody else wait for a look; return whether it was the one to wait for."""
        look_up = self._look_ups.get(digest)
        if look_up is None or look_up.task is not task:
            return False
        del self._look_ups[digest]
        return True

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

    def _is_current(self, entry: _Entry) -> bool:
        changes = self.changes_of(str(entry.session.player.player_id))
        return changes <= entry.changes_seen and self._is_valid(entry.session)

    def _is_valid(self, session: Session) -> bool:
        return session.expires_time_us > self._clock.now_us()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
