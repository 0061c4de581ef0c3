"""Commands that wait at the same time share one commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kernel.commands import UNDECIDED, Overloaded
from kernel.errors import DomainError, Part, Unavailable

Command = TypeVar("Command")
Answer = TypeVar("Answer")

Outcomes = Sequence[Answer | DomainError]

HELD_PAUSE_S_MIN: Final = 0.005
HELD_PAUSE_S_MAX: Final = 0.04  # about as long as a page of settlement holds its market and rests


class HeldByOthers(Unavailable):
    """What a command needs is held by another transaction."""


@dataclass(slots=True, eq=False)
class _Waiter(Generic[Command, Answer]):
    command: Command
    answer: asyncio.Future[Answer]


class GroupCommit(Generic[Command, Answer]):
    """Takes whatever waits as soon as a batch may start, so that batches grow with the load and not with a clock.

    A batch that fails on its content is done again one by one, once, so that a bad command fails alone.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Command]], Awaitable[Outcomes[Answer]]],
        *,
        is_content_error: Callable[[Exception], bool],
        batch_size_max: int,
        batches_at_once_max: int,
        waiting_max: int,
        timeout_ms: int,
    ) -> None:
        self._commit = commit
        self._is_content_error = is_content_error
        self._batch_size_max = batch_size_max
        self._batches_at_once_max = batches_at_once_max
        self._waiting_max = waiting_max
        self._timeout_s = timeout_ms / 1_000
        self._waiting: deque[_Waiter[Command, Answer]] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._is_start_planned = False

    async def submit(self, command: Command) -> Answer:
        """Return the answer to a command once its batch is committed.

        Raises:
            Overloaded: If too many wait already.
            Unavailable: If there is no answer in time. A command that had not begun is forgotten; of one that
                had, only asking again tells what became of it.
        """
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded(f"At most {self._waiting_max} commands may wait, as many do; {UNDECIDED}")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(command, answer)
        self._waiting.append(waiter)
        self._plan_start()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            raise Unavailable(Part.LEDGER, f"The ledger must answer within {self._timeout_s} s, did not") from None
        finally:
            self._forget(waiter)

    async def submit_until_free(self, command: Command) -> Answer:
        """Submit a command again a little later as long as what it needs is held by others.

        Nothing is locked for it meanwhile, so that what it waits for keeps nobody else waiting.

        Raises:
            HeldByOthers: If it is held for as long as an answer may take.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._timeout_s
        pause_s = HELD_PAUSE_S_MIN
        while True:
            try:
                return await self.submit(command)
            except HeldByOthers:
                if loop.time() + pause_s > deadline_s:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, HELD_PAUSE_S_MAX)

    async def close(self) -> None:
        """Refuse those that wait and let the batches that have begun end."""
        for waiter in self._waiting:
            _fail(waiter, Unavailable(Part.LEDGER, "The ledger's client is closing"))
        self._waiting.clear()
        if self._batches:
            await asyncio.wait(self._batches, timeout=self._timeout_s)

    def _forget(self, waiter: _Waiter[Command, Answer]) -> None:
        # Those that were answered have left the queue already; only one that gave up can still be in it.
        if not waiter.answer.done() or waiter.answer.cancelled():
            waiter.answer.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _plan_start(self) -> None:
        # Not at once: whoever else submits in this turn of the loop comes along.
        if not self._is_start_planned and len(self._batches) < self._batches_at_once_max:
            self._is_start_planned = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._is_start_planned = False
        if self._waiting and len(self._batches) < self._batches_at_once_max:
            size = min(self._batch_size_max, len(self._waiting))
            waiters = [self._waiting.popleft() for _ in range(size)]
            batch = asyncio.create_task(self._answer(waiters))
            self._batches.add(batch)
            batch.add_done_callback(self._end)
        if self._waiting:
            self._plan_start()

    def _end(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._plan_start()

    async def _answer(self, waiters: list[_Waiter[Command, Answer]]) -> None:
        # Whatever fails belongs to those who wait, so nothing is let through here.
        try:
            outcomes = await self._commit([waiter.command for waiter in waiters])
        except Exception as error:
            if len(waiters) > 1 and self._is_content_error(error):
                for waiter in waiters:
                    await self._answer([waiter])
            else:
                for waiter in waiters:
                    _fail(waiter, error)
            return
        for waiter, outcome in zip(waiters, outcomes, strict=True):
            if isinstance(outcome, DomainError):
                _fail(waiter, outcome)
            elif not waiter.answer.done():
                waiter.answer.set_result(outcome)


def _fail(waiter: _Waiter[Command, Answer], error: Exception) -> None:
    if not waiter.answer.done():
        waiter.answer.set_exception(error)
