"""Rounds of our own games in PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from casino.games import StakeTooHigh
from casino.rounds import CycleTooShort, InsufficientFunds, Played, Round, SpinCommand
from infra.settings import Ledger
from infra.stores.group_commit import GroupCommit, HeldByOthers
from infra.stores.ledger_answers import refusal_of_player
from infra.stores.page_tokens import NEWEST, build_token, parse_token
from infra.stores.postgres import Connection, PostgresPool
from kernel.commands import UNDECIDED, RequestIdReused
from kernel.errors import DomainError, InvariantBroken, Part
from kernel.money import CurrencyMismatch, Money
from wallet.balance import Balance
from wallet.posting import Answer

LIST_SIZE_MAX: Final = 200

_SPIN: Final = """
    SELECT verdicts, are_same, are_replays, answers
    FROM casino.spin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_FIND: Final = "SELECT fingerprint, answer::text FROM ledger.command WHERE provider = 'casino' AND key = $1"
_COLUMNS: Final = """
    SELECT round_id, player_id, account_id, game_code, game_version, stops, stake_minor, win_minor, currency, time_us
    FROM casino.round
"""
FIND_ROUNDS: Final = f"{_COLUMNS} WHERE round_id = ANY ($1::uuid[])"
_LIST: Final = f"""
    {_COLUMNS} WHERE player_id = $1 AND (time_us, round_id) < ($2, $3) ORDER BY time_us DESC, round_id DESC LIMIT $4
"""
_REFUSALS: Final[Mapping[str, type[DomainError]]] = {
    refusal.reason: refusal for refusal in (CurrencyMismatch, CycleTooShort, InsufficientFunds, StakeTooHigh)
}
_FIGURES: Final = ("stake_max_minor", "wait_ms")


class PostgresRounds:
    """The ledger of rounds: implements `casino.ports.RoundLedger`. Spins that wait at the same time share a commit."""

    def __init__(self, pool: PostgresPool, settings: Ledger) -> None:
        self._pool = pool
        self._spins: GroupCommit[SpinCommand, Played] = GroupCommit(
            self._spin_batch,
            is_content_error=lambda error: isinstance(error, asyncpg.PostgresError),
            batch_size_max=settings.batch_bets_max,
            batches_at_once_max=settings.batches_at_once_max,
            waiting_max=settings.waiting_bets_max,
            timeout_ms=settings.answer_timeout_ms,
        )

    async def play(self, command: SpinCommand) -> Played:
        """Take the stake, keep the round and pay the win, or give the answer that the request got before."""
        return await self._spins.submit_until_free(command)

    async def find(self, player_id: UUID, request_id: UUID, fingerprint: bytes) -> Played | None:
        """Return the stored answer to a request, None where it has none."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_FIND, f"{player_id}:{request_id}")
            if row is None:
                return None
            if row["fingerprint"] != fingerprint:
                raise _reused(request_id)
            return (await _read_replays(connection, [orjson.loads(row["answer"])]))[0]

    async def get_round(self, player_id: UUID, round_id: UUID) -> Round | None:
        """Return a round of this player."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(FIND_ROUNDS, [round_id])
        found = [read_round(row) for row in rows if row["player_id"] == player_id]
        return found[0] if found else None

    async def list_rounds(self, player_id: UUID, *, size: int, before: str) -> tuple[list[Round], str]:
        """Return a page of the player's rounds, newest first, and the token of the next page, empty on the last."""
        size = min(max(size, 1), LIST_SIZE_MAX)
        time_us, round_id = parse_token(before) if before else NEWEST
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_LIST, player_id, time_us, round_id, size + 1)
        rounds = [read_round(row) for row in rows[:size]]
        return rounds, build_token(rounds[-1].time_us, rounds[-1].round_id) if len(rows) > size else ""

    async def close(self) -> None:
        """Refuse the spins that wait, and let the batches that have begun end."""
        await self._spins.close()

    async def _spin_batch(self, commands: Sequence[SpinCommand]) -> list[Played | DomainError]:
        round_ids = [uuid.uuid4() for _ in commands]
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_SPIN, *_columns(commands, round_ids))
            if row is None:
                raise InvariantBroken("casino.spin must return a row, returned none")
            answers: list[dict[str, Any]] = [orjson.loads(answer or "{}") for answer in row["answers"]]
            replayed = [index for index, is_replay in enumerate(row["are_replays"]) if is_replay]
            replays = await _read_replays(connection, [answers[index] for index in replayed])
        outcomes = [_outcome(*each) for each in zip(commands, row["verdicts"], row["are_same"], answers, strict=True)]
        for index, played in zip(replayed, replays, strict=True):
            if row["are_same"][index]:
                outcomes[index] = played
        return outcomes


def read_round(row: asyncpg.Record) -> Round:
    """Return the round of a row of casino.round."""
    return Round(
        round_id=UUID(int=row["round_id"].int),
        player_id=UUID(int=row["player_id"].int),
        account_id=row["account_id"],
        game_code=row["game_code"],
        game_version=row["game_version"],
        stops=tuple(row["stops"]),
        stake=Money(row["stake_minor"], row["currency"]),
        win=Money(row["win_minor"], row["currency"]),
        time_us=row["time_us"],
    )


async def _read_replays(connection: Connection, answers: Sequence[Mapping[str, Any]]) -> list[Played]:
    if not answers:
        return []
    rows = await connection.fetch(FIND_ROUNDS, [UUID(answer["round_id"]) for answer in answers])
    rounds = {str(row["round_id"]): read_round(row) for row in rows}
    return [Played(rounds[answer["round_id"]], Balance(**answer["balance"])) for answer in answers]


def _outcome(command: SpinCommand, verdict: str, is_same: bool, answer: Mapping[str, Any]) -> Played | DomainError:
    if verdict == "held":
        return HeldByOthers(Part.LEDGER, f"Account must be free, was not; {UNDECIDED}")
    if not is_same:
        return _reused(command.request_id)
    if verdict == "refused":
        return _refusal(answer["refusal"])
    if verdict != "decided":
        raise InvariantBroken(f"Spin {command.request_id} must be decided or refused, is {verdict}")
    return Played(
        Round(
            round_id=UUID(answer["round_id"]),
            player_id=command.player_id,
            account_id=command.account_id,
            game_code=command.game_code,
            game_version=command.game_version,
            stops=command.stops,
            stake=command.stake,
            win=command.win,
            time_us=answer["time_us"],
        ),
        Balance(**answer["balance"]),
    )


def _refusal(told: Mapping[str, Any]) -> DomainError:
    refusal = refusal_of_player(Answer(told, told["reason"]))
    if refusal is not None:
        return refusal
    figures = {name: str(told[name]) for name in _FIGURES if name in told}
    return _REFUSALS[told["reason"]](told["message"], figures=figures)


def _reused(request_id: UUID) -> RequestIdReused:
    return RequestIdReused(f"Request {request_id} was sent before with another content")


def _columns(commands: Sequence[SpinCommand], round_ids: Sequence[UUID]) -> tuple[list[Any], ...]:
    return (
        [command.player_id for command in commands],
        [command.request_id for command in commands],
        [command.account_id for command in commands],
        [command.fingerprint for command in commands],
        list(round_ids),
        [command.game_code for command in commands],
        [command.game_version for command in commands],
        ["{" + ",".join(map(str, command.stops)) + "}" for command in commands],
        [command.stake.amount_minor for command in commands],
        [command.win.amount_minor for command in commands],
        [command.stake.currency for command in commands],
        [command.stake_minor_max for command in commands],
        [command.cycle_ms * 1_000 for command in commands],
    )
