"""Which sports are known: every module beside this one that has a `PRICER`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from kernel.errors import InvariantBroken
from odds import sports
from odds.fixture.state import FixtureState
from odds.sports.pricer import SportPricer


def by_sport(pricers: Iterable[SportPricer]) -> MappingProxyType[str, SportPricer]:
    """Return the pricer of each sport.

    Raises:
        InvariantBroken: If one of them is no pricer, or two are of one sport.
    """
    found: dict[str, SportPricer] = {}
    for pricer in pricers:
        if not isinstance(pricer, SportPricer) or found.keys() & set(pricer.sports):
            raise InvariantBroken(f"A sport must have one pricer, was {pricer!r} beside {sorted(found)}")
        found |= dict.fromkeys(pricer.sports, pricer)
    return MappingProxyType(found)


def pricer_of(state: FixtureState) -> SportPricer | None:
    """Return the pricer of a fixture's sport; None where that is not known."""
    return None if state.description is None else PRICERS.get(state.description.sport)


def _found() -> Iterable[SportPricer]:
    for module in iter_modules(sports.__path__):
        pricer = getattr(import_module(f"{sports.__name__}.{module.name}"), "PRICER", None)
        if pricer is not None:
            yield pricer


PRICERS: Final = by_sport(_found())
