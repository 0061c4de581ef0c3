"""Log-ins tried, in Redis: by name and address, and by address; those of traders apart from the public's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from infra.settings import Sessions
from infra.stores.bounded import bounded
from kernel.clock import Clock
from kernel.errors import Part
from pam.credentials import LoginRateLimited
from pam.player import PlayerRole

_SCRIPT: Final = (Path(__file__).parent / "log_in_attempts.lua").read_text(encoding="utf-8")
_OF_THE_NAME: Final = 1


class RedisLogInAttempts:
    """Implements `pam.ports.LogInAttempts`."""

    def __init__(self, redis: Redis, settings: Sessions, *, clock: Clock) -> None:
        self._redis: Any = redis
        self._settings = settings
        self._clock = clock

    async def note(self, username: str, *, address: str, role: PlayerRole) -> None:
        """Count one more.

        Raises:
            LoginRateLimited: If it comes too soon after those that failed.
            Unavailable: If Redis does not answer in time.
        """
        settings = self._settings
        early_ms, whose = await self._run(
            username,
            address,
            role,
            "note",
            self._clock.now_us() // 1_000,
            settings.log_in_window_s,
            settings.log_in_delay_ms_min,
            settings.log_in_delay_ms_max,
            settings.log_in_attempts_max,
            settings.log_in_attempts_by_address_max,
        )
        if early_ms:
            retry_s = -(-early_ms // 1_000)
            what = "for this name from your address" if whose == _OF_THE_NAME else "from your address"
            raise LoginRateLimited(
                f"Too many log-ins failed {what}: try again in {retry_s} s", figures={"retry_s": str(retry_s)}
            )

    async def forget(self, username: str, *, address: str, role: PlayerRole) -> None:
        """Give back what was counted for a name from an address, after one succeeded.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._run(username, address, role, "forget")

    async def _run(self, username: str, address: str, role: PlayerRole, *arguments: str | int) -> tuple[int, int]:
        of_address = f"log-in:{{{role.name.lower()}:{address}}}"
        of_name = f"{of_address}:{hashlib.sha256(username.encode()).hexdigest()}"
        async with bounded(self._settings.timeout_ms / 1_000, Part.SESSIONS, "Redis must count log-ins in time"):
            early_ms, whose = await self._redis.eval(_SCRIPT, 2, of_name, of_address, *arguments)
        return early_ms, whose
