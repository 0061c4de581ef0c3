"""Every event by name: what the files beside this one tell of."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from infra.postgres import outbox
from infra.postgres.outbox.event import OutboxEvent
from kernel.errors import InvariantBroken


def _find_events() -> dict[str, OutboxEvent[Any]]:
    areas = sorted(module.name for module in iter_modules(outbox.__path__) if module.name not in {"event", "registry"})
    listed = [event for area in areas for event in import_module(f"{outbox.__name__}.{area}").EVENTS]
    events = {event.name: event for event in listed}
    if len(events) < len(listed):
        raise InvariantBroken(f"Every event of the outbox must have a name of its own, they are {sorted(events)}")
    return events


EVENTS: Final = _find_events()
