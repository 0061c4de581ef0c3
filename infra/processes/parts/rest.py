"""The public REST API: methods of services that other parts bring, as paths."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.rest.routes import make_routes
from gateway.rpc.door import Door
from gateway.rpc.methods import Service
from infra.processes.parts.part import Part


def make_rest(services: Sequence[Service], door: Door) -> Part:
    """Return the paths of `/v1`, for the services of a process."""
    return Part(routes=make_routes(services, door))
