"""What must always be true of the ledger, as SQL: how it balances and how its parts agree with each other."""

from __future__ import annotations

from infra.audit_check import Check
from infra.audit_payments import PAYMENTS
from infra.audit_players import PLAYERS
from infra.audit_recomputed import LINES, RECOMPUTED
from infra.audit_rounds import ROUNDS
from infra.postgres.outbox.registry import EVENTS

HAPPENED = "happened AS NOT MATERIALIZED (" + " UNION ALL ".join(event.happened for event in EVENTS.values()) + ")"
"""All that the outbox has to tell of, or had while it kept that."""

# Each line's stake times the odds of its legs, leg by leg, and rounded down at the end.
_PROMISED = """
    promised (bet_id, place, mask, leg, minor, minor_of) AS (
        SELECT bet_id, place, mask, -1, stake_minor::numeric, 1::numeric FROM line
        UNION ALL
        SELECT p.bet_id, p.place, p.mask, p.leg + 1,
            p.minor * CASE p.mask >> l.leg & 1 WHEN 1 THEN l.decimal_odds_milli ELSE 1 END,
            p.minor_of * CASE p.mask >> l.leg & 1 WHEN 1 THEN 1000 ELSE 1 END
        FROM promised p JOIN bets.leg l ON l.bet_id = p.bet_id AND l.leg = p.leg + 1
    ),
    promise AS (
        SELECT bet_id, sum(div(minor, minor_of)) AS minor, bit_or(mask) AS legs, count(DISTINCT mask) AS lines
        FROM (SELECT DISTINCT ON (bet_id, place) * FROM promised ORDER BY bet_id, place, leg DESC) AS whole
        GROUP BY bet_id
    )
"""

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
        "A claim becomes its bet, or nothing",
        "SELECT count(*) FROM ledger.hold",
        """
        SELECT format('hold %s, from %s until %s, is %s since %s', hold_id, begun_time_us, expires_time_us, state,
            ended_time_us)
        FROM ledger.hold
        WHERE greatest(begun_time_us, ended_time_us) > ledger.now_us() OR CASE state
            WHEN 'pending' THEN expires_time_us < ledger.now_us() - 60000000
            WHEN 'expired' THEN ended_time_us <= expires_time_us
            ELSE ended_time_us > expires_time_us
        END
        UNION ALL
        SELECT format('hold %s of %s %s on account %s is %s with %s of %s, its command was answered %s', h.hold_id,
            h.provider, h.key, h.account_id, h.state, h.posted_minor, h.amount_minor, c.answer)
        FROM ledger.hold h LEFT JOIN ledger.command c USING (provider, key)
        LEFT JOIN bets.bet b ON b.bet_id = (c.answer ->> 'bet_id')::uuid
        WHERE NOT coalesce(h.provider = 'bets' AND CASE h.state
            WHEN 'pending' THEN c.key IS NULL
            WHEN 'posted' THEN
                (h.fingerprint, h.account_id, h.amount_minor, h.posted_minor, h.ended_time_us)
                = (c.fingerprint, b.account_id, b.stake_minor, b.stake_minor, b.placed_time_us)
            WHEN 'voided' THEN b.bet_id IS NULL OR b.placed_time_us > h.ended_time_us
            ELSE b.bet_id IS NULL OR b.placed_time_us >= h.ended_time_us
        END, false)
        UNION ALL
        SELECT format('hold %s of %s is for %s %s', coalesce(h.hold_id, m.hold_id), h.key, m.fixture_id, m.market_id)
        FROM ledger.hold h FULL JOIN bets.claimed_market m USING (hold_id)
        LEFT JOIN ledger.command c USING (provider, key)
        WHERE h.hold_id IS NULL OR m.hold_id IS NULL OR h.state = 'posted' AND NOT EXISTS (
            SELECT FROM bets.leg l
            WHERE (l.bet_id, l.fixture_id, l.market_id) = ((c.answer ->> 'bet_id')::uuid, m.fixture_id, m.market_id)
        )
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
            (1, b.stake_minor, b.account_id, b.currency, bets.command_key(b.player_id, b.request_id))
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
        "A bet has its legs, each in a line, and its return follows from their odds",
        "SELECT count(*) FROM bets.leg",
        """
        SELECT format('bet %s promises %s on lines %s, its %s legs give %s', b.bet_id, b.potential_return_minor,
            b.lines, coalesce(own.legs, 0), p.minor)
        FROM bets.bet b LEFT JOIN promise p USING (bet_id) LEFT JOIN (
            SELECT l.bet_id, count(*)::integer AS legs, min(l.leg) AS first, max(l.leg) AS last,
                count(DISTINCT l.player_id) AS players, min(l.player_id::text) AS player_id
            FROM bets.leg l GROUP BY l.bet_id
        ) AS own USING (bet_id)
        WHERE (own.first, own.last, own.players, own.player_id) IS DISTINCT FROM
                (0::smallint, (own.legs - 1)::smallint, 1::bigint, b.player_id::text)
            OR (p.legs, p.lines) IS DISTINCT FROM ((1::bigint << own.legs) - 1, cardinality(b.lines)::bigint)
            OR p.minor IS DISTINCT FROM b.potential_return_minor
        UNION ALL
        SELECT format('leg %s is of bet %s, which is not there', l.leg, l.bet_id)
        FROM bets.leg l LEFT JOIN bets.bet b USING (bet_id) WHERE b.bet_id IS NULL
        """,
        tables=(LINES, _PROMISED),
    ),
    Check(
        "Money moves only as its command may move it",
        "SELECT count(*) FROM ledger.transfer",
        """
        SELECT format('transfer %s (%s %s) goes from %s to %s about %s', t.row_id, t.provider, t.kind,
            t.debit_account_id, t.credit_account_id, t.subject_id)
        FROM ledger.transfer t
        LEFT JOIN ledger.account d ON d.account_id = t.debit_account_id
        LEFT JOIN ledger.account c ON c.account_id = t.credit_account_id
        LEFT JOIN bets.bet b ON b.bet_id = t.subject_id
        WHERE NOT coalesce(CASE t.provider || ' ' || t.kind
            WHEN 'bets stake' THEN t.debit_account_id = b.account_id AND c.owner_id IS NULL AND c.kind = 'stakes'
                AND t.leg = 0 AND t.time_us = b.placed_time_us
            WHEN 'settlement payout' THEN d.owner_id IS NULL AND d.kind = 'payouts'
                AND t.credit_account_id = b.account_id
            WHEN 'settlement refund' THEN d.owner_id IS NULL AND d.kind = 'stakes'
                AND t.credit_account_id = b.account_id AND t.amount_minor = b.stake_minor
            WHEN 'settlement rollback' THEN t.debit_account_id = b.account_id AND t.reverses_row_id IS NOT NULL
            WHEN 'settlement recovery' THEN t.subject_id IS NULL AND d.kind = 'cash' AND c.kind = 'receivable'
                AND c.owner_id = d.owner_id
            WHEN 'settlement advance' THEN t.subject_id IS NULL AND d.kind = 'receivable' AND c.kind = 'cash'
                AND c.owner_id = d.owner_id
            WHEN 'casino stake' THEN t.leg = 0 AND d.kind = 'cash' AND c.owner_id IS NULL AND c.kind = 'stakes'
            WHEN 'casino win' THEN t.leg = 1 AND d.owner_id IS NULL AND d.kind = 'payouts' AND c.kind = 'cash'
            WHEN 'deposits deposit' THEN t.subject_id IS NULL AND t.leg = 0 AND d.owner_id IS NULL
                AND d.kind = 'test_money' AND c.kind = 'cash' AND t.key LIKE t.credit_account_id || ':%'
            WHEN 'payments deposit' THEN t.leg = 0 AND d.owner_id IS NULL AND d.kind = 'psp_clearing'
                AND c.kind = 'cash' AND t.key LIKE d.party || '/%/credit'
        END, false) OR (t.reverses_row_id IS NOT NULL) <> (t.kind = 'rollback')
        UNION ALL
        SELECT format('%s %s of %s has no %s beside it', t.kind, t.row_id, t.amount_minor,
            CASE t.kind WHEN 'advance' THEN 'rollback' ELSE 'payout or refund' END)
        FROM ledger.transfer t
        WHERE t.kind IN ('advance', 'recovery') AND NOT EXISTS (
            SELECT FROM ledger.transfer beside
            WHERE (beside.provider, beside.key) = (t.provider, t.key) AND beside.amount_minor >= t.amount_minor
                AND beside.time_us = t.time_us AND CASE t.kind
                    WHEN 'advance' THEN beside.kind = 'rollback' AND beside.leg = t.leg + 1
                        AND beside.debit_account_id = t.credit_account_id
                    ELSE beside.kind IN ('payout', 'refund') AND beside.leg = t.leg - 1
                        AND beside.credit_account_id = t.debit_account_id
                END
        )
        UNION ALL
        SELECT format('legs of command %s %s are %s', provider, key, array_agg(leg ORDER BY leg)) FROM ledger.transfer
        GROUP BY provider, key HAVING max(leg) <> count(*) - 1
        UNION ALL
        SELECT format('account %s (%s) is guarded: %s, at version %s, with %s', account_id, kind, guarded, version,
            posted_minor)
        FROM ledger.account
        WHERE guarded <> (owner_id IS NOT NULL AND kind <> 'receivable') OR (owner_id IS NULL AND version <> 0)
            OR (kind = 'receivable' AND posted_minor > 0)
        """,
    ),
    Check(
        "What happened to a bet is what was paid for it, when it was paid",
        "SELECT count(*) FROM bets.event WHERE sequence > 0",
        """
        SELECT format('events of bet %s by result %s sum to %s at %s, their transfers to %s at %s', coalesce(e.bet_id,
            t.bet_id), coalesce(e.key, t.key), e.minor, e.times, t.minor, t.times)
        FROM (
            SELECT bet_id, result_key || '/' || bet_id AS key, sum(amount_minor) AS minor,
                array_agg(DISTINCT time_us) AS times
            FROM bets.event WHERE sequence > 0 GROUP BY bet_id, result_key
        ) AS e FULL JOIN (
            SELECT subject_id AS bet_id, key,
                sum(CASE kind WHEN 'rollback' THEN -amount_minor ELSE amount_minor END) AS minor,
                array_agg(DISTINCT time_us) AS times
            FROM ledger.transfer WHERE provider = 'settlement' AND subject_id IS NOT NULL GROUP BY subject_id, key
        ) AS t USING (bet_id, key)
        WHERE e.bet_id IS NULL OR e.minor <> coalesce(t.minor, 0) OR cardinality(e.times) <> 1
            OR t.times <> e.times
        UNION ALL
        SELECT format('event %s of bet %s, by %s, is of no result, command or kind that fits', e.sequence, e.bet_id,
            e.result_key)
        FROM bets.event e
        LEFT JOIN bets.bet b USING (bet_id)
        LEFT JOIN bets.settlement s USING (result_key)
        LEFT JOIN ledger.command c ON c.provider = 'settlement' AND c.key = e.result_key || '/' || e.bet_id
        LEFT JOIN bets.leg l ON (l.bet_id, l.fixture_id, l.market_id) = (e.bet_id, s.fixture_id, s.market_id)
        WHERE e.sequence > 0 AND NOT coalesce(
            c.answer = jsonb_build_object('bet_id', e.bet_id) AND l.bet_id IS NOT NULL AND CASE e.kind
                WHEN 2 THEN e.amount_minor >= 0 AND (s.kind IN (1, 4) OR s.kind = 3 AND b.lines <> '{1}')
                WHEN 3 THEN e.amount_minor <= 0 AND (e.status, e.return_minor) = (1, 0)
                    AND (s.kind IN (1, 2, 3) OR b.lines <> '{1}')
                WHEN 4 THEN s.kind = 3 AND e.amount_minor > 0
                WHEN 5 THEN s.kind = 4 AND e.amount_minor < 0 AND (e.status, e.return_minor) = (1, 0)
            END, false)
        UNION ALL
        SELECT format('bet %s was placed at %s and settled at %s, its events say %s and %s', b.bet_id, b.placed_time_us,
            b.settled_time_us, e.first_us, e.last_us)
        FROM bets.bet b LEFT JOIN (
            SELECT bet_id, min(time_us) FILTER (WHERE sequence = 0) AS first_us, max(time_us) AS max_us,
                (array_agg(time_us ORDER BY sequence DESC))[1] AS last_us,
                min(result_key) FILTER (WHERE sequence = 0) AS first_key
            FROM bets.event GROUP BY bet_id
        ) AS e USING (bet_id)
        WHERE (e.first_us, e.last_us, e.first_key) IS DISTINCT FROM (b.placed_time_us, e.max_us, NULL)
            OR b.settled_time_us IS DISTINCT FROM CASE WHEN b.status <> 1 THEN e.last_us END
            OR e.max_us > ledger.now_us()
        UNION ALL
        SELECT format('bet %s was credited last by transfer %s, the transfers say %s', b.bet_id, b.credit_row_id,
            standing.row_id)
        FROM bets.bet b LEFT JOIN (
            SELECT t.subject_id, max(t.row_id) AS row_id FROM ledger.transfer t
            WHERE t.provider = 'settlement' AND t.kind IN ('payout', 'refund')
                AND NOT EXISTS (SELECT FROM ledger.transfer r WHERE r.reverses_row_id = t.row_id)
            GROUP BY t.subject_id
        ) AS standing ON standing.subject_id = b.bet_id
        WHERE b.credit_row_id IS DISTINCT FROM standing.row_id
        """,
    ),
    Check(
        "An answer says what its command did",
        "SELECT count(*) FROM ledger.command",
        """
        SELECT format('command bets %s was answered with bet %s, %s', c.key, c.answer ->> 'bet_id',
            coalesce('which is another''s', 'which is not there'))
        FROM ledger.command c LEFT JOIN bets.bet b ON b.bet_id = (c.answer ->> 'bet_id')::uuid
        WHERE c.provider = 'bets' AND c.answer ? 'bet_id'
            AND (c.key, (c.answer ->> 'placed_time_us')::bigint) IS DISTINCT FROM
                (bets.command_key(b.player_id, b.request_id), b.placed_time_us)
        UNION ALL
        SELECT format('bet %s is of command %s, which says %s', b.bet_id,
            bets.command_key(b.player_id, b.request_id), c.answer)
        FROM bets.bet b
        LEFT JOIN ledger.command c ON c.provider = 'bets' AND c.key = bets.command_key(b.player_id, b.request_id)
        WHERE (c.answer ->> 'bet_id')::uuid IS DISTINCT FROM b.bet_id
        UNION ALL
        SELECT format('command %s %s left balance %s, its account says otherwise', c.provider, c.key,
            c.answer -> 'balance')
        FROM ledger.command c JOIN ledger.transfer t USING (provider, key)
        WHERE c.provider IN ('bets', 'deposits', 'payments') AND c.answer ? 'balance' AND (
            (c.answer #>> '{balance,account_version}')::bigint, c.answer #>> '{balance,currency}'
        ) IS DISTINCT FROM (coalesce(t.debit_version, t.credit_version), t.currency)
        UNION ALL
        SELECT format('player %s is of no registration', p.player_id) FROM pam.player p
        WHERE NOT EXISTS (
            SELECT FROM ledger.command c
            WHERE c.provider = 'pam' AND c.answer = jsonb_build_object('player_id', p.player_id)
        )
        UNION ALL
        SELECT format('command %s %s is of %s, its transfer %s', c.provider, c.key, c.time_us, t.time_us)
        FROM ledger.command c JOIN ledger.transfer t USING (provider, key)
        WHERE t.time_us NOT BETWEEN c.time_us - 60000000 AND c.time_us + 60000000 OR t.time_us > ledger.now_us()
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
        WHERE transaction_id >= ledger.horizon()
        UNION ALL
        SELECT format('outbox row %s (%s %s of %s) is of transaction %s and %s, what it tells of of %s and %s',
            o.row_id, o.event, o.sequence, o.subject, o.transaction_id, o.time_us, h.transaction_id, h.time_us)
        FROM ledger.outbox o LEFT JOIN (
            SELECT * FROM happened WHERE transaction_id >= (SELECT min(transaction_id) FROM ledger.outbox)
        ) AS h USING (event, subject, sequence)
        WHERE (o.transaction_id, o.time_us) IS DISTINCT FROM (h.transaction_id, h.time_us)
        UNION ALL
        SELECT format('%s %s of %s is told of %s times', h.event, h.sequence, h.subject, count(o.row_id))
        FROM happened h LEFT JOIN ledger.outbox o USING (event, subject, sequence)
        WHERE h.transaction_id > (SELECT min(transaction_id) FROM ledger.outbox)
        GROUP BY h.event, h.subject, h.sequence HAVING count(o.row_id) <> 1
        UNION ALL
        SELECT format('the relay %s is not there', name) FROM unnest(ARRAY['outbox']) AS name
        WHERE NOT EXISTS (SELECT FROM ledger.relay_position WHERE relay = name)
        """,
        tables=(HAPPENED,),
    ),
    Check(
        "Positions are of this cluster",
        "SELECT count(*) FROM ledger.epoch",
        """
        SELECT format('epoch %s is of cluster %s, this is %s', epoch, cluster, ledger.cluster()) FROM ledger.epoch
        WHERE epoch = (SELECT max(epoch) FROM ledger.epoch) AND cluster <> ledger.cluster()
        UNION ALL
        SELECT format('epoch %s was not adopted as it stands', e.epoch) FROM ledger.epoch e
        LEFT JOIN ledger.command c ON c.provider = 'ledger' AND c.key = 'adopt/' || e.epoch
        WHERE CASE e.epoch WHEN 0 THEN (e.record_block_id, e.chain_block_id) <> (0, 0)
            ELSE c.answer IS DISTINCT FROM to_jsonb(e.*) END
        UNION ALL
        SELECT format('epochs are %s', array_agg(epoch ORDER BY epoch)) FROM ledger.epoch
        HAVING (min(epoch), max(epoch)) IS DISTINCT FROM (0, count(*) - 1)
        """,
    ),
    *RECOMPUTED,
    *PLAYERS,
    *ROUNDS,
    *PAYMENTS,
)

CHAINED = """
    WITH RECURSIVE chained AS (
        SELECT coalesce((array_agg(last_transaction_id ORDER BY block_id DESC))[1], '0'::xid8) AS transaction_id,
            coalesce((array_agg(last_row_id ORDER BY block_id DESC))[1], 0) AS row_id
        FROM ledger.chain_block
    )
"""
"""Goes before every query: how far the house's accounts are rolled up."""
