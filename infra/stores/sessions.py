"""Sessions in Redis: `session:<SHA-256 of the token>` says whose it is, and expires.

What it says is signed by a key that Redis does not have, together with where it stands: who can write to the store can
neither make a session nor give somebody another's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis

from infra.settings import Sessions
from infra.stores.bounded import bounded
from kernel.clock import Clock
from kernel.errors import Part
from pam.player import Player
from pam.session import Session, StoredSession

TOKEN_BYTES: Final = 32
ANSWERED: Final = "Redis must tell sessions in time"
TOKEN_LENGTH_MAX: Final = 128
SIGNATURE_BYTES: Final = 32

log = structlog.get_logger(__name__)


class RedisSessions:
    """Implements `pam.ports.SessionStore`."""

    def __init__(self, redis: Redis, settings: Sessions, *, signing_key: str, clock: Clock) -> None:
        self._redis: Any = redis
        self._signing_key = signing_key.encode()
        self._settings = settings
        self._clock = clock

    async def open(self, player: Player) -> tuple[str, Session]:
        """Open a session and return its token, 256 random bits.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        opened_time_us = self._clock.now_us()
        key, record = _key(token), _pack(player, opened_time_us)
        async with bounded(self._settings.timeout_ms / 1_000, Part.SESSIONS, ANSWERED):
            await self._redis.set(key, self._sign(key, record), ex=self._settings.idle_s)
        return token, Session(player, opened_time_us, self._end_us(opened_time_us))

    async def find(self, token: str) -> StoredSession | None:
        """Return the session of a token, whose end this moves on; None if there is none.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        if not 0 < len(token) <= TOKEN_LENGTH_MAX:
            return None
        async with bounded(self._settings.timeout_ms / 1_000, Part.SESSIONS, ANSWERED):
            packed = await self._redis.getex(_key(token), ex=self._settings.idle_s)
        if packed is None:
            return None
        session = self._read(_key(token), packed)
        if session is None:
            return None
        if session.expires_time_us <= self._clock.now_us():
            await self.end(token)
            return None
        return session

    async def end(self, token: str) -> None:
        """End a session, if there is one.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        async with bounded(self._settings.timeout_ms / 1_000, Part.SESSIONS, ANSWERED):
            await self._redis.delete(_key(token))

    def _sign(self, key: str, record: bytes) -> bytes:
        return hmac.digest(self._signing_key, key.encode() + record, hashlib.sha256) + record

    def _read(self, key: str, packed: bytes) -> StoredSession | None:
        record = packed[SIGNATURE_BYTES:]
        if not hmac.compare_digest(packed, self._sign(key, record)):
            log.warning("sessions.signature_wrong")
            return None
        found = orjson.loads(record)
        opened_time_us = found["opened_time_us"]
        return StoredSession(
            player_id=UUID(found["player_id"]),
            session_epoch=found["session_epoch"],
            opened_time_us=opened_time_us,
            expires_time_us=self._end_us(opened_time_us),
        )

    def _end_us(self, opened_time_us: int) -> int:
        idle_end_us = self._clock.now_us() + self._settings.idle_s * 1_000_000
        last_end_us = opened_time_us + self._settings.age_s_max * 1_000_000
        return min(idle_end_us, last_end_us)


def _key(token: str) -> str:
    return f"session:{hashlib.sha256(token.encode()).hexdigest()}"


def _pack(player: Player, opened_time_us: int) -> bytes:
    return orjson.dumps(
        {"player_id": player.player_id, "session_epoch": player.session_epoch, "opened_time_us": opened_time_us}
    )
