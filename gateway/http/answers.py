"""How HTTP doors answer: one status for each kind of refusal, and nothing that a browser could take for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.responses import Response

from kernel.errors import Category, DomainError

JSON: Final = "application/json"

STATUS_BY_CATEGORY: Final[Mapping[Category, int]] = {
    Category.MALFORMED: 400,
    Category.UNAUTHENTICATED: 401,
    Category.FORBIDDEN: 403,
    Category.UNKNOWN: 404,
    Category.CONFLICT: 409,
    Category.RULE: 422,
    Category.BUSY: 429,
    Category.UNAVAILABLE: 503,
    Category.BROKEN: 500,
}
# As gRPC has them: HTTP too has a status of its own for what is not there, too long, or too late.
_STATUS_BY_REASON: Final[Mapping[str, int]] = {
    "DEADLINE_EXCEEDED": 504,
    "METHOD_CLOSED": 404,
    "REQUEST_OVERSIZED": 413,
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def respond(
    body: bytes, *, status: int = 200, content_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that nobody keeps and no browser takes for anything else, unless its headers say so."""
    return Response(body, status_code=status, media_type=content_type, headers={**_HEADERS, **(headers or {})})


def answer_refusal(refusal: DomainError, *, status: int | None = None) -> Response:
    """Return what a client is told: reason, message and what would be accepted, as JSON.

    Args:
        refusal: What was refused.
        status: Where HTTP has one of its own for it; else that of its reason or category.
    """
    told = {"reason": refusal.reason, "message": refusal.message, "figures": dict(refusal.figures)}
    found = status or _STATUS_BY_REASON.get(refusal.reason, STATUS_BY_CATEGORY[refusal.category])
    headers = {}
    if found == STATUS_BY_CATEGORY[Category.UNAUTHENTICATED]:
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_s" in refusal.figures:
        headers["Retry-After"] = refusal.figures["retry_s"]
    return respond(orjson.dumps(told), status=found, headers=headers)
