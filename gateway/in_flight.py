"""Requests under way: a repeat waits for the first and gets its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kernel.commands import Overloaded, RequestIdReused
from kernel.errors import DomainError

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _First(Generic[Answer]):
    """A request under way; its future holds None in the end if it was given up without an answer."""

    fingerprint: bytes
    ending: asyncio.Future[Answer | DomainError | None]


class InFlight(Generic[Key, Answer]):
    """Runs the work of each key once at a time, and of a bounded number of keys."""

    def __init__(self, *, requests_max: int) -> None:
        self._requests_max = requests_max
        self._firsts: dict[Key, _First[Answer]] = {}

    async def run(self, key: Key, fingerprint: bytes, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what `work` returns, or what it returns to whom came first with this key.

        Raises:
            RequestIdReused: If a request with this key and another fingerprint is under way.
            Overloaded: If too many are.
            DomainError: What `work` raises, to everybody who waits.
        """
        while (first := self._firsts.get(key)) is not None:
            if first.fingerprint != fingerprint:
                raise RequestIdReused("Request id must name one content, another one with that id is under way")
            outcome = await asyncio.shield(first.ending)
            if isinstance(outcome, DomainError):
                raise outcome
            if outcome is not None:
                return outcome
        if len(self._firsts) >= self._requests_max:
            raise Overloaded(f"At most {self._requests_max} requests may be under way at once")
        return await self._run_first(key, fingerprint, work)

    async def wait(self, key: Key) -> None:
        """Wait while a request with this key is under way."""
        first = self._firsts.get(key)
        if first is not None:
            await asyncio.shield(first.ending)

    async def _run_first(self, key: Key, fingerprint: bytes, work: Callable[[], Awaitable[Answer]]) -> Answer:
        ending: asyncio.Future[Answer | DomainError | None] = asyncio.get_running_loop().create_future()
        self._firsts[key] = _First(fingerprint, ending)
        outcome: Answer | DomainError | None = None
        try:
            outcome = answer = await work()
            return answer
        except DomainError as error:
            outcome = error
            raise
        finally:
            del self._firsts[key]
            ending.set_result(outcome)
