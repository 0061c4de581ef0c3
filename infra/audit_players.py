"""What must always be true of players: what they protect themselves with is what they asked for, and it held."""

from __future__ import annotations

from typing import Final

from infra.audit_check import Check

# What each player's bounds were after each of their words about them, and when that began and ended.
_LIMITS: Final = """
    word_of_limit AS (
        SELECT player_id, limit_window, kind, amount_minor, until_us, needs_confirmation, time_us,
            row_number() OVER own AS step, lead(time_us) OVER own AS next_us
        FROM pam.event WHERE kind IN (3, 4)
        WINDOW own AS (PARTITION BY player_id, limit_window ORDER BY sequence)
    ),
    walked_limit (
        player_id, limit_window, step, time_us, next_us, amount_minor, raise_minor, raise_from_us, needs_confirmation
    ) AS (
        SELECT player_id, limit_window, 0::bigint, 0::bigint, time_us, NULL::bigint, NULL::bigint, NULL::bigint,
            NULL::boolean
        FROM word_of_limit WHERE step = 1
        UNION ALL
        SELECT w.player_id, w.limit_window, s.step, s.time_us, s.next_us,
            CASE WHEN s.kind = 3 THEN s.amount_minor
                WHEN NOT w.needs_confirmation AND w.raise_from_us <= s.time_us THEN w.raise_minor
                ELSE w.amount_minor END,
            CASE s.kind WHEN 4 THEN s.amount_minor END, CASE s.kind WHEN 4 THEN s.until_us END,
            CASE s.kind WHEN 4 THEN s.needs_confirmation END
        FROM walked_limit w JOIN word_of_limit s USING (player_id, limit_window) WHERE s.step = w.step + 1
    ),
    last_limit AS (
        SELECT DISTINCT ON (player_id, limit_window) * FROM walked_limit ORDER BY player_id, limit_window, step DESC
    )
"""

PLAYERS: Final = (
    Check(
        "A player stands as their events say",
        "SELECT count(*) FROM pam.event",
        """
        SELECT format('player %s has %s events, stepped back until %s, is excluded until %s: the events are %s, say %s '
            'and %s', p.player_id, p.event_count, p.timed_out_until_us, p.excluded_until_us, e.events, e.timed_out_us,
            e.excluded_us)
        FROM pam.player p LEFT JOIN (
            SELECT player_id, count(*)::integer AS events, min(sequence) AS lowest, max(sequence) AS highest,
                coalesce(max(until_us) FILTER (WHERE kind = 1), 0) AS timed_out_us,
                coalesce(max(until_us) FILTER (WHERE kind = 2), 0) AS excluded_us,
                array_agg(sequence) FILTER (WHERE kind = 6) AS registrations,
                min(time_us) FILTER (WHERE kind = 6) AS registered_us
            FROM pam.event GROUP BY player_id
        ) AS e USING (player_id)
        WHERE (e.events, e.lowest, e.highest, e.timed_out_us, e.excluded_us, e.registrations, e.registered_us)
            IS DISTINCT FROM (p.event_count, 1, p.event_count, p.timed_out_until_us, p.excluded_until_us, ARRAY[1],
                p.registered_time_us)
        UNION ALL
        SELECT format('event %s of player %s is of no command that fits: %s', e.sequence, e.player_id, c.key)
        FROM (SELECT * FROM pam.event WHERE kind <= 4) AS e
        FULL JOIN (SELECT * FROM ledger.command WHERE provider = 'protection') AS c
            ON c.answer = jsonb_build_object('player', e.player_id, 'event', e.sequence)
        WHERE NOT coalesce(
            c.transaction_id = e.transaction_id AND c.key LIKE e.player_id || ':%'
            AND e.time_us BETWEEN c.time_us - 60000000 AND c.time_us + 60000000, false)
        """,
    ),
    Check(
        "Deposit limits are those that their players set, raised no sooner than they may be",
        "SELECT count(*) FROM pam.deposit_limit",
        """
        SELECT format('limit %s of player %s is %s, rising to %s from %s: their words make it %s, %s and %s',
            coalesce(l.limit_window, w.limit_window), coalesce(l.player_id, w.player_id), l.amount_minor, l.raise_minor,
            l.raise_from_us, w.amount_minor, w.raise_minor, w.raise_from_us)
        FROM pam.deposit_limit l FULL JOIN last_limit w USING (player_id, limit_window)
        WHERE l.player_id IS NULL OR w.player_id IS NULL
            OR (l.amount_minor, l.raise_minor, l.raise_from_us, l.raise_needs_confirmation)
                IS DISTINCT FROM (w.amount_minor, w.raise_minor, w.raise_from_us, w.needs_confirmation)
        UNION ALL
        SELECT format('limit %s of player %s rose to %s at %s, which was too soon', s.limit_window, s.player_id,
            s.amount_minor, s.time_us)
        FROM walked_limit w JOIN word_of_limit s USING (player_id, limit_window)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT w.needs_confirmation AND w.raise_from_us <= s.time_us THEN w.raise_minor
                ELSE w.amount_minor END AS minor
        ) AS bound
        WHERE s.step = w.step + 1 AND s.kind = 3 AND bound.minor IS NOT NULL
            AND coalesce(s.amount_minor > bound.minor, true)
            AND NOT coalesce(w.needs_confirmation AND w.raise_from_us <= s.time_us
                AND s.amount_minor IS NOT DISTINCT FROM w.raise_minor, false)
        """,
        tables=(_LIMITS,),
    ),
    Check(
        "Nobody paid in more than the limits that they had set",
        "SELECT count(*) FROM ledger.transfer WHERE kind = 'deposit'",
        """
        SELECT format('deposit %s made it %s over %s, the limit was %s', t.row_id, paid.minor, w.limit_window,
            bound.minor)
        FROM walked_limit w
        JOIN ledger.account a ON a.owner_id = w.player_id AND a.kind = 'cash'
        JOIN ledger.transfer t ON t.credit_account_id = a.account_id AND t.kind = 'deposit'
            AND t.provider = 'deposits' AND t.time_us > w.time_us AND t.time_us < coalesce(w.next_us, t.time_us + 1)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT w.needs_confirmation AND w.raise_from_us <= t.time_us THEN w.raise_minor
                ELSE w.amount_minor END AS minor
        ) AS bound
        CROSS JOIN LATERAL (
            SELECT sum(other.amount_minor) AS minor FROM ledger.transfer other
            WHERE other.credit_account_id = a.account_id AND other.kind = 'deposit'
                AND (other.time_us, other.row_id) <= (t.time_us, t.row_id)
                AND other.time_us > pam.window_begins_us(w.limit_window, t.time_us)
        ) AS paid
        WHERE paid.minor > bound.minor
        """,
        tables=(_LIMITS,),
    ),
)
