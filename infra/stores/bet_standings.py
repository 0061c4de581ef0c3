"""What bears on bets that are about to be decided, read or claimed for all that wait in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import asyncpg
import orjson

from bets.answer import BetAnswer, Claim, Inquiry, Standing
from infra.stores.bet_answers import read_replays
from infra.stores.group_commit import HeldByOthers
from infra.stores.postgres import Connection
from kernel.commands import UNDECIDED, RequestIdReused
from kernel.errors import DomainError, Part, Unavailable

LOOK: Final = """
    SELECT coalesce(c.fingerprint, means.fingerprint) AS fingerprint, c.answer::text AS answer,
        means.hold_id IS NOT NULL AS is_claimed, coalesce(a.posted_minor - means.others_minor, 0) AS available_minor,
        means.market_stake_minor, clock.time_us
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
        WITH ORDINALITY AS asked (player_id, request_id, account_id, fixture_id, market_id, n)
    CROSS JOIN (SELECT ledger.now_us() AS time_us OFFSET 0) AS clock
    LEFT JOIN ledger.command c
        ON c.provider = 'bets' AND c.key = bets.command_key(asked.player_id, asked.request_id)
    LEFT JOIN ledger.account a ON a.account_id = asked.account_id
    CROSS JOIN LATERAL bets.means_of(
        bets.command_key(asked.player_id, asked.request_id), asked.player_id, asked.account_id, asked.fixture_id,
        asked.market_id, a.held_minor > 0, clock.time_us
    ) AS means
    ORDER BY asked.n
"""
_CLAIM: Final = """
    SELECT state, is_same, answer, available_minor, market_stake_minor, time_us
    FROM bets.claim($1, $2, $3, $4, $5, $6, $7, $8, $9) ORDER BY command_number
"""


class _ClaimState(IntEnum):
    """What became of a claim."""

    CLAIMED = 1
    HELD_BY_OTHERS = 2
    TOO_LATE = 3
    TOO_LITTLE = 4
    ANSWERED = 5


async def read_standings(connection: Connection, inquiries: Sequence[Inquiry]) -> list[Standing | DomainError]:
    """Return what stands for each inquiry, in order; a refusal for a request id that came with another content."""
    rows = await connection.fetch(
        LOOK,
        [inquiry.player_id for inquiry in inquiries],
        [inquiry.request_id for inquiry in inquiries],
        [inquiry.cash_account_id for inquiry in inquiries],
        [inquiry.fixture_id for inquiry in inquiries],
        [inquiry.market_id for inquiry in inquiries],
    )
    answers = await _read_answers(connection, rows)
    return [
        _reused(inquiry)
        if row["fingerprint"] is not None and row["fingerprint"] != inquiry.fingerprint
        else _standing(row, answer, is_claimed=row["is_claimed"])
        for inquiry, row, answer in zip(inquiries, rows, answers, strict=True)
    ]


async def make_claims(connection: Connection, claims: Sequence[Claim]) -> list[Standing | DomainError]:
    """Claim what the means allow, and return what stands for each, in order; or why it was neither."""
    inquiries = [claim.inquiry for claim in claims]
    rows = await connection.fetch(
        _CLAIM,
        [inquiry.player_id for inquiry in inquiries],
        [inquiry.request_id for inquiry in inquiries],
        [inquiry.cash_account_id for inquiry in inquiries],
        [inquiry.fingerprint for inquiry in inquiries],
        [claim.stake_minor for claim in claims],
        [claim.market_stake_minor_max for claim in claims],
        [inquiry.fixture_id for inquiry in inquiries],
        [inquiry.market_id for inquiry in inquiries],
        [claim.until_us for claim in claims],
    )
    answers = await _read_answers(connection, rows)
    return [_claimed(inquiry, row, answer) for inquiry, row, answer in zip(inquiries, rows, answers, strict=True)]


def _claimed(inquiry: Inquiry, row: asyncpg.Record, answer: BetAnswer | None) -> Standing | DomainError:
    if not row["is_same"]:
        return _reused(inquiry)
    match _ClaimState(row["state"]):
        case _ClaimState.HELD_BY_OTHERS:
            return HeldByOthers(Part.LEDGER, "Account must be free, was not")
        case _ClaimState.TOO_LATE:
            return Unavailable(Part.LEDGER, f"Bet must come to the ledger in time, did not; {UNDECIDED}")
        case state:
            return _standing(row, answer, is_claimed=state is _ClaimState.CLAIMED)


async def _read_answers(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[BetAnswer | None]:
    answered = [index for index, row in enumerate(rows) if row["answer"] is not None]
    stored = [orjson.loads(rows[index]["answer"]) for index in answered]
    answers = dict(zip(answered, await read_replays(connection, stored), strict=True))
    return [answers.get(index) for index in range(len(rows))]


def _standing(row: asyncpg.Record, answer: BetAnswer | None, *, is_claimed: bool) -> Standing:
    return Standing(
        answer=answer,
        is_claimed=is_claimed,
        available_minor=row["available_minor"],
        market_stake_minor=row["market_stake_minor"],
        time_us=row["time_us"],
    )


def _reused(inquiry: Inquiry) -> RequestIdReused:
    return RequestIdReused(f"Request {inquiry.request_id} was sent before with another content")
