"""The HTTP side: the built front end, the health of the process, its metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

ASSETS: Final = "/assets/"
CACHE_FOR_EVER: Final = "public, max-age=31536000, immutable"
CACHE_AN_HOUR: Final = "public, max-age=3600"
CACHE_NEVER: Final = "no-cache"
REQUEST_BYTES_MAX: Final = 16 * 1024

SECURITY_HEADERS: Final = {
    # Parts of the front end place themselves with style attributes; scripts come from files of ours alone.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_web_app(*, dist_dir: Path, find_troubles: Callable[[], Awaitable[list[str]]]) -> web.Application:
    """Return the application.

    Args:
        dist_dir: Folder of the built front end.
        find_troubles: Says what keeps the gateway from working, nothing if it works.
    """

    async def answer_health(_request: web.Request) -> web.Response:
        troubles = await find_troubles()
        return web.Response(status=503 if troubles else 200, text="\n".join(troubles) or "ok")

    async def answer_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(client_max_size=REQUEST_BYTES_MAX)
    app.on_response_prepare.append(_add_security_headers)
    app.router.add_get("/healthz", answer_health)
    app.router.add_get("/metrics", answer_metrics)
    app.router.add_get("/{path:.*}", _serving(dist_dir.resolve()))
    return app


def _serving(dist_dir: Path) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.path
        file = (dist_dir / path.lstrip("/")).resolve()
        if path != "/" and file.is_relative_to(dist_dir) and file.is_file() and file.suffix != ".html":
            return web.FileResponse(file, headers={"Cache-Control": _cache_of(path)})
        if path.startswith(ASSETS) or _is_file_name(path):
            raise web.HTTPNotFound
        page = dist_dir / ("desk.html" if path == "/desk" or path.startswith("/desk/") else "index.html")
        if not page.is_file():
            raise web.HTTPServiceUnavailable(text="The front end is not built.")
        return web.FileResponse(page, headers={"Cache-Control": CACHE_NEVER})

    return serve


def _is_file_name(path: str) -> bool:
    """Return whether it asks for a file at the top; further down a point may be part of an id ("total:2.5")."""
    return path.count("/") == 1 and "." in path


def _cache_of(path: str) -> str:
    return CACHE_FOR_EVER if path.startswith(ASSETS) else CACHE_AN_HOUR


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)
