"""What we put in the place of a library's method takes every call that the library makes."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from inspect import Parameter, Signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher

from infra.checks import PACKAGES
from infra.faust_consumer import AT_ONCE, FetchSpacing, note_ends, space_fetches, transport_with

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def our_modules() -> Iterator[str]:
    for package in PACKAGES:
        yield package
        path = list(importlib.import_module(package).__path__)
        yield from (found.name for found in pkgutil.walk_packages(path, f"{package}."))


def our_classes(tmp_path: Path) -> set[type]:
    for name in our_modules():
        if not name.endswith("__main__"):
            importlib.import_module(name)
    app = faust.App("test", broker="kafka://127.0.0.1:1", datadir=tmp_path, web_enabled=False, autodiscover=False)
    transport = transport_with(AT_ONCE, FetchSpacing())(app.conf.broker_consumer, app)
    made_inside = [transport.Consumer, type(transport)]
    return {found for found in (*subclasses(object), *made_inside) if is_ours(found)}


def subclasses(base: type) -> Iterator[type]:
    seen: set[type] = set()
    waiting = [base]
    while waiting:
        below: list[type] = type.__subclasses__(waiting.pop())
        for found in below:
            if found not in seen:
                seen.add(found)
                waiting.append(found)
                yield found


def is_ours(found: type) -> bool:
    module = found.__module__
    return isinstance(module, str) and module.split(".")[0] in PACKAGES


def is_generated(found: type) -> bool:
    """Return whether a class was made of a contract: gRPC's server calls its methods by their places."""
    return found.__module__.split(".")[0] == "overround"


def overrides(found: type) -> Iterator[tuple[str, Any, Any]]:
    """Yield the methods of a class that stand in the place of a library's, with those."""
    libraries = [base for base in found.__mro__[1:] if not is_ours(base) and not is_generated(base)]
    for name, ours in vars(found).items():
        if not inspect.isfunction(ours) or name in ("__init__", "__new__", "__init_subclass__"):
            continue
        for base in libraries:
            theirs = vars(base).get(name)
            if inspect.isfunction(theirs):
                yield f"{found.__qualname__}.{name}", ours, theirs
                break


def calls_not_taken(ours: Signature, theirs: Signature) -> list[str]:
    """Return what may be passed to their method, and not to ours."""
    mine, others = list(ours.parameters.values()), list(theirs.parameters.values())
    kinds = {parameter.kind for parameter in mine}
    takes_more, takes_names = Parameter.VAR_POSITIONAL in kinds, Parameter.VAR_KEYWORD in kinds
    named = {parameter.name for parameter in mine if parameter.kind in NAMED}
    missing = [
        parameter.name
        for parameter in others[1:]
        if parameter.kind in NAMED and parameter.name not in named and not takes_names
        if not (parameter.kind is Parameter.POSITIONAL_OR_KEYWORD and takes_more)
    ]
    count = [sum(parameter.kind in POSITIONAL for parameter in one) for one in (mine, others)]
    if count[0] < count[1] and not takes_more:
        missing.append(f"{count[1]} positional arguments")
    if Parameter.VAR_POSITIONAL in {parameter.kind for parameter in others} and not takes_more:
        missing.append("*arguments")
    wanted = {parameter.name for parameter in others}
    return missing + [
        f"without {parameter.name}"
        for parameter in mine[1:]
        if parameter.default is Parameter.empty and parameter.kind in NAMED and parameter.name not in wanted
        if parameter.kind is Parameter.KEYWORD_ONLY or mine.index(parameter) >= count[1]
    ]


def test_every_override_takes_every_call_of_the_method_it_stands_for(tmp_path: Path) -> None:
    found = [item for one in our_classes(tmp_path) for item in overrides(one)]
    faults = {
        name: refused
        for name, ours, theirs in found
        if (refused := calls_not_taken(inspect.signature(ours), inspect.signature(theirs)))
        or inspect.iscoroutinefunction(ours) != inspect.iscoroutinefunction(theirs)
    }
    assert faults == {}
    names = {name.split(".")[-2:][0] + "." + name.split(".")[-1] for name, _, _ in found}
    assert {"_PromptConsumer.wait_first", "PolicyConsumerThread.on_start"} <= names


def test_what_is_put_into_the_fetcher_is_called_as_before() -> None:
    fetcher: Any = SimpleNamespace(_get_actions_per_node=None, _proc_fetch_request=None)
    space_fetches(fetcher, FetchSpacing())
    note_ends(fetcher, {})
    for name in vars(fetcher):
        ours, theirs = inspect.signature(getattr(fetcher, name)), inspect.signature(getattr(Fetcher, name))
        assert list(ours.parameters) == list(theirs.parameters)[1:], name


@pytest.mark.parametrize(
    ("ours", "refused"),
    [
        ("lambda self, *coros, timeout=None: 0", []),
        ("lambda self, *coros, **options: 0", []),
        ("lambda self, first, second: 0", ["timeout", "*arguments", "without first", "without second"]),
        ("lambda self, *coros: 0", ["timeout"]),
        ("lambda self, *coros, timeout=None, more: 0", ["without more"]),
    ],
)
def test_what_a_narrower_method_refuses_is_seen(ours: str, refused: list[str]) -> None:
    def theirs(self: object, *coros: object, timeout: object = None) -> None: ...

    assert calls_not_taken(inspect.signature(eval(ours)), inspect.signature(theirs)) == refused  # noqa: S307
