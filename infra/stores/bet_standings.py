"""What bears on bets that are about to be decided, read for all that wait in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from bets.answer import Inquiry, Standing
from infra.stores.bet_answers import read_replays
from infra.stores.postgres import Connection
from kernel.commands import RequestIdReused
from kernel.errors import DomainError

_LOOK: Final = """
    SELECT c.fingerprint, c.answer::text AS answer, coalesce(a.posted_minor - a.held_minor, 0) AS available_minor,
        coalesce(staked.minor, 0) AS market_stake_minor, ledger.now_us() AS time_us
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
        WITH ORDINALITY AS asked (player_id, request_id, account_id, fixture_id, market_id, n)
    LEFT JOIN ledger.command c ON c.provider = 'bets' AND c.key = asked.player_id || ':' || asked.request_id
    LEFT JOIN ledger.account a ON a.account_id = asked.account_id
    LEFT JOIN LATERAL (
        SELECT sum(b.stake_minor)::bigint AS minor FROM bets.bet b JOIN bets.leg l USING (bet_id)
        WHERE c.key IS NULL AND b.player_id = asked.player_id AND b.status = 1
            AND l.fixture_id = asked.fixture_id AND l.market_id = asked.market_id
    ) AS staked ON true
    ORDER BY asked.n
"""


async def read_standings(connection: Connection, inquiries: Sequence[Inquiry]) -> list[Standing | DomainError]:
    """Return what stands for each inquiry, in order; a refusal for a request id that came with another content."""
    rows = await connection.fetch(
        _LOOK,
        [inquiry.player_id for inquiry in inquiries],
        [inquiry.request_id for inquiry in inquiries],
        [inquiry.cash_account_id for inquiry in inquiries],
        [inquiry.fixture_id for inquiry in inquiries],
        [inquiry.market_id for inquiry in inquiries],
    )
    answered = [index for index, row in enumerate(rows) if row["answer"] is not None]
    stored = [orjson.loads(rows[index]["answer"]) for index in answered]
    answers = dict(zip(answered, await read_replays(connection, stored), strict=True))
    return [
        RequestIdReused(f"Request {inquiry.request_id} was sent before with another content")
        if row["fingerprint"] is not None and row["fingerprint"] != inquiry.fingerprint
        else Standing(
            answer=answers.get(index),
            available_minor=row["available_minor"],
            market_stake_minor=row["market_stake_minor"],
            time_us=row["time_us"],
        )
        for index, (inquiry, row) in enumerate(zip(inquiries, rows, strict=True))
    ]
