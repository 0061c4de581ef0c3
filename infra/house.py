"""What the house decided, from the dated files of its folder: margins, tiers, offers, providers, limits.

A file holds editions, each from a day on; the newest whose day has come holds. Keys are the names of the domain's
types, which also say what holds where a file is silent. Processes read the folder when they start.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from infra.settings import SettingsRefused
from kernel.errors import DomainError
from odds.pricing.policy import PricingPolicy
from risk.limits import LimitTable

MARGINS, COMPETITIONS, OFFERS, PROVIDERS, LIMITS = "margins", "competitions", "offers", "providers", "limits"
LEAST_BY_KEY: Final = {
    **dict.fromkeys(("overround", "overround_wide", "margin_odds_ratio_max"), 1.0),
    **dict.fromkeys(("age_half_life_us", "age_in_play_us_max", "age_pre_match_us_max", "providers_min"), 1),
    **dict.fromkeys(("clock_stale_us", "provider_timeout_us"), 100_000),
    **dict.fromkeys(("stake_minor_min", "stake_minor_max", "payout_minor_max", "player_stakes_max"), 1),
    **dict.fromkeys(("outlier_logit_distance_max", "model_logit_distance_max"), 1e-6),
    "deposit_minor_max": 1,
    "end_quorum": 2,
    "rank": -100,
}
"""Others are zero or above."""
MOST_BY_KEY: Final = {
    **dict.fromkeys(("overround", "overround_wide"), 3.0),
    **dict.fromkeys(("stake_minor_max", "payout_minor_max", "deposit_minor_max"), 10**11),
    **dict.fromkeys(("side_market_factor_milli", "in_play_factor_milli", "player_stakes_max"), 1_000),
    **dict.fromkeys(("providers_min", "end_quorum"), 32),
    "market_loss_minor_max": 10**12,
    "margin_odds_ratio_max": 100.0,
    "model_error_max": 1.0,
    "kept_overround_tolerance": 0.1,
    "kept_return_max": 0.999,
    "in_play_delay_ms": 2_800,
    "rank": 100,
}

_Domain = TypeVar("_Domain")
_Table = dict[str, Any]


class HouseRefused(SettingsRefused):
    """What the house decided cannot be; the message names the file, its edition and the key."""


@dataclass(frozen=True, slots=True)
class House:
    """What the house decided, as it holds on a day.

    Attributes:
        pricing: How prices are made, and who decides what.
        limits: Of bets.
        in_play_delay_ms: How long a bet in play waits before it is looked at again.
        deposit_minor_max: The most of a deposit of test money.
    """

    pricing: PricingPolicy
    limits: LimitTable
    in_play_delay_ms: int
    deposit_minor_max: int


def read_house(folder: Path, *, day: date | None = None) -> House:
    """Return what holds on a day, today where none is named.

    Raises:
        HouseRefused: If a file lacks an edition for it, or says what cannot be.
    """
    on = day or datetime.now(UTC).date()
    limits = _edition(folder, LIMITS, on)
    own = {key: _take(folder, LIMITS, limits, key) for key in ("in_play_delay_ms", "deposit_minor_max")}
    table = _build(LimitTable, _take(folder, LIMITS, limits, "bets"), where=_named(folder, LIMITS))
    _expect_nothing_left(limits, where=_named(folder, LIMITS))
    for key, value in own.items():
        if type(value) is not int:
            raise HouseRefused(f"{_named(folder, LIMITS)}: {key} must be a whole number, was {value!r}")
    return House(pricing=_read_pricing(folder, on), limits=table, **own)


def _read_pricing(folder: Path, day: date) -> PricingPolicy:
    competitions = _edition(folder, COMPETITIONS, day)
    tiers = _take(folder, COMPETITIONS, competitions, "tiers")
    _expect_nothing_left(competitions, where=_named(folder, COMPETITIONS))
    told: _Table = {"tier_by_competition": {name: tier for tier, names in tiers.items() for name in names}}
    for file in (MARGINS, OFFERS, PROVIDERS):
        edition = _edition(folder, file, day)
        _expect_known(PricingPolicy, edition, where=_named(folder, file))
        if twice := told.keys() & edition.keys():
            raise HouseRefused(
                f"{_named(folder, file)}: {', '.join(sorted(twice))} must stand in one file, stands in two"
            )
        told |= edition
    return _build(PricingPolicy, told, where=str(folder))


def _edition(folder: Path, file: str, day: date) -> _Table:
    """Return the newest edition that holds on a day, without its own day."""
    where = _named(folder, file)
    try:
        told = tomllib.loads((folder / f"{file}.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HouseRefused(f"{where} must be readable TOML, was not: {error}") from error
    editions = told.pop("edition", None)
    _expect_nothing_left(told, where=where)
    if not isinstance(editions, list) or not all(type(edition.get("from")) is date for edition in editions):
        raise HouseRefused(f"{where} must hold tables [[edition]], each with a day: from = 2026-01-01")
    days = [edition["from"] for edition in editions]
    if days != sorted(set(days)):
        raise HouseRefused(f"{where} must hold its editions in the order of their days, each once, had {_words(days)}")
    begun = [edition for edition in editions if edition["from"] <= day]
    if not begun:
        raise HouseRefused(f"{where} must hold an edition for {day}, had {_words(days)}")
    edition: _Table = begun[-1]
    del edition["from"]
    for key, value in _numbers_in(edition):
        least, most = LEAST_BY_KEY.get(key, 0), MOST_BY_KEY.get(key)
        if not isfinite(value) or value < least or (most is not None and value > most):
            range_told = f"{least} or above" if most is None else f"{least} to {most}"
            raise HouseRefused(f"{where}: {key} must be {range_told}, was {value}")
    return edition


def _build(kind: type[_Domain], told: Any, *, where: str) -> _Domain:
    _expect_known(kind, told, where=where)
    try:
        return TypeAdapter(kind).validate_python(told)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(str(part) for part in wrong["loc"])
        raise HouseRefused(f"{where}: {key} is {wrong['input']!r}: {wrong['msg']}") from error
    except DomainError as error:
        raise HouseRefused(f"{where}: {error.message}") from error


def _expect_known(kind: type, told: Any, *, where: str) -> None:
    """Refuse a name that the type, or one that it holds, does not have."""
    if not isinstance(told, Mapping):
        raise HouseRefused(f"{where}: a table was expected, was {told!r}")
    names = {item.name for item in fields(kind)}
    if unknown := told.keys() - names:
        raise HouseRefused(f"{where}: {', '.join(sorted(unknown))} is no name here, but {', '.join(sorted(names))} are")
    hints = get_type_hints(kind)
    for key, value in told.items():
        held = next((part for part in (hints[key], *get_args(hints[key])) if is_dataclass(part)), None)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(held, type):
                _expect_known(held, item, where=f"{where}: {key}")


def _numbers_in(told: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _numbers_in(value, name)
    elif isinstance(told, list):
        for value in told:
            yield from _numbers_in(value, key)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield key, told


def _take(folder: Path, file: str, edition: _Table, key: str) -> Any:
    if key not in edition:
        raise HouseRefused(f"{_named(folder, file)} must say {key}")
    return edition.pop(key)


def _expect_nothing_left(told: _Table, *, where: str) -> None:
    if told:
        raise HouseRefused(f"{where}: {', '.join(sorted(told))} is no name here")


def _named(folder: Path, file: str) -> str:
    return str(folder / f"{file}.toml")


def _words(days: list[date]) -> str:
    return ", ".join(map(str, days))
