"""Argon2id in a few threads: each hash costs a good part of a second and tens of megabytes, on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from infra.settings import Passwords
from kernel.commands import Overloaded

_NOBODYS_PASSWORD: Final = "nobody has this password"  # noqa: S105 (its hash only takes up time)

Result = TypeVar("Result")


class Argon2Passwords:
    """Hashes and verifies: implements `pam.ports.Passwords`."""

    def __init__(self, settings: Passwords) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=settings.lanes
        )
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="argon2")
        self._working_max = settings.threads + settings.waiting_max
        self._working = 0
        self._nobodys_hash = self._hasher.hash(_NOBODYS_PASSWORD)

    async def hash(self, password: str) -> str:
        """Return a new hash.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether the hash is of that password; None takes as long and is of none.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        is_right = await self._in_thread(lambda: self._verify(password, password_hash or self._nobodys_hash))
        return is_right and password_hash is not None

    def close(self) -> None:
        """Let the threads end; whoever still waits is refused."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._working >= self._working_max:
            raise Overloaded(f"At most {self._working_max} passwords may be worked on at once")
        self._working += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(lambda _: self._leave())
        return await future

    def _leave(self) -> None:
        self._working -= 1
