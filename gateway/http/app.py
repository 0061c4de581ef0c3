"""What every HTTP application of the gateway has: a bound on what is sent, and one way to tell what went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson
from aiohttp import web

from gateway.refusals import as_told
from kernel.errors import Category, DomainError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

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


def make_app(*, body_bytes_max: int) -> web.Application:
    """Return an application without routes; what they raise is told by its category.

    Args:
        body_bytes_max: The most that a request may carry; what is longer is refused before it is read.
    """
    return web.Application(client_max_size=body_bytes_max, middlewares=[_telling_refusals])


def answer_refusal(refusal: DomainError) -> web.Response:
    """Return what a client is told: reason, message and what would be accepted, as JSON."""
    told = {"reason": refusal.reason, "message": refusal.message, "figures": dict(refusal.figures)}
    return web.Response(
        body=orjson.dumps(told), status=STATUS_BY_CATEGORY[refusal.category], content_type="application/json"
    )


@web.middleware
async def _telling_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException:
        raise  # says by itself what it is
    except Exception as error:
        return answer_refusal(as_told(error, door=f"{request.method} {request.path}"))
