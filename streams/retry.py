"""Waiting for a server that is away: try again, slower, for as long as it takes, and say what has waited for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

Result = TypeVar("Result")

WAIT_S_MIN: Final = 0.05
WAIT_S_MAX: Final = 2.0
LONG_S: Final = 10.0
ERROR_LENGTH_MAX: Final = 300

log = structlog.get_logger(__name__)

_waiting: Final[dict[int, tuple[float, str, str]]] = {}
"""For how many seconds each step of this process that is taken again has waited, which it is, and the last error."""


async def retry_while(
    unavailable: type[Exception] | tuple[type[Exception], ...], action: Callable[[], Awaitable[Result]], *, step: str
) -> Result:
    """Return the result of the action, taken again as long as it raises `unavailable`.

    The caller holds events that are not acknowledged, in a bounded inbox: what waits here waits in the log.
    """

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("agent.waits", step=step, attempt=state.attempt_number, error=str(error))
        _waiting[id(state.retry_object)] = (state.seconds_since_start or 0.0, step, str(error))

    async def attempt() -> Result:
        return await action()

    retrying = AsyncRetrying(
        wait=wait_exponential_jitter(multiplier=WAIT_S_MIN, max=WAIT_S_MAX, jitter=WAIT_S_MIN),
        retry=retry_if_exception_type(unavailable),
        before_sleep=report,
    )
    try:
        return await retrying(attempt)
    finally:
        _waiting.pop(id(retrying), None)


def complaint_of_waiting() -> str | None:
    """Return what this process has waited for longest, if that is long: a server may answer, and yet take nothing."""
    seconds, step, error = max(_waiting.values(), default=(0.0, "", ""))
    if seconds < LONG_S:
        return None
    return f"{step} waits for {seconds:.0f} s: {' '.join(error.split())[:ERROR_LENGTH_MAX]}"
