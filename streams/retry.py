"""Waiting for a server that is away: try again, slower, for as long as it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

Result = TypeVar("Result")

WAIT_S_MIN: Final = 0.05
WAIT_S_MAX: Final = 2.0

log = structlog.get_logger(__name__)


async def retry_while(
    unavailable: type[Exception] | tuple[type[Exception], ...], action: Callable[[], Awaitable[Result]], *, step: str
) -> Result:
    """Return the result of the action, taken again as long as it raises `unavailable`.

    The caller holds events that are not acknowledged, in a bounded inbox: what waits here waits in the log.
    """

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("agent.waits", step=step, attempt=state.attempt_number, error=str(error))

    async def attempt() -> Result:
        return await action()

    retrying = AsyncRetrying(
        wait=wait_exponential_jitter(multiplier=WAIT_S_MIN, max=WAIT_S_MAX, jitter=WAIT_S_MIN),
        retry=retry_if_exception_type(unavailable),
        before_sleep=report,
    )
    return await retrying(attempt)
