"""Bets in PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson

from bets.answer import BetAnswer, Claim, Inquiry, PlaceCommand, Standing, TooManyRefusals
from bets.bet import Bet, BetStatus
from infra.settings import Ledger
from infra.stores.bet_answers import dump_refusal, new_answer, read_replays
from infra.stores.bet_rows import dump_lines, load_bet_rows
from infra.stores.bet_standings import make_claims, read_standings
from infra.stores.group_commit import GroupCommit, HeldByOthers
from infra.stores.page_tokens import NEWEST, build_token, parse_token
from infra.stores.postgres import PostgresPool
from kernel.commands import UNDECIDED, RequestIdReused
from kernel.errors import DomainError, InvariantBroken, Part, Unavailable

LIST_SIZE_MAX = 200

Command = TypeVar("Command")
Answer = TypeVar("Answer")

_PLACE = """
    SELECT verdicts, are_same, are_replays, answers
    FROM bets.place($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27)
"""
# In one statement: what is decided between two would be in neither.
_FIND_ANSWER = """
    SELECT (SELECT c.answer::text FROM ledger.command c WHERE c.provider = 'bets' AND c.key = asked.key) AS answer,
        EXISTS (
            SELECT FROM ledger.hold h, (SELECT ledger.now_us() AS time_us OFFSET 0) AS clock
            WHERE h.provider = 'bets' AND h.key = asked.key AND h.state = 'pending'
                AND h.expires_time_us >= clock.time_us
        ) AS is_claimed
    FROM (SELECT bets.command_key($1, $2) AS key) AS asked
"""
_WAIT_FOR_ACCOUNT = "SELECT FROM ledger.account WHERE owner_id = $1 AND kind = 'cash' FOR KEY SHARE"
_LIST = """
    SELECT bet_id, placed_time_us FROM bets.bet
    WHERE player_id = $1 AND ($2::smallint IS NULL OR status = $2) AND (placed_time_us, bet_id) < ($3, $4)
    ORDER BY placed_time_us DESC, bet_id DESC LIMIT $5
"""


class _Verdict(StrEnum):
    """What became of a command, as ledger.post says it, or bets.place for it; only what is decided is stored."""

    DECIDED = "decided"
    HELD_BY_OTHERS = "held"
    TOO_LATE = "late"
    TOO_MANY_REFUSALS = "too_many"
    CLAIMED_WITH_OTHER_CONTENT = "claimed"


@dataclass(frozen=True, slots=True)
class _Placed:
    """What the function says of one command."""

    verdict: _Verdict
    is_same: bool
    is_replay: bool
    answer: str


def _read_placed(row: asyncpg.Record | None, count: int) -> list[_Placed]:
    if row is None:
        raise InvariantBroken("A function must return a row, returned none")
    if row["answers"] is None:  # nobody's turn has come
        return [_Placed(_Verdict(verdict), False, False, "") for verdict in row["verdicts"]]
    columns = (row["verdicts"], row["are_same"], row["are_replays"], row["answers"])
    placed = [_Placed(_Verdict(verdict), *others) for verdict, *others in zip(*columns, strict=True)]
    if len(placed) != count:
        raise InvariantBroken(f"Each of {count} commands must have a verdict, {len(placed)} had one")
    return placed


class PostgresBetLedger:
    """The bets' ledger: implements `bets.ports.BetLedger`."""

    def __init__(self, pool: PostgresPool, settings: Ledger) -> None:
        self._pool = pool
        self._refusals_max = settings.refusals_of_player_an_hour_max
        at_once = settings.batches_at_once_max
        self._looks: GroupCommit[Inquiry, Standing] = _group(self._look_batch, settings, batches_at_once=at_once)
        self._places: GroupCommit[PlaceCommand, BetAnswer] = _group(
            self._place_batch, settings, batches_at_once=at_once
        )
        self._claims: GroupCommit[Claim, Standing] = _group(self._claim_batch, settings, batches_at_once=at_once)

    async def place(self, command: PlaceCommand) -> BetAnswer:
        """Take the stake and keep the bet, or give the answer that this request id got before.

        A bet whose account or market others hold, as a page of settlement does, tries again a little later.
        """
        return await self._places.submit_until_free(command)

    async def look(self, inquiry: Inquiry) -> Standing:
        """Return the stored answer to a request, and what else of the ledger bears on it."""
        return await self._looks.submit(inquiry)

    async def claim(self, claim: Claim) -> Standing:
        """Set a stake aside, unless the request has its answer or the player has not the means; say how it stands."""
        return await self._claims.submit_until_free(claim)

    async def find_answer(self, player_id: UUID, request_id: UUID) -> BetAnswer | None:
        """Return the stored answer to a place command of this player, None if it was not decided.

        Every bet is decided under the lock of its player's account: where nothing is found, what holds it now is waited
        for, however long its commit takes, so that what is not found then was not decided by anything that had begun.

        Raises:
            Unavailable: If its stake is claimed: then it is under way somewhere, until the claim is over.
        """
        async with self._pool.connection() as connection:
            found = await connection.fetchrow(_FIND_ANSWER, player_id, request_id)
            if found is None or found["answer"] is None:
                await connection.execute(_WAIT_FOR_ACCOUNT, player_id)
                found = await connection.fetchrow(_FIND_ANSWER, player_id, request_id)
            if found is not None and found["answer"] is not None:
                return (await read_replays(connection, [orjson.loads(found["answer"])]))[0]
            if found is not None and found["is_claimed"]:
                raise Unavailable(
                    Part.LEDGER, f"Request {request_id} must not be under way, it is; ask again in a moment"
                )
            return None

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
        placed_time_us, bet_id = parse_token(before) if before else NEWEST
        async with self._pool.connection() as connection:
            keys = await connection.fetch(_LIST, player_id, status, placed_time_us, bet_id, size + 1)
            rows = await load_bet_rows(connection, [key["bet_id"] for key in keys[:size]])
        bets = [rows[key["bet_id"]].now() for key in keys[:size]]
        return bets, build_token(bets[-1].placed_time_us, bets[-1].bet_id) if len(keys) > size else ""

    async def close(self) -> None:
        """Refuse the bets that wait, and let the batches that have begun end."""
        await asyncio.gather(*(group.close() for group in (self._looks, self._places, self._claims)))

    async def _look_batch(self, inquiries: Sequence[Inquiry]) -> list[Standing | DomainError]:
        async with self._pool.connection() as connection:
            return await read_standings(connection, inquiries)

    async def _claim_batch(self, claims: Sequence[Claim]) -> list[Standing | DomainError]:
        async with self._pool.connection() as connection:
            return await make_claims(connection, claims)

    async def _place_batch(self, commands: Sequence[PlaceCommand]) -> list[BetAnswer | DomainError]:
        bet_ids = [uuid.uuid4() for _ in commands]
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_PLACE, *_columns(commands, bet_ids), self._refusals_max)
            placed = _read_placed(row, len(commands))
            replayed = [index for index, each in enumerate(placed) if each.is_replay and each.is_same]
            stored = [orjson.loads(placed[index].answer) for index in replayed]
            replays = dict(zip(replayed, await read_replays(connection, stored), strict=True))
        return [
            replays.get(index) or self._outcome(command, each)
            for index, (command, each) in enumerate(zip(commands, placed, strict=True))
        ]

    def _outcome(self, command: PlaceCommand, placed: _Placed) -> BetAnswer | DomainError:
        match placed.verdict:
            case _Verdict.HELD_BY_OTHERS:
                return HeldByOthers(Part.LEDGER, f"Account and market must be free, one was not; {UNDECIDED}")
            case _Verdict.TOO_LATE:
                return Unavailable(Part.LEDGER, f"Bet must come to the ledger in time, did not; {UNDECIDED}")
            case _Verdict.TOO_MANY_REFUSALS:
                return TooManyRefusals(
                    f"At most {self._refusals_max} bets of a player may be refused in an hour; {UNDECIDED}",
                    figures={"refusals_max": str(self._refusals_max)},
                )
            case _Verdict.CLAIMED_WITH_OTHER_CONTENT:
                return RequestIdReused(f"Request {command.request_id} was sent before with another content")
            case _Verdict.DECIDED:
                if placed.is_same:
                    return new_answer(command, orjson.loads(placed.answer))
                return RequestIdReused(f"Request {command.request_id} was sent before with another content")


def _group(
    commit: Callable[[Sequence[Command]], Awaitable[Sequence[Answer | DomainError]]],
    settings: Ledger,
    *,
    batches_at_once: int,
) -> GroupCommit[Command, Answer]:
    return GroupCommit(
        commit,
        is_content_error=lambda error: isinstance(error, asyncpg.PostgresError),
        batch_size_max=settings.batch_bets_max,
        batches_at_once_max=batches_at_once,
        waiting_max=settings.waiting_bets_max,
        timeout_ms=settings.answer_timeout_ms,
    )


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
        [command.potential_return_minor for command in commands],
        [dump_lines(command.lines) for command in commands],
        [None if command.refusal is None else dump_refusal(command.refusal) for command in commands],
        [command.bounds and command.bounds.stake_minor_min for command in commands],
        [command.bounds and command.bounds.stake_minor_max for command in commands],
        [command.bounds and command.bounds.market_stake_minor_max for command in commands],
        [command.not_after_us for command in commands],
        [command.rate and command.rate.reference_currency for command in commands],
        [command.rate and command.rate.rate_micro for command in commands],
        [command.rate and command.rate.day for command in commands],
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
