"""What of an error anybody outside is told, whatever the protocol."""

from __future__ import annotations

import uuid

import structlog

from kernel.errors import Category, DomainError
from wire.reasons import CATEGORY_BY_REASON

log = structlog.get_logger(__name__)


class RequestOversized(DomainError):
    """A request is larger than anything that can be asked for."""

    reason = "REQUEST_OVERSIZED"
    category = Category.MALFORMED


class DeadlineExceeded(DomainError):
    """There was no answer in time; whether it had an effect is to be asked by its request id."""

    reason = "DEADLINE_EXCEEDED"
    category = Category.UNAVAILABLE


class Failed(DomainError):
    """Something failed on our side that nobody foresaw, or whose reason is ours to know; its id finds it in the log."""

    reason = "INTERNAL"
    category = Category.BROKEN

    def __init__(self, error_id: str) -> None:
        super().__init__(f"Something failed on our side; the error's id is {error_id}", figures={"error_id": error_id})


def as_told(error: Exception, *, door: str) -> DomainError:
    """Return a published refusal as it is, and of all else that it failed, which is logged.

    Args:
        error: What a service raised.
        door: Where it was asked, for the log: a method, a path.
    """
    if isinstance(error, DomainError) and error.reason in CATEGORY_BY_REASON:
        return error
    error_id = uuid.uuid4().hex[:12]
    log.error("gateway.call_failed", door=door, error_id=error_id, exc_info=error)
    return Failed(error_id)
