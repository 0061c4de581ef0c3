"""Which formats of providers are known: every module beside this one that has a `FORMAT`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from gateway import feeds
from gateway.feeds.format import FeedFormat
from kernel.errors import InvariantBroken


def by_first_byte(formats: Iterable[FeedFormat]) -> MappingProxyType[bytes, FeedFormat]:
    """Return formats by what recordings of them begin with.

    Raises:
        InvariantBroken: If that is not one byte, or two begin alike.
    """
    found: dict[bytes, FeedFormat] = {}
    for known in formats:
        if len(known.begins_with) != 1 or known.begins_with in found:
            raise InvariantBroken(f"{known.name} must begin with a byte of its own, was {known.begins_with!r}")
        found[known.begins_with] = known
    return MappingProxyType(found)


def _found() -> Iterable[FeedFormat]:
    for module in iter_modules(feeds.__path__):
        known = getattr(import_module(f"{feeds.__name__}.{module.name}"), "FORMAT", None)
        if known is not None:
            yield known


FORMATS: Final = by_first_byte(_found())
