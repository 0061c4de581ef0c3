"""Bounds that players set to what they pay in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compliance.jurisdiction import LimitWindow
from kernel.errors import Category, DomainError
from kernel.money import Money

WINDOW_WORDS: Final = {LimitWindow.DAY: "24 hours", LimitWindow.WEEK: "7 days", LimitWindow.MONTH: "a month"}


class DepositLimitExceeded(DomainError):
    """A deposit would be more than the player's own limit leaves."""

    reason = "DEPOSIT_LIMIT_EXCEEDED"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class DepositLimit:
    """What a player may pay in over a window, whatever is paid out.

    Attributes:
        amount_minor: The most; None where a raise took the bound away.
        paid_minor: What they have paid in over it.
        raise_minor: What the bound would be raised to; None for none.
        raise_from_us: From when the raise may hold; None where none waits.
        raise_needs_confirmation: Whether it has to be asked for again then; else it holds by itself.
    """

    window: LimitWindow
    amount_minor: int | None
    paid_minor: int
    raise_minor: int | None = None
    raise_from_us: int | None = None
    raise_needs_confirmation: bool = False

    @property
    def left_minor(self) -> int | None:
        """Return how much may be paid in yet; None for any amount."""
        return None if self.amount_minor is None else max(0, self.amount_minor - self.paid_minor)


def refuse_deposit(amount: Money, limits: Iterable[DepositLimit]) -> DepositLimitExceeded | None:
    """Return why so much may not be paid in, with what may; None where it may. The lowest bound counts."""
    bounds = [(left_minor, limit) for limit in limits if (left_minor := limit.left_minor) is not None]
    left_minor, limit = min(bounds, key=lambda bound: bound[0], default=(amount.amount_minor, None))
    if limit is None or amount.amount_minor <= left_minor:
        return None
    return DepositLimitExceeded(
        f"Deposits over {WINDOW_WORDS[limit.window]} must rise by at most {Money(left_minor, amount.currency)} by the "
        f"limit that the player set, would by {amount}",
        figures={"amount_minor_max": str(left_minor)},
    )
