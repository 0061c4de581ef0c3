"""Bets in PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from bets.answer import BetAnswer, Inquiry, PlaceCommand, Standing
from bets.bet import Bet, BetStatus, potential_return_minor
from infra.settings import Ledger
from infra.stores.bet_answers import dump_refusal, new_answer, read_replays
from infra.stores.bet_rows import load_bet_rows
from infra.stores.bet_standings import read_standings
from infra.stores.group_commit import GroupCommit
from infra.stores.postgres import PostgresPool
from kernel.commands import RequestIdReused
from kernel.errors import DomainError, InvariantBroken
from kernel.ids import IdMalformed

LIST_SIZE_MAX = 200

_PLACE = """
    SELECT command_number, is_same, is_replay, answer
    FROM bets.place($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    ORDER BY command_number
"""
_LIST = """
    SELECT bet_id, placed_time_us FROM bets.bet
    WHERE player_id = $1 AND ($2::smallint IS NULL OR status = $2) AND (placed_time_us, bet_id) < ($3, $4)
    ORDER BY placed_time_us DESC, bet_id DESC LIMIT $5
"""
_NEWEST = (2**63 - 1, UUID(int=2**128 - 1))


class PostgresBetLedger:
    """The bets' ledger: implements `bets.ports.BetLedger`."""

    def __init__(self, pool: PostgresPool, settings: Ledger) -> None:
        self._pool = pool
        self._group: GroupCommit[PlaceCommand, BetAnswer] = GroupCommit(
            self._place_batch,
            is_content_error=lambda error: isinstance(error, asyncpg.PostgresError),
            batch_size_max=settings.batch_bets_max,
            batches_at_once_max=settings.batches_at_once_max,
            waiting_max=settings.waiting_bets_max,
            timeout_ms=settings.answer_timeout_ms,
        )
        self._looks: GroupCommit[Inquiry, Standing] = GroupCommit(
            self._look_batch,
            is_content_error=lambda error: isinstance(error, asyncpg.PostgresError),
            batch_size_max=settings.batch_bets_max,
            batches_at_once_max=settings.batches_at_once_max,
            waiting_max=settings.waiting_bets_max,
            timeout_ms=settings.answer_timeout_ms,
        )

    async def place(self, command: PlaceCommand) -> BetAnswer:
        """Take the stake and keep the bet, or give the answer that this request id got before."""
        if len(command.legs) != 1 and command.refusal is None:
            raise InvariantBroken(f"The ledger settles singles, was given {len(command.legs)} legs")
        return await self._group.submit(command)

    async def look(self, inquiry: Inquiry) -> Standing:
        """Return the stored answer to a request, and what else of the ledger bears on it."""
        return await self._looks.submit(inquiry)

    async def find_answer(self, player_id: UUID, request_id: UUID) -> BetAnswer | None:
        """Return the stored answer to a place command of this player."""
        async with self._pool.connection() as connection:
            stored = await connection.fetchval(
                "SELECT answer::text FROM ledger.command WHERE provider = 'bets' AND key = $1",
                f"{player_id}:{request_id}",
            )
            if stored is None:
                return None
            answers = await read_replays(connection, [orjson.loads(stored)])
            return answers[0]

    async def get_bet(self, player_id: UUID, bet_id: UUID) -> Bet | None:
        """Return a bet of this player as it stands now."""
        async with self._pool.connection() as connection:
            rows = (await load_bet_rows(connection, [bet_id])).get(bet_id)
        if rows is None or rows.bet["player_id"] != player_id:
            return None
        return rows.now()

    async def list_bets(
        self, player_id: UUID, *, status: BetStatus | None, size: int, before: str
    ) -> tuple[list[Bet], str]:
        """Return a page of the player's bets, newest first, and the token of the next page, empty on the last."""
        size = min(max(size, 1), LIST_SIZE_MAX)
        placed_time_us, bet_id = _parse_token(before) if before else _NEWEST
        async with self._pool.connection() as connection:
            keys = await connection.fetch(_LIST, player_id, status, placed_time_us, bet_id, size + 1)
            rows = await load_bet_rows(connection, [key["bet_id"] for key in keys[:size]])
        bets = [rows[key["bet_id"]].now() for key in keys[:size]]
        return bets, _build_token(bets[-1]) if len(keys) > size else ""

    async def close(self) -> None:
        """Refuse the bets that wait, and let the batches that have begun end."""
        await asyncio.gather(self._looks.close(), self._group.close())

    async def _look_batch(self, inquiries: Sequence[Inquiry]) -> list[Standing | DomainError]:
        async with self._pool.connection() as connection:
            return await read_standings(connection, inquiries)

    async def _place_batch(self, commands: Sequence[PlaceCommand]) -> list[BetAnswer | DomainError]:
        bet_ids = [uuid.uuid4() for _ in commands]
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_PLACE, *_columns(commands, bet_ids))
            stored = [orjson.loads(row["answer"]) for row in rows]
            replayed = [index for index, row in enumerate(rows) if row["is_replay"] and row["is_same"]]
            replays = dict(
                zip(replayed, await read_replays(connection, [stored[index] for index in replayed]), strict=True)
            )
        return [
            replays[index]
            if index in replays
            else new_answer(commands[index], answer)
            if rows[index]["is_same"]
            else RequestIdReused(f"Request {commands[index].request_id} was sent before with another content")
            for index, answer in enumerate(stored)
        ]


def _columns(commands: Sequence[PlaceCommand], bet_ids: Sequence[UUID]) -> tuple[list[Any], ...]:
    legs = [
        (number, place, leg)
        for number, command in enumerate(commands, start=1)
        if command.refusal is None
        for place, leg in enumerate(command.legs)
    ]
    return (
        [command.player_id for command in commands],
        [command.request_id for command in commands],
        [command.cash_account_id for command in commands],
        [command.fingerprint for command in commands],
        list(bet_ids),
        [command.stake.amount_minor for command in commands],
        [command.stake.currency for command in commands],
        [potential_return_minor(command.stake.amount_minor, command.legs) for command in commands],
        [None if command.refusal is None else dump_refusal(command.refusal) for command in commands],
        [number for number, _, _ in legs],
        [place for _, place, _ in legs],
        [leg.fixture_id for _, _, leg in legs],
        [leg.market_id for _, _, leg in legs],
        [leg.outcome_id for _, _, leg in legs],
        [leg.decimal_odds_milli for _, _, leg in legs],
        [leg.book_version for _, _, leg in legs],
        [leg.is_in_play for _, _, leg in legs],
        [leg.fixture_name for _, _, leg in legs],
    )


def _build_token(bet: Bet) -> str:
    return f"{bet.placed_time_us}.{bet.bet_id.hex}"


def _parse_token(token: str) -> tuple[int, UUID]:
    time_text, _, id_text = token.partition(".")
    try:
        return int(time_text), UUID(id_text)
    except ValueError:
        raise IdMalformed(f"Page token must be one that a page before gave, was {token[:64]!r}") from None
