"""How players protect themselves, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compliance.jurisdiction import LimitWindow, Rules
from compliance.limits import DepositLimit
from kernel.money import Money
from overround.common.v1 import money_pb2
from overround.pam.v1 import protection_service_pb2 as pb
from wire.money import build_money
from wire.requests import RequestMalformed

_WINDOWS: Final = {
    pb.LIMIT_WINDOW_DAY: LimitWindow.DAY,
    pb.LIMIT_WINDOW_WEEK: LimitWindow.WEEK,
    pb.LIMIT_WINDOW_MONTH: LimitWindow.MONTH,
}
_BY_WINDOW: Final = {window: number for number, window in _WINDOWS.items()}


def parse_window(number: pb.LimitWindow.ValueType) -> LimitWindow:
    """Return the window that a request names.

    Raises:
        RequestMalformed: If it names none.
    """
    if number not in _WINDOWS:
        raise RequestMalformed(f"window must be one of {sorted(_WINDOWS)}, was {number}")
    return _WINDOWS[number]


def build_protection(limits: Sequence[DepositLimit], rules: Rules, *, currency: str) -> pb.Protection:
    """Return the message for what a player protects themselves with, and for what they may."""
    return pb.Protection(
        deposit_limits=[_build_limit(limit, currency) for limit in limits],
        windows=[_BY_WINDOW[window] for window in LimitWindow if window in rules.deposit_limits.windows],
        limits_are_offered=rules.deposit_limits.must_be_offered,
        time_out_hours_min=rules.time_out.hours_min,
        time_out_hours_max=rules.time_out.hours_max,
        exclusion_months_min=rules.self_exclusion.months_min,
        exclusion_months_max=rules.self_exclusion.months_max,
        reality_check_minutes=rules.reality_check.minutes_first,
    )


def _build_limit(limit: DepositLimit, currency: str) -> pb.DepositLimit:
    return pb.DepositLimit(
        window=_BY_WINDOW[limit.window],
        amount=_build_bound(limit.amount_minor, currency),
        paid=build_money(Money(limit.paid_minor, currency)),
        raised=_build_bound(limit.raise_minor, currency),
        raise_from_us=limit.raise_from_us or 0,
        raise_needs_confirmation=limit.raise_needs_confirmation,
    )


def _build_bound(amount_minor: int | None, currency: str) -> money_pb2.Money | None:
    return None if amount_minor is None else build_money(Money(amount_minor, currency))
