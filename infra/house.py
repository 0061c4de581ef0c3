"""What the house decided, from the dated files of its folder: prices, limits, currencies, rules of jurisdictions.

A file holds editions, each from a day on; the newest whose day has come holds. Keys are the names of the domain's
types, which also say what holds where a file is silent. Processes read the folder when they start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_type_hints

from pydantic import StringConstraints

from compliance.jurisdiction import RULE_NAMES, Dated, Jurisdiction, Rules
from compliance.permit import Permits
from infra.dated import Edition, HouseRefused, Table, build, expect_known, newest, read_editions
from infra.rates import read_rates
from kernel.clock import Clock
from kernel.errors import DomainError
from kernel.rates import Rates
from odds.pricing.policy import PricingPolicy
from payments.routing import RoutingPolicy
from risk.limits import LimitTable

MARGINS, COMPETITIONS, OFFERS, PROVIDERS, LIMITS = "margins", "competitions", "offers", "providers", "limits"
PAYMENTS: Final = "payments"
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

_EDITION: Final = "edition"

Source: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Countries: TypeAlias = frozenset[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]]
Places: TypeAlias = Countries | Literal["anywhere"]
NOTHING: Final = ("anywhere", "none")
JURISDICTIONS: Final = "jurisdictions"


@dataclass(frozen=True, slots=True)
class House:
    """What the house decided, as it holds on a day.

    Attributes:
        pricing: How prices are made, and who decides what.
        limits: Of bets.
        in_play_delay_ms: How long a bet in play waits before it is looked at again.
        deposit_minor_max: The most of a deposit of test money, in the reference currency.
        rates: The currencies of players' accounts.
    """

    pricing: PricingPolicy
    limits: LimitTable
    in_play_delay_ms: int
    deposit_minor_max: int
    rates: Rates


def read_house(folder: Path, *, day: date | None = None) -> House:
    """Return what holds on a day, today where none is named.

    Raises:
        HouseRefused: If a file lacks an edition for it, or says what cannot be.
    """
    on = day or datetime.now(UTC).date()
    limits = _edition(folder, LIMITS, on)
    own = {key: limits.take(key) for key in ("in_play_delay_ms", "deposit_minor_max")}
    table = build(LimitTable, limits.take("bets"), where=limits.where)
    limits.expect_nothing_left()
    for key, value in own.items():
        if type(value) is not int:
            raise HouseRefused(f"{limits.where}: {key} must be a whole number, was {value!r}")
    return House(pricing=_read_pricing(folder, on), limits=table, rates=read_rates(folder, day=on), **own)


def read_payments(folder: Path, *, day: date | None = None) -> RoutingPolicy:
    """Return what the house decided about payment providers, as it holds on a day, today where none is named.

    Raises:
        HouseRefused: If the file lacks an edition for it, or says what cannot be.
    """
    edition = _edition(folder, PAYMENTS, day or datetime.now(UTC).date())
    return build(RoutingPolicy, {"day": edition.from_day, **edition.told}, where=edition.where)


def read_jurisdiction(folder: Path, name: str) -> Jurisdiction:
    """Return the rules of a jurisdiction, from `jurisdictions/<name>.toml` of the house's folder.

    Each rule is a list of dated rows under its name; what its value is says the type of `Rules`. The words "anywhere"
    and "none" stand for None.

    Raises:
        HouseRefused: If they are not written down, or say what cannot be.
    """
    path = _path(folder / JURISDICTIONS, name)
    read = read_editions(path, *RULE_NAMES)
    kinds = get_type_hints(Rules) | {"places": Places, "countries": Countries}
    try:
        return Jurisdiction(
            name, {rule: [_dated(row, kind=kinds[rule]) for row in rows] for rule, rows in read.items()}
        )
    except DomainError as error:
        raise HouseRefused(f"{path}: {error.message}") from error


def read_permits(folder: Path, *, home: str, clock: Clock) -> Permits:
    """Return who may do what, by the rules of every jurisdiction in the house's folder.

    Args:
        folder: The house's.
        home: Whose rules hold for who is under no other.
        clock: Says which day it is.

    Raises:
        HouseRefused: If one of them is not written down, or they say what cannot be.
    """
    names = sorted(path.stem for path in (folder / JURISDICTIONS).glob("*.toml"))
    others = [read_jurisdiction(folder, name) for name in names if name != home]
    try:
        return Permits(read_jurisdiction(folder, home), others=others, clock=clock)
    except DomainError as error:
        raise HouseRefused(f"{folder / JURISDICTIONS}: {error.message}") from error


def _read_pricing(folder: Path, day: date) -> PricingPolicy:
    competitions = _edition(folder, COMPETITIONS, day)
    tiers = competitions.take("tiers")
    competitions.expect_nothing_left()
    told: Table = {"tier_by_competition": {name: tier for tier, names in tiers.items() for name in names}}
    for file in (MARGINS, OFFERS, PROVIDERS):
        edition = _edition(folder, file, day)
        expect_known(PricingPolicy, edition.told, where=edition.where)
        if twice := told.keys() & edition.told.keys():
            raise HouseRefused(f"{edition.where}: {', '.join(sorted(twice))} must stand in one file, stands in two")
        told |= edition.told
    return build(PricingPolicy, told, where=str(folder))


def _dated(row: Edition, *, kind: Any) -> Dated[Any]:
    value, source = (build(of, row.take(key), where=row.where) for key, of in (("value", kind), ("source", Source)))
    row.expect_nothing_left()
    return Dated(row.from_day, None if isinstance(value, str) and value in NOTHING else value, source)


def _edition(folder: Path, file: str, day: date) -> Edition:
    """Return the newest edition that holds on a day; its numbers are within bounds."""
    edition = newest(read_editions(_path(folder, file), _EDITION)[_EDITION], day)
    for key, value in _numbers_in(edition.told):
        least, most = LEAST_BY_KEY.get(key, 0), MOST_BY_KEY.get(key)
        if not isfinite(value) or value < least or (most is not None and value > most):
            range_told = f"{least} or above" if most is None else f"{least} to {most}"
            raise HouseRefused(f"{edition.where}: {key} must be {range_told}, was {value}")
    return edition


def _numbers_in(told: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _numbers_in(value, name)
    elif isinstance(told, list):
        for value in told:
            yield from _numbers_in(value, key)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield key, told


def _path(folder: Path, file: str) -> Path:
    return folder / f"{file}.toml"
