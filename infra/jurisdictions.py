"""Reads the rules of a jurisdiction from `house/jurisdictions/<name>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from compliance.jurisdiction import Dated, Jurisdiction, Product, RulesMalformed
from infra.settings import ROOT

JURISDICTIONS_DIR: Final = ROOT / "house" / "jurisdictions"

Value = TypeVar("Value")
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Row(_Part):
    from_day: date = Field(alias="from")
    source: Source


class _Products(_Row):
    value: frozenset[Product]


class _Places(_Row):
    value: frozenset[Country] | Literal["anywhere"]


class _File(_Part):
    name: str
    products: tuple[_Products, ...]
    places: tuple[_Places, ...]


def read_jurisdiction(name: str, *, folder: Path = JURISDICTIONS_DIR) -> Jurisdiction:
    """Return what is written down of a jurisdiction.

    Raises:
        RulesMalformed: If it is not written down, or not in the form that it must have.
    """
    path = folder / f"{name}.toml"
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise RulesMalformed(f"Rules of {name} must be readable at {path}, are not: {error}") from error
    if file.name != name:
        raise RulesMalformed(f"Rules at {path} must be of {name}, are of {file.name}")
    return Jurisdiction(
        name,
        products=[_dated(row, lambda value: value) for row in file.products],
        places=[_dated(row, lambda value: None if value == "anywhere" else value) for row in file.places],
    )


def _dated(row: _Products | _Places, read: Callable[[Any], Value]) -> Dated[Value]:
    return Dated(row.from_day, read(row.value), row.source)
