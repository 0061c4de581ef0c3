"""The application of the HTTP doors: their routes, and what is told where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http.answers import answer_refusal
from gateway.rpc.access import MethodClosed


def make_app(routes: Sequence[BaseRoute]) -> FastAPI:
    """Return an application that serves the routes, and nothing that it would add by itself.

    Args:
        routes: The first that fits a path answers; each tells by itself what it refuses.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(HTTPException, _tell_closed)
    app.router.routes.extend(routes)
    return app


async def _tell_closed(request: Request, error: Exception) -> Response:
    """Tell a client that no route has what it asks for, as gRPC tells it of a method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = f"{request.method} {request.url.path}"[:128]
    answer = answer_refusal(MethodClosed(f"Path must be one that somebody may ask, {told} is none"), status=status)
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer
