"""What players protect themselves with, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from compliance.jurisdiction import LimitWindow
from compliance.limits import DepositLimit
from compliance.protection import LimitRaiseUnknown, LimitRaiseWaits
from infra.stores.ledger_answers import read_answer
from infra.stores.postgres import PostgresPool
from kernel.commands import fingerprint_of
from kernel.errors import InvariantBroken
from pam.player import Player
from wallet.posting import Command

_LIMITS = """
    SELECT limit_window, amount_minor, paid_minor, raise_minor, raise_from_us,
        coalesce(raise_needs_confirmation, false) AS raise_needs_confirmation
    FROM pam.deposit_limits($1, $2, ledger.now_us())
"""
_SET_LIMIT = "SELECT is_same, answer FROM pam.set_deposit_limit($1, $2, $3, $4, $5, $6, $7)"
_CONFIRM_LIMIT = "SELECT is_same, answer FROM pam.confirm_deposit_limit($1, $2, $3, $4)"
_STEP_BACK = "SELECT is_same, answer FROM pam.step_back($1, $2, $3, $4, $5)"
_ORDER = tuple(LimitWindow)


class PostgresProtection:
    """Implements `compliance.protection.ProtectionStore`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def find_limits(self, player: Player) -> Sequence[DepositLimit]:
        """Return the bounds that a player set, by window."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_LIMITS, player.player_id, player.cash_account_id)
        found = [DepositLimit(LimitWindow(window), *rest) for window, *rest in rows]
        return sorted(found, key=lambda limit: _ORDER.index(limit.window))

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
        """Bound what a player pays in; None for no bound."""
        bound = "none" if amount_minor is None else amount_minor
        command = _command(player, request_id, "limit", window, bound)
        await self._tell(_SET_LIMIT, command, player, window, amount_minor, raise_waits_us, raise_needs_confirmation)

    async def confirm_limit(self, player: Player, request_id: UUID, *, window: LimitWindow) -> None:
        """Let a raise hold."""
        await self._tell(_CONFIRM_LIMIT, _command(player, request_id, "confirm", window), player, window)

    async def step_back(self, player: Player, request_id: UUID, *, hours: int) -> None:
        """Keep a player from staking and paying in for so long."""
        await self._tell(_STEP_BACK, _command(player, request_id, "time-out", hours), player, hours, None)

    async def exclude(self, player: Player, request_id: UUID, *, months: int) -> None:
        """Keep a player from staking and paying in for so long at least, and end all their sessions."""
        await self._tell(_STEP_BACK, _command(player, request_id, "exclusion", months), player, None, months)

    async def _tell(self, statement: str, command: Command, player: Player, *values: Any) -> None:
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(statement, command.key, command.fingerprint, player.player_id, *values)
        answer = read_answer(command, row)
        match answer.reason:
            case "":
                return
            case LimitRaiseUnknown.reason:
                raise LimitRaiseUnknown(answer.content["message"])
            case LimitRaiseWaits.reason:
                figures = {"from_us": str(answer.content["from_us"])}
                raise LimitRaiseWaits(answer.content["message"], figures=figures)
            case reason:
                raise InvariantBroken(f"What a player protects themselves with must be kept, was refused as {reason}")


def _command(player: Player, request_id: UUID, *content: str | int) -> Command:
    return Command("protection", f"{player.player_id}:{request_id}", fingerprint_of(*content))
