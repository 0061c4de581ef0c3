"""What one area brings to a process, and how parts are added up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING

from gateway.rpc.methods import Service
from infra.processes.servers import Reading
from kernel.log import Record

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

Apply = Callable[[list[Record]], None]
Trouble = Callable[[], Awaitable[str | None]]
Work = Callable[[], Coroutine[None, None, None]]
Ending = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Follower:
    """Takes in the records of a log as they come; who reads the same way shares one reader.

    Attributes:
        reading: What is read, and how.
        apply: Given every batch, in the order of the followers; passes over records of topics that it does not know.
    """

    reading: Reading
    apply: Apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one area brings.

    Attributes:
        services: Of gRPC.
        routes: Of the HTTP doors, which serve them; the first that fits a path answers.
        followers: What it keeps up to date from the log.
        works: What runs as long as the process does; what one raises ends the process, for none may fail.
        troubles: Each says what keeps the area from working, None for nothing.
        endings: What is ended, one after another, while all works still run.
    """

    services: Sequence[Service] = ()
    routes: Sequence[BaseRoute] = ()
    followers: Sequence[Follower] = ()
    works: Sequence[Work] = ()
    troubles: Sequence[Trouble] = ()
    endings: Sequence[Ending] = ()


def add_up(parts: Iterable[Part]) -> Part:
    """Return the parts as one; what comes first of the parts comes first of it."""
    told = tuple(parts)
    return Part(
        **{item.name: tuple(chain.from_iterable(getattr(part, item.name) for part in told)) for item in fields(Part)}
    )
