"""The front end."""

from __future__ import annotations

from typing import Final

from gateway.web import page_routes
from infra.processes.parts.part import Part
from infra.settings import ROOT

DIST_DIR: Final = ROOT / "web" / "dist"


def make_pages() -> Part:
    """Return the pages; they have every path that no part before them has."""
    return Part(routes=page_routes(DIST_DIR))
