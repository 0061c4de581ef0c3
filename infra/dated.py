"""The one way to read what the house decided: files of tables, each of which holds from a day on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from infra.settings import SettingsRefused
from kernel.errors import DomainError

Domain = TypeVar("Domain")
Table = dict[str, Any]


class HouseRefused(SettingsRefused):
    """What the house decided cannot be; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A table of a file.

    Attributes:
        where: What a refusal of it names.
        from_day: The first day on which it holds, in UTC; it holds until the next one does.
        told: What it says beside that, by key.
    """

    where: str
    from_day: date
    told: Table

    def take(self, key: str) -> Any:
        """Return what it says under a key, and take it out.

        Raises:
            HouseRefused: If it does not say that.
        """
        if key not in self.told:
            raise HouseRefused(f"{self.where} must say {key}")
        return self.told.pop(key)

    def expect_nothing_left(self) -> None:
        """Refuse a key that nobody took."""
        _expect_nothing_left(self.told, where=self.where)


def read_editions(path: Path, *names: str) -> Mapping[str, Sequence[Edition]]:
    """Return the tables of a file by their name, [[name]], in the order of their days.

    Raises:
        HouseRefused: If it cannot be read, lacks a name or has others, or a table has no day or a day two.
    """
    where = str(path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HouseRefused(f"{where} must be readable TOML, was not: {error}") from error
    tables = {name: told.pop(name, None) for name in names}
    _expect_nothing_left(told, where=where)
    return {name: _editions(rows, name, where=where) for name, rows in tables.items()}


def newest(editions: Sequence[Edition], day: date) -> Edition:
    """Return what holds on a day.

    Raises:
        HouseRefused: If nothing does yet.
    """
    begun = [edition for edition in editions if edition.from_day <= day]
    if not begun:
        days = _words(edition.from_day for edition in editions)
        raise HouseRefused(f"{editions[0].where} must hold an edition for {day}, had {days}")
    return begun[-1]


def build(kind: type[Domain], told: Any, *, where: str) -> Domain:
    """Return what was told as a type of a domain, whose names are its keys.

    Raises:
        HouseRefused: If it has a key that the type has not, or says what cannot be.
    """
    if is_dataclass(kind):
        expect_known(kind, told, where=where)
    try:
        return TypeAdapter(kind).validate_python(told)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(str(part) for part in wrong["loc"])
        raise HouseRefused(f"{where}: {key} is {wrong['input']!r}: {wrong['msg']}") from error
    except DomainError as error:
        raise HouseRefused(f"{where}: {error.message}") from error


def expect_known(kind: type, told: Any, *, where: str) -> None:
    """Refuse a name that the type, or one that it holds, does not have.

    Raises:
        HouseRefused: Naming it, and those that the type has.
    """
    if not isinstance(told, Mapping):
        raise HouseRefused(f"{where}: a table was expected, was {told!r}")
    names = {item.name for item in fields(kind)}
    if unknown := told.keys() - names:
        raise HouseRefused(f"{where}: {', '.join(sorted(unknown))} is no name here, but {', '.join(sorted(names))} are")
    hints = get_type_hints(kind)
    for key, value in told.items():
        held = next((part for part in (hints[key], *get_args(hints[key])) if is_dataclass(part)), None)
        for item in _items(value, is_by_name=get_origin(hints[key]) is Mapping):
            if isinstance(held, type):
                expect_known(held, item, where=f"{where}: {key}")


def _items(value: Any, *, is_by_name: bool) -> Iterable[Any]:
    if is_by_name and isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else [value]


def _editions(rows: Any, name: str, *, where: str) -> Sequence[Edition]:
    if not isinstance(rows, list) or not rows or not all(type(row.get("from")) is date for row in rows):
        raise HouseRefused(f"{where} must hold tables [[{name}]], each with a day: from = 2026-01-01")
    days = [row.pop("from") for row in rows]
    if days != sorted(set(days)):
        raise HouseRefused(f"{where} must hold [[{name}]] in the order of their days, each once, had {_words(days)}")
    return [Edition(where, day, row) for day, row in zip(days, rows, strict=True)]


def _expect_nothing_left(told: Table, *, where: str) -> None:
    if told:
        raise HouseRefused(f"{where}: {', '.join(sorted(told))} is no name here")


def _words(days: Iterable[date]) -> str:
    return ", ".join(map(str, days))
