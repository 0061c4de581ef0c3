"""How players protect themselves: bounds on what they pay in, stepping back for a while, excluding themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from compliance.jurisdiction import LimitWindow
from compliance.limits import DepositLimit
from compliance.permit import Permits
from kernel.errors import Category, DomainError
from kernel.money import CurrencyMismatch, Money
from pam.player import Player

HOUR_US: Final = 3_600_000_000
LIMIT_MINOR_MAX: Final = 10**12


class LimitOutOfRange(DomainError):
    """A bound, or how long it is stepped back for, is not one that the rules of the day know."""

    reason = "LIMIT_OUT_OF_RANGE"
    category = Category.MALFORMED


class LimitRaiseUnknown(DomainError):
    """No raise waits to be confirmed."""

    reason = "LIMIT_RAISE_UNKNOWN"
    category = Category.UNKNOWN


class LimitRaiseWaits(DomainError):
    """A raise cannot be confirmed yet."""

    reason = "LIMIT_RAISE_WAITS"
    category = Category.RULE


class ProtectionStore(Protocol):
    """Where it is kept what players protect themselves with. Each change is made once for each request id."""

    async def find_limits(self, player: Player) -> Sequence[DepositLimit]:
        """Return the bounds that a player set, by window.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def set_limit(
        self,
        player: Player,
        request_id: UUID,
        *,
        window: LimitWindow,
        amount_minor: int | None,
        raise_waits_us: int,
        raise_needs_confirmation: bool,
    ) -> None:
        """Bound what a player pays in; None for no bound. What is no raise holds at once.

        Raises:
            RequestIdReused: If the request id came before with another content.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def confirm_limit(self, player: Player, request_id: UUID, *, window: LimitWindow) -> None:
        """Let a raise hold.

        Raises:
            LimitRaiseUnknown: If none waits to be confirmed.
            LimitRaiseWaits: If its time has not come.
            RequestIdReused: If the request id came before with another content.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def step_back(self, player: Player, request_id: UUID, *, hours: int) -> None:
        """Keep a player from staking and paying in for so long.

        Raises:
            RequestIdReused: If the request id came before with another content.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...

    async def exclude(self, player: Player, request_id: UUID, *, months: int) -> None:
        """Keep a player from staking and paying in for so long at least, and end all their sessions.

        Raises:
            RequestIdReused: If the request id came before with another content.
            Unavailable: If no answer came in time; the same call may be made again.
        """
        ...


class Protection:
    """What players may do to protect themselves, by the rules that they are under; nothing keeps them from it."""

    def __init__(self, *, permits: Permits, store: ProtectionStore) -> None:
        self._permits = permits
        self._store = store

    async def limits(self, player: Player) -> Sequence[DepositLimit]:
        """Return the bounds that a player set.

        Raises:
            Unavailable: If no answer came in time.
        """
        return await self._store.find_limits(player)

    async def set_limit(self, player: Player, request_id: UUID, *, window: LimitWindow, amount: Money | None) -> None:
        """Bound what a player pays in over a window; None for no bound.

        Raises:
            LimitOutOfRange: If there is no bound over that window, or of that amount.
            CurrencyMismatch: If it is not in the player's currency.
            DomainError: As the store refuses.
        """
        rules = self._permits.rules_of(player).deposit_limits
        if window not in rules.windows:
            raise LimitOutOfRange(f"Window must be one of {', '.join(sorted(rules.windows))}, was {window}")
        if amount is not None and amount.currency != player.currency:
            raise CurrencyMismatch(f"Limit must be in {player.currency}, was in {amount.currency}")
        if amount is not None and not 0 <= amount.amount_minor <= LIMIT_MINOR_MAX:
            raise LimitOutOfRange(
                f"Limit must be zero or above and at most {Money(LIMIT_MINOR_MAX, amount.currency)}, was {amount}",
                figures={"limit_minor_max": str(LIMIT_MINOR_MAX)},
            )
        await self._store.set_limit(
            player,
            request_id,
            window=window,
            amount_minor=None if amount is None else amount.amount_minor,
            raise_waits_us=rules.raise_waits_h * HOUR_US,
            raise_needs_confirmation=rules.raise_needs_confirmation,
        )

    async def confirm_limit(self, player: Player, request_id: UUID, *, window: LimitWindow) -> None:
        """Let a raise hold whose time has come.

        Raises:
            DomainError: As the store refuses.
        """
        await self._store.confirm_limit(player, request_id, window=window)

    async def step_back(self, player: Player, request_id: UUID, *, hours: int) -> None:
        """Keep a player from staking and paying in for so long.

        Raises:
            LimitOutOfRange: If it is shorter or longer than the rules know.
            DomainError: As the store refuses.
        """
        rules = self._permits.rules_of(player).time_out
        _expect_between(hours, rules.hours_min, rules.hours_max, "hours")
        await self._store.step_back(player, request_id, hours=hours)

    async def exclude(self, player: Player, request_id: UUID, *, months: int) -> None:
        """Keep a player from staking and paying in for so long at least; nobody takes that back.

        Raises:
            LimitOutOfRange: If it is shorter or longer than the rules know.
            DomainError: As the store refuses.
        """
        rules = self._permits.rules_of(player).self_exclusion
        _expect_between(months, rules.months_min, rules.months_max, "months")
        await self._store.exclude(player, request_id, months=months)


def _expect_between(found: int, least: int, most: int, unit: str) -> None:
    if not least <= found <= most:
        raise LimitOutOfRange(
            f"It must be {least} to {most} {unit}, was {found}",
            figures={f"{unit}_min": str(least), f"{unit}_max": str(most)},
        )
