"""What must always be true of rounds of our own games: of their money, and of what was drawn for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import asyncpg

from casino.games import Games
from infra.audit_check import Check, Finding
from infra.games import read_games
from infra.settings import Settings
from infra.stores.postgres import Connection
from infra.stores.postgres_rounds import read_round
from kernel.errors import InvariantBroken

_PAGE: Final = 5_000

ROUNDS: tuple[Check, ...] = (
    Check(
        "A round moved its stake and its win, and nothing else",
        "SELECT count(*) FROM casino.round",
        """
        SELECT format('round %s on account %s staked %s and won %s %s at %s, its transfers say %s', r.round_id,
            r.account_id, r.stake_minor, r.win_minor, r.currency, r.time_us, to_jsonb(m.*))
        FROM casino.round r LEFT JOIN pam.player p USING (player_id) LEFT JOIN (
            SELECT subject_id, count(*) FILTER (WHERE kind = 'stake') AS stakes,
                count(*) FILTER (WHERE kind = 'win') AS wins, count(*) AS transfers,
                sum(amount_minor) FILTER (WHERE kind = 'stake') AS stake_minor,
                coalesce(sum(amount_minor) FILTER (WHERE kind = 'win'), 0) AS win_minor,
                array_agg(DISTINCT CASE kind WHEN 'stake' THEN debit_account_id ELSE credit_account_id END) AS accounts,
                array_agg(DISTINCT key) AS keys, array_agg(DISTINCT currency) AS currencies,
                array_agg(DISTINCT time_us) AS times
            FROM ledger.transfer WHERE provider = 'casino' GROUP BY subject_id
        ) AS m ON m.subject_id = r.round_id
        WHERE (m.stakes, m.wins, m.transfers, m.stake_minor, m.win_minor, m.accounts, m.keys, m.currencies, m.times)
            IS DISTINCT FROM (1, sign(r.win_minor)::bigint, 1 + sign(r.win_minor)::bigint, r.stake_minor, r.win_minor,
                ARRAY[r.account_id], ARRAY[r.player_id || ':' || r.request_id], ARRAY[r.currency], ARRAY[r.time_us])
            OR r.account_id IS DISTINCT FROM p.cash_account_id
        UNION ALL
        SELECT format('%s %s is of no round', t.kind, t.row_id) FROM ledger.transfer t
        LEFT JOIN casino.round r ON r.round_id = t.subject_id WHERE t.provider = 'casino' AND r.round_id IS NULL
        UNION ALL
        SELECT format('command casino %s was answered %s, its round is %s of %s', c.key, c.answer, r.round_id,
            r.time_us)
        FROM ledger.command c LEFT JOIN casino.round r ON c.key = r.player_id || ':' || r.request_id
        LEFT JOIN LATERAL (
            SELECT max(coalesce(t.debit_version, t.credit_version)) AS version FROM ledger.transfer t
            WHERE (t.provider, t.key) = ('casino', c.key)
        ) AS moved ON true
        WHERE c.provider = 'casino' AND ((c.answer ->> 'round_id')::uuid, (c.answer ->> 'time_us')::bigint,
            (c.answer #>> '{balance,account_version}')::bigint, c.answer #>> '{balance,currency}'
        ) IS DISTINCT FROM (r.round_id, r.time_us, moved.version, r.currency)
        """,
    ),
)

_PLAYED: Final = """
    SELECT round_id, player_id, account_id, game_code, game_version, stops, stake_minor, win_minor, currency, time_us,
        lag(time_us) OVER (PARTITION BY player_id ORDER BY time_us, round_id) AS time_before_us
    FROM casino.round
"""


async def check_draws(connection: Connection, settings: Settings) -> Finding:
    """Work out again, by the games as the house keeps them, what every round won, and how far apart they are.

    Within a transaction.
    """
    games = read_games(settings.house_dir)
    checked_count = 0
    violations: list[str] = []
    cursor = await connection.cursor(_PLAYED)
    while rows := await cursor.fetch(_PAGE):
        checked_count += len(rows)
        violations += (complaint for row in rows for complaint in _complain(games, row))
    return Finding("What was drawn gives what was won, and no spin came too soon", checked_count, tuple(violations))


def _complain(games: Games, row: asyncpg.Record) -> Iterator[str]:
    played = read_round(row)
    try:
        edition = games.edition(played.game_code, played.game_version)
        win_minor = edition.game.win_minor(played.stops, played.stake.amount_minor)
    except InvariantBroken as error:
        yield f"round {played.round_id}: {error}"
        return
    if win_minor != played.win.amount_minor:
        yield f"round {played.round_id} won {played.win.amount_minor}, what was drawn for it gives {win_minor}"
    before_us = row["time_before_us"]
    if before_us is not None and played.time_us - before_us < edition.terms.cycle_ms * 1_000:
        yield f"round {played.round_id} came {played.time_us - before_us} us after the one before"
