"""The HTTP side that the world sees: the built front end, and whether the process works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

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


def make_web_app(dist_dir: Path, *, find_trouble: Callable[[], Awaitable[str | None]]) -> web.Application:
    """Return the application. What is wrong, and the figures of the process, are told at another port.

    Args:
        dist_dir: Where the front end is built; it has every path but that of the health.
        find_trouble: Says what keeps the gateway from working, None if it works.
    """

    async def answer_ready(_request: web.Request) -> web.Response:
        is_well = await find_trouble() is None
        return web.Response(status=200 if is_well else 503, text="ok" if is_well else "not ready")

    app = web.Application(client_max_size=REQUEST_BYTES_MAX)
    app.on_response_prepare.append(_add_security_headers)
    app.add_routes([web.get("/readyz", answer_ready), web.get("/{path:.*}", _serving(dist_dir.resolve()))])
    return app


def _serving(dist_dir: Path) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.path
        file = _find_file(dist_dir, path)
        if file is not None:
            return web.FileResponse(file, headers={"Cache-Control": _cache_of(path)})
        if path.startswith(ASSETS) or _is_file_name(path):
            raise web.HTTPNotFound
        page = dist_dir / ("desk.html" if path == "/desk" or path.startswith("/desk/") else "index.html")
        if not page.is_file():
            raise web.HTTPServiceUnavailable(text="The front end is not built.")
        return web.FileResponse(page, headers={"Cache-Control": CACHE_NEVER})

    return serve


def _find_file(dist_dir: Path, path: str) -> Path | None:
    try:
        file = (dist_dir / path.lstrip("/")).resolve()
        is_served = file.is_relative_to(dist_dir) and file.suffix != ".html" and file.is_file()
    except (OSError, ValueError):  # too long, or nothing that can be a path
        raise web.HTTPNotFound from None
    return file if is_served else None


def _is_file_name(path: str) -> bool:
    """Return whether it asks for a file at the top; further down a point may be part of an id ("total:2.5")."""
    return path.count("/") == 1 and "." in path


def _cache_of(path: str) -> str:
    return CACHE_FOR_EVER if path.startswith(ASSETS) else CACHE_AN_HOUR


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)
