"""What must always be true of the ledger, as SQL: each check counts what it looked at and finds what breaks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant.

    Attributes:
        name: The invariant, as people say it.
        counted: SQL that counts what was looked at.
        violations: SQL with a row for each violation, whose only column says what is wrong.
    """

    name: str
    counted: str
    violations: str


CHECKS: tuple[Check, ...] = (
    Check(
        "Debits equal credits",
        "SELECT count(*) FROM ledger.transfer",
        """
        SELECT format('transfer %s names account %s, %s and %s', t.row_id, t.debit_account_id, t.credit_account_id,
            t.currency)
        FROM ledger.transfer t
        LEFT JOIN ledger.account d ON d.account_id = t.debit_account_id AND d.currency = t.currency
        LEFT JOIN ledger.account c ON c.account_id = t.credit_account_id AND c.currency = t.currency
        WHERE d.account_id IS NULL OR c.account_id IS NULL OR t.amount_minor <= 0
            OR (d.owner_id IS NULL) <> (t.debit_version IS NULL) OR (c.owner_id IS NULL) <> (t.credit_version IS NULL)
        UNION ALL
        SELECT format('balances in %s sum to %s', currency, sum(minor)) FROM (
            SELECT currency, posted_minor AS minor FROM ledger.account
            UNION ALL
            SELECT t.currency, CASE WHEN t.credit_version IS NULL THEN t.amount_minor ELSE 0 END
                - CASE WHEN t.debit_version IS NULL THEN t.amount_minor ELSE 0 END
            FROM ledger.transfer t, chained
            WHERE (t.transaction_id, t.row_id) > (chained.transaction_id, chained.row_id)
        ) AS all_balances GROUP BY currency HAVING sum(minor) <> 0
        """,
    ),
    Check(
        "A balance is the sum of its transfers",
        "SELECT count(*) FROM ledger.account",
        """
        SELECT format('account %s has %s, its transfers sum to %s', a.account_id, a.posted_minor, coalesce(s.minor, 0))
        FROM ledger.account a LEFT JOIN (
            SELECT account_id, sum(minor) AS minor FROM (
                SELECT debit_account_id AS account_id, -amount_minor AS minor, debit_version AS version, transaction_id,
                    row_id FROM ledger.transfer
                UNION ALL
                SELECT credit_account_id, amount_minor, credit_version, transaction_id, row_id FROM ledger.transfer
            ) AS entry, chained
            WHERE entry.version IS NOT NULL
                OR (entry.transaction_id, entry.row_id) <= (chained.transaction_id, chained.row_id)
            GROUP BY account_id
        ) AS s USING (account_id)
        WHERE a.posted_minor <> coalesce(s.minor, 0)
        """,
    ),
    Check(
        "No guarded account is below zero",
        "SELECT count(*) FROM ledger.account WHERE guarded",
        """
        SELECT format('account %s has %s, of which %s held', account_id, posted_minor, held_minor) FROM ledger.account
        WHERE (guarded AND posted_minor - held_minor < 0) OR held_minor < 0
        """,
    ),
    Check(
        "Account versions have no gap",
        "SELECT count(*) FROM ledger.account WHERE owner_id IS NOT NULL",
        """
        SELECT format('account %s is at version %s, its %s movements go from %s to %s', a.account_id, a.version,
            coalesce(s.moves, 0), s.lowest, s.highest)
        FROM ledger.account a LEFT JOIN (
            SELECT account_id, count(*) AS moves, count(DISTINCT version) AS versions, min(version) AS lowest,
                max(version) AS highest
            FROM (
                SELECT debit_account_id AS account_id, debit_version AS version FROM ledger.transfer
                UNION ALL
                SELECT credit_account_id, credit_version FROM ledger.transfer
            ) AS entry WHERE version IS NOT NULL GROUP BY account_id
        ) AS s USING (account_id)
        WHERE a.owner_id IS NOT NULL AND (
            a.version <> coalesce(s.moves, 0) OR s.versions <> s.moves OR s.lowest <> 1 OR s.highest <> a.version)
        """,
    ),
    Check(
        "One command, one answer",
        "SELECT count(*) FROM ledger.command",
        """
        SELECT format('command %s %s has no answer', provider, key) FROM ledger.command WHERE answer IS NULL
        UNION ALL
        SELECT format('command %s %s is there %s times', provider, key, count(*)) FROM ledger.command
        GROUP BY provider, key HAVING count(*) > 1
        UNION ALL
        SELECT format('transfer %s is of no command', t.row_id) FROM ledger.transfer t
        LEFT JOIN ledger.command c USING (provider, key) WHERE c.key IS NULL
        UNION ALL
        SELECT format('command %s %s was refused and moved money', t.provider, t.key) FROM ledger.transfer t
        JOIN ledger.command c USING (provider, key) WHERE c.answer ? 'refusal'
        UNION ALL
        SELECT format('leg %s of command %s %s is there %s times', leg, provider, key, count(*)) FROM ledger.transfer
        GROUP BY provider, key, leg HAVING count(*) > 1
        """,
    ),
    Check(
        "A hold ends once, and what is held is what is pending",
        "SELECT count(*) FROM ledger.hold",
        """
        SELECT format('hold %s is %s, ended at %s, posted %s of %s', hold_id, state, ended_time_us, posted_minor,
            amount_minor)
        FROM ledger.hold
        WHERE (state = 'pending') <> (ended_time_us IS NULL)
            OR CASE state WHEN 'posted' THEN posted_minor NOT BETWEEN 1 AND amount_minor ELSE posted_minor <> 0 END
        UNION ALL
        SELECT format('account %s holds %s, its pending holds sum to %s', a.account_id, a.held_minor,
            coalesce(h.minor, 0))
        FROM ledger.account a LEFT JOIN (
            SELECT account_id, sum(amount_minor) AS minor FROM ledger.hold WHERE state = 'pending' GROUP BY account_id
        ) AS h USING (account_id) WHERE a.held_minor <> coalesce(h.minor, 0)
        """,
    ),
    Check(
        "An original is reversed at most once, and whole",
        "SELECT count(*) FROM ledger.transfer WHERE reverses_row_id IS NOT NULL",
        """
        SELECT format('transfer %s is reversed %s times', reverses_row_id, count(*)) FROM ledger.transfer
        WHERE reverses_row_id IS NOT NULL GROUP BY reverses_row_id HAVING count(*) > 1
        UNION ALL
        SELECT format('transfer %s is no mirror of %s', r.row_id, r.reverses_row_id) FROM ledger.transfer r
        LEFT JOIN ledger.transfer o ON o.row_id = r.reverses_row_id
        WHERE r.reverses_row_id IS NOT NULL AND (
            o.debit_account_id, o.credit_account_id, o.amount_minor
        ) IS DISTINCT FROM (r.credit_account_id, r.debit_account_id, r.amount_minor)
        """,
    ),
    Check(
        "What is tombstoned never moves",
        "SELECT count(*) FROM ledger.tombstone",
        """
        SELECT format('%s %s is tombstoned and moved in transfer %s', provider, key, t.row_id)
        FROM ledger.tombstone JOIN ledger.transfer t USING (provider, key)
        """,
    ),
    Check(
        "Every bet has one stake, of its amount, from its account",
        "SELECT count(*) FROM bets.bet",
        """
        SELECT format('bet %s of %s on account %s has %s stakes, of %s', b.bet_id, b.stake_minor, b.account_id,
            coalesce(s.stakes, 0), s.amount_minor)
        FROM bets.bet b LEFT JOIN (
            SELECT subject_id, count(*) AS stakes, sum(amount_minor) AS amount_minor,
                min(debit_account_id) AS account_id, min(currency) AS currency, min(key) AS key
            FROM ledger.transfer WHERE provider = 'bets' AND kind = 'stake' GROUP BY subject_id
        ) AS s ON s.subject_id = b.bet_id
        WHERE (s.stakes, s.amount_minor, s.account_id, s.currency, s.key) IS DISTINCT FROM
            (1, b.stake_minor, b.account_id, b.currency, b.player_id || ':' || b.request_id)
        UNION ALL
        SELECT format('stake %s is of no bet', t.row_id) FROM ledger.transfer t
        LEFT JOIN bets.bet b ON b.bet_id = t.subject_id
        WHERE t.provider = 'bets' AND t.kind = 'stake' AND b.bet_id IS NULL
        UNION ALL
        SELECT format('command %s was answered with bet %s, which is not there', c.key, c.answer ->> 'bet_id')
        FROM ledger.command c LEFT JOIN bets.bet b ON b.bet_id = (c.answer ->> 'bet_id')::uuid
        WHERE c.provider = 'bets' AND c.answer ? 'bet_id' AND b.bet_id IS NULL
        """,
    ),
    Check(
        "A bet's return is its payouts and refunds less what was taken back",
        "SELECT count(*) FROM bets.bet WHERE status <> 1",
        """
        SELECT format('bet %s returned %s, its transfers sum to %s', b.bet_id, b.return_minor, coalesce(s.minor, 0))
        FROM bets.bet b LEFT JOIN (
            SELECT subject_id, sum(CASE kind WHEN 'rollback' THEN -amount_minor ELSE amount_minor END) AS minor
            FROM ledger.transfer WHERE provider = 'settlement' AND subject_id IS NOT NULL GROUP BY subject_id
        ) AS s ON s.subject_id = b.bet_id WHERE b.return_minor <> coalesce(s.minor, 0)
        """,
    ),
    Check(
        "A bet stands as its events say",
        "SELECT count(*) FROM bets.event",
        """
        SELECT format('bet %s is %s with %s after %s events, they say %s with %s after %s', b.bet_id, b.status,
            b.return_minor, b.event_count, e.status, e.return_minor, e.events)
        FROM bets.bet b LEFT JOIN (
            SELECT bet_id, count(*) AS events, min(sequence) AS lowest, max(sequence) AS highest,
                sum(amount_minor) AS amount_minor, (array_agg(kind ORDER BY sequence))[1] AS first_kind,
                (array_agg(status ORDER BY sequence DESC))[1] AS status,
                (array_agg(return_minor ORDER BY sequence DESC))[1] AS return_minor
            FROM bets.event GROUP BY bet_id
        ) AS e USING (bet_id)
        WHERE (e.status, e.return_minor, e.events, e.lowest, e.highest, e.first_kind, e.amount_minor) IS DISTINCT FROM
            (b.status, b.return_minor, b.event_count, 0, b.event_count - 1, 1, b.return_minor - b.stake_minor)
        UNION ALL
        SELECT format('bet %s goes from event %s to %s', bet_id, before, kind) FROM (
            SELECT bet_id, kind, lag(kind) OVER (PARTITION BY bet_id ORDER BY sequence) AS before FROM bets.event
        ) AS step
        WHERE NOT CASE kind WHEN 1 THEN before IS NULL WHEN 3 THEN before = 2 WHEN 5 THEN before = 4
            ELSE before IN (1, 3, 5) END IS TRUE
        """,
    ),
    Check(
        "A bet has its legs, and its return follows from their odds",
        "SELECT count(*) FROM bets.leg",
        """
        SELECT format('bet %s promises %s, its %s legs give %s', b.bet_id, b.potential_return_minor, count(l.leg),
            floor(b.stake_minor * min(l.decimal_odds_milli)::numeric / 1000))
        FROM bets.bet b LEFT JOIN bets.leg l USING (bet_id) GROUP BY b.bet_id
        HAVING count(l.leg) <> 1
            OR b.potential_return_minor <> floor(b.stake_minor * min(l.decimal_odds_milli)::numeric / 1000)
        """,
    ),
    Check(
        "A player has a cash account of their own",
        "SELECT count(*) FROM pam.player",
        """
        SELECT format('player %s has account %s, which is not their cash in %s', p.player_id, p.cash_account_id,
            p.currency)
        FROM pam.player p LEFT JOIN ledger.account a ON a.account_id = p.cash_account_id
        WHERE (a.owner_id, a.kind, a.currency) IS DISTINCT FROM (p.player_id, 'cash', p.currency)
        UNION ALL
        SELECT format('account %s is of player %s, who is not there', a.account_id, a.owner_id) FROM ledger.account a
        LEFT JOIN pam.player p ON p.player_id = a.owner_id WHERE a.owner_id IS NOT NULL AND p.player_id IS NULL
        """,
    ),
    Check(
        "The outbox tells of all that happened, in order",
        "SELECT count(*) FROM ledger.outbox",
        """
        SELECT format('the relay is at transaction %s, which has not ended', transaction_id) FROM ledger.relay_position
        WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
        UNION ALL
        SELECT format('outbox row %s names what is not there', o.row_id) FROM ledger.outbox o
        LEFT JOIN bets.event e ON e.bet_id = o.subject_id AND e.sequence = o.event_sequence
        LEFT JOIN ledger.transfer t ON t.row_id = o.transfer_row_id
        LEFT JOIN pam.player p ON p.player_id = o.subject_id
        WHERE CASE o.kind WHEN 3 THEN t.row_id IS NULL WHEN 4 THEN p.player_id IS NULL ELSE e.bet_id IS NULL END
        UNION ALL
        SELECT format('transfer %s is told of %s times', t.row_id, count(o.row_id)) FROM ledger.transfer t
        LEFT JOIN ledger.outbox o ON o.kind = 3 AND o.transfer_row_id = t.row_id
        WHERE t.transaction_id > (SELECT min(transaction_id) FROM ledger.outbox)
        GROUP BY t.row_id HAVING count(o.row_id) <> 1
        UNION ALL
        SELECT format('event %s of bet %s is told of %s times', e.sequence, e.bet_id, count(o.row_id))
        FROM bets.event e
        LEFT JOIN ledger.outbox o ON o.kind = 1 AND o.subject_id = e.bet_id AND o.event_sequence = e.sequence
        WHERE e.transaction_id > (SELECT min(transaction_id) FROM ledger.outbox)
        GROUP BY e.bet_id, e.sequence HAVING count(o.row_id) <> 1
        """,
    ),
)

CHAINED = """
    WITH chained AS (
        SELECT coalesce((array_agg(last_transaction_id ORDER BY block_id DESC))[1], '0'::xid8) AS transaction_id,
            coalesce((array_agg(last_row_id ORDER BY block_id DESC))[1], 0) AS row_id
        FROM ledger.chain_block
    )
"""
"""Goes before every query: how far the house's accounts are rolled up."""
