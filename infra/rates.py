"""The house's rates of currencies, by themselves: who reckons in the reference currency needs no more of the house."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from infra.dated import Edition, HouseRefused, build, read_editions
from kernel.rates import RATE_UNIT_DIGITS, RATE_UNIT_MICRO, Rates

FILE: Final = "rates.toml"

_EDITION: Final = "edition"
_UNITS: Final = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,6}))?", re.ASCII)


def read_rates(folder: Path, *, day: date | None = None) -> Rates:
    """Return the rates that hold on a day, today where none is named.

    Raises:
        HouseRefused: If the file lacks an edition for it, says what cannot be, or changes the reference currency.
    """
    on = day or datetime.now(UTC).date()
    held = [rates for from_day, rates in read_all_rates(folder).items() if from_day <= on]
    if not held:
        raise HouseRefused(f"{folder / FILE} must hold an edition for {on}")
    return held[-1]


def read_all_rates(folder: Path) -> Mapping[date, Rates]:
    """Return all rates that ever held, by the day from which they did, the oldest first.

    Raises:
        HouseRefused: If the file says what cannot be, or changes the reference currency.
    """
    path = folder / FILE
    read = {edition.from_day: _rates(edition) for edition in read_editions(path, _EDITION)[_EDITION]}
    if len(references := {rates.reference_currency for rates in read.values()}) > 1:
        raise HouseRefused(
            f"{path} must have one reference currency, in which all that is open is reckoned, "
            f"had {', '.join(sorted(references))}"
        )
    return read


def _rates(edition: Edition) -> Rates:
    micros = {}
    units = edition.take("units")
    for currency, written in units.items() if isinstance(units, Mapping) else ():
        found = _UNITS.fullmatch(written) if isinstance(written, str) else None
        if found is None:
            raise HouseRefused(f'{edition.where}: {currency} must be written as "12.345678", was {written!r}')
        micros[currency] = int(found[1]) * RATE_UNIT_MICRO + int((found[2] or "").ljust(RATE_UNIT_DIGITS, "0"))
    return build(Rates, edition.told | {"rate_micro_by_currency": micros}, where=edition.where)
