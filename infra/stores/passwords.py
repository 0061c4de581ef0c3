"""Argon2id in a few threads: each hash costs a good part of a second and tens of megabytes, on purpose.

Whoever gave up waiting before their turn is not hashed for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from infra.settings import Passwords
from kernel.commands import Overloaded
from pam.ports import PasswordDoor

RETRY_S: Final = 2
_NOBODYS_PASSWORD: Final = "nobody has this password"  # noqa: S105 (its hash only takes up time)

Result = TypeVar("Result")


class Argon2Passwords:
    """Hashes and verifies: implements `pam.ports.Passwords`."""

    def __init__(self, settings: Passwords) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=settings.lanes
        )
        threads = {
            PasswordDoor.LOG_IN: settings.threads,
            PasswordDoor.TRADER: settings.trader_threads,
            PasswordDoor.REGISTRATION: settings.registration_threads,
        }
        self._queues = {door: _Queue(door, count, settings.waiting_max) for door, count in threads.items()}
        self._nobodys_hash = self._hasher.hash(_NOBODYS_PASSWORD)

    async def hash(self, password: str, *, door: PasswordDoor) -> str:
        """Return a new hash.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        return await self._queues[door].run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None, *, door: PasswordDoor) -> bool:
        """Return whether the hash is of that password; None takes as long and is of none.

        Raises:
            Overloaded: If too many wait for theirs.
        """
        is_right = await self._queues[door].run(lambda: self._verify(password, password_hash or self._nobodys_hash))
        return is_right and password_hash is not None

    def close(self) -> None:
        """Let the threads end; whoever still waits is refused."""
        for queue in self._queues.values():
            queue.close()

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


class _Queue:
    def __init__(self, door: PasswordDoor, threads: int, waiting_max: int) -> None:
        self._door = door
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._working_max = threads + waiting_max
        self._working = 0

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], Result]) -> Result:
        if self._working >= self._working_max:
            raise Overloaded(
                f"At most {self._working_max} {self._door} may be worked on at once, as many are: "
                f"try again in {RETRY_S} s",
                figures={"retry_s": str(RETRY_S)},
            )
        self._working += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(lambda _: self._leave())
        return await future

    def _leave(self) -> None:
        self._working -= 1
