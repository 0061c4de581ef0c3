"""Requests under way: each is a task of its own, which no caller ends; a repeat waits for it and gets its answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kernel.commands import UNDECIDED, Overloaded, RequestIdReused
from kernel.errors import Category, DomainError, Part, Unavailable

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class TooManyUnderWay(DomainError):
    """One owner has as many requests under way as one may; this call decided nothing."""

    reason = "TOO_MANY_BETS_UNDER_WAY"
    category = Category.BUSY


@dataclass(frozen=True, slots=True)
class _Work(Generic[Answer]):
    """The one task that answers all who ask with its key."""

    fingerprint: bytes
    owner: Hashable
    task: asyncio.Task[Answer]


class InFlight(Generic[Key, Answer]):
    """Runs the work of each key once at a time, of a bounded number of keys, and of fewer for each owner.

    Args:
        requests_max: So many keys.
        requests_of_owner_max: So many of them with one owner.
        on_broken: Told of an error that is no refusal, as perhaps no caller is left to hear of it.
    """

    def __init__(
        self, *, requests_max: int, requests_of_owner_max: int, on_broken: Callable[[BaseException], None]
    ) -> None:
        self._requests_max = requests_max
        self._requests_of_owner_max = requests_of_owner_max
        self._on_broken = on_broken
        self._works: dict[Key, _Work[Answer]] = {}
        self._count_by_owner: Counter[Hashable] = Counter()
        self._is_closing = False

    async def run(
        self, key: Key, fingerprint: bytes, work: Callable[[], Coroutine[Any, Any, Answer]], *, owner: Hashable
    ) -> Answer:
        """Return what `work` returns, or what it returns to whom came first with this key.

        Whoever asks only waits: a caller that leaves, at whatever moment, changes nothing about the work.

        Raises:
            RequestIdReused: If a request with this key and another fingerprint is under way.
            Overloaded: If too many are, or no more are begun.
            TooManyUnderWay: If the owner has too many.
            Unavailable: If the work had to be given up at the end of the process.
            DomainError: What `work` raises, to everybody who waits.
        """
        found = self._works.get(key) or self._begin(key, fingerprint, work, owner)
        if found.fingerprint != fingerprint:
            raise RequestIdReused("Request id must name one content, another one with that id is under way")
        # Not by shield alone: a task that is given up must not look to its callers as if they had been.
        await asyncio.wait([found.task])
        if found.task.cancelled():
            raise Unavailable(
                Part.LEDGER, "Gateway must not close before the answer, it did; ask again by the request id"
            )
        return found.task.result()

    async def wait(self, key: Key) -> None:
        """Wait while a request with this key is under way."""
        found = self._works.get(key)
        if found is not None:
            await asyncio.wait([found.task])

    async def close(self, *, timeout_s: float) -> None:
        """Begin nothing more, and let what is under way end in its time; what does not is given up."""
        self._is_closing = True
        tasks = [work.task for work in self._works.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _begin(
        self, key: Key, fingerprint: bytes, work: Callable[[], Coroutine[Any, Any, Answer]], owner: Hashable
    ) -> _Work[Answer]:
        if self._is_closing:
            raise Overloaded(f"Gateway must not be closing, it is; {UNDECIDED}")
        if len(self._works) >= self._requests_max:
            raise Overloaded(f"At most {self._requests_max} requests may be under way; {UNDECIDED}")
        if self._count_by_owner[owner] >= self._requests_of_owner_max:
            most = self._requests_of_owner_max
            raise TooManyUnderWay(
                f"At most {most} bets of a player may be under way; {UNDECIDED}",
                figures={"under_way_max": str(most)},
            )
        begun = _Work(fingerprint, owner, asyncio.create_task(work()))
        self._works[key] = begun
        self._count_by_owner[owner] += 1
        begun.task.add_done_callback(lambda task: self._end(key, task))
        return begun

    def _end(self, key: Key, task: asyncio.Task[Answer]) -> None:
        owner = self._works.pop(key).owner
        self._count_by_owner[owner] -= 1
        if not self._count_by_owner[owner]:
            del self._count_by_owner[owner]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, DomainError):
            self._on_broken(error)
