"""What results, legs and odds make of every bet and market, worked out anew in SQL and integers.

Nothing here calls a function of the ledger, nor reads what a settlement wrote of a bet: from the results as they were
told, in their order, it says what each bet must be, and complains about any that is something else.
"""

from __future__ import annotations

from typing import Final

from infra.audit_check import Check

# Results that had their say on a bet: not echoes of other providers, only as far as their pages came, and none that a
# bet was left out of. The latest settlement or its rollback stands, and so does the latest cancellation or its rollback
# whose window holds the bet.
_STANDING: Final = """
    word AS (
        SELECT b.bet_id, s.kind, s.result, s.result_key,
            row_number() OVER (
                PARTITION BY b.bet_id, s.kind <= 2 ORDER BY s.begun_time_us DESC, s.result_key DESC
            ) AS place
        FROM bets.bet b JOIN bets.leg l USING (bet_id)
        JOIN bets.settlement s USING (fixture_id, market_id)
        WHERE NOT s.is_echo AND (s.is_complete OR b.bet_id <= s.last_bet_id)
            AND CASE
                WHEN s.kind = 1 THEN EXISTS (
                    SELECT FROM jsonb_array_elements(s.result -> 'outcomes') AS o
                    WHERE o ->> 'outcome_id' = l.outcome_id
                )
                WHEN s.kind >= 3 THEN
                    b.placed_time_us >= coalesce((s.result ->> 'window_start_ms')::bigint, 0) * 1000
                    AND coalesce(
                        b.placed_time_us < nullif((s.result ->> 'window_end_ms')::bigint, 0) * 1000, true
                    )
                ELSE true
            END
            AND NOT EXISTS (
                SELECT FROM bets.unsettled u
                WHERE u.bet_id = b.bet_id AND u.result_key = s.result_key AND u.state <> 'applied'
            )
    ),
    standing AS (
        SELECT b.bet_id, b.stake_minor, b.placed_time_us, l.outcome_id, l.decimal_odds_milli, settled.result,
            coalesce(cancelled.kind = 3, false) AS is_cancelled
        FROM bets.bet b JOIN bets.leg l USING (bet_id)
        LEFT JOIN word settled ON settled.bet_id = b.bet_id AND settled.kind = 1 AND settled.place = 1
        LEFT JOIN word cancelled ON cancelled.bet_id = b.bet_id AND cancelled.kind >= 3 AND cancelled.place = 1
    )
"""
# A third of a stake is told as 333333 millionths: what a fraction of at most 100 parts is when cut or rounded, it is.
_FACTORS: Final = """
    named AS (
        SELECT DISTINCT (o ->> name)::bigint AS micro FROM bets.settlement s,
            jsonb_array_elements(s.result -> 'outcomes') AS o,
            unnest(ARRAY['win_factor_micro', 'void_factor_micro', 'dead_heat_factor_micro']) AS name
    ),
    factor AS (
        SELECT DISTINCT ON (micro) micro, part::numeric AS part, parts::numeric AS parts FROM (
            SELECT micro, parts, (2 * micro * parts + 1000000) / 2000000 AS part
            FROM named, generate_series(1, 100) AS parts
            UNION ALL
            SELECT micro, 1000000, micro FROM named
        ) AS tried
        WHERE parts = 1000000
            OR 2 * (part * 1000000 - micro * parts) BETWEEN -parts AND 2 * parts - 1
        ORDER BY micro, parts
    )
"""
# What is taken off goes off one after another, and leaves no odds below one.
_ODDS: Final = """
    reduction AS (
        SELECT s.bet_id, 1000000 - (r ->> 'deduction_micro')::numeric AS kept_micro,
            (r ->> 'is_off_winnings_only')::boolean AS is_off_winnings,
            row_number() OVER (PARTITION BY s.bet_id ORDER BY place) AS step
        FROM standing s, jsonb_array_elements(s.result -> 'reductions') WITH ORDINALITY AS told (r, place)
        WHERE s.placed_time_us < (r ->> 'before_ms')::bigint * 1000
    ),
    reduced (bet_id, step, odds, odds_of) AS (
        SELECT bet_id, 0::bigint, decimal_odds_milli::numeric, 1000::numeric FROM standing WHERE result IS NOT NULL
        UNION ALL
        SELECT o.bet_id, r.step, greatest(
            CASE WHEN r.is_off_winnings THEN o.odds_of * 1000000 + (o.odds - o.odds_of) * r.kept_micro
                ELSE o.odds * r.kept_micro END,
            o.odds_of * 1000000), o.odds_of * 1000000
        FROM reduced o JOIN reduction r ON r.bet_id = o.bet_id AND r.step = o.step + 1
    ),
    odds AS (SELECT DISTINCT ON (bet_id) bet_id, odds, odds_of FROM reduced ORDER BY bet_id, step DESC)
"""
_EXPECTED: Final = """
    settled AS (
        SELECT s.bet_id, CASE WHEN void.micro = 1000000 THEN 3 ELSE 2 END AS status,
            div(
                s.stake_minor * (
                    void.part * win.parts * odds.odds_of * tied.parts
                    + (void.parts - void.part) * win.part * odds.odds * tied.part
                ),
                void.parts * win.parts * odds.odds_of * tied.parts
            ) AS return_minor
        FROM standing s JOIN odds USING (bet_id)
        CROSS JOIN LATERAL (
            SELECT o FROM jsonb_array_elements(s.result -> 'outcomes') AS o
            WHERE o ->> 'outcome_id' = s.outcome_id
        ) AS told
        JOIN factor void ON void.micro = (told.o ->> 'void_factor_micro')::bigint
        JOIN factor win ON win.micro = (told.o ->> 'win_factor_micro')::bigint
        JOIN factor tied ON tied.micro = (told.o ->> 'dead_heat_factor_micro')::bigint
    ),
    expected AS (
        SELECT s.bet_id, s.is_cancelled, w.return_minor AS result_return_minor, w.status AS result_status,
            CASE WHEN s.is_cancelled THEN 3 WHEN w.bet_id IS NOT NULL THEN w.status ELSE 1 END AS status,
            CASE WHEN s.is_cancelled THEN s.stake_minor ELSE coalesce(w.return_minor, 0) END AS return_minor
        FROM standing s LEFT JOIN settled w USING (bet_id)
    )
"""
# The standing of a market is its results one after another.
_MARKETS: Final = """
    told AS (
        SELECT fixture_id, market_id, kind, result_key,
            int8multirange(int8range(
                nullif(coalesce((result ->> 'window_start_ms')::bigint, 0) * 1000, 0),
                nullif(coalesce((result ->> 'window_end_ms')::bigint, 0) * 1000, 0)
            )) AS bounds,
            row_number() OVER (PARTITION BY fixture_id, market_id ORDER BY begun_time_us, result_key) AS step
        FROM bets.settlement WHERE NOT is_echo
    ),
    walked (fixture_id, market_id, step, settled_by, cancelled_us) AS (
        SELECT fixture_id, market_id, 0::bigint, NULL::text, '{}'::int8multirange FROM told WHERE step = 1
        UNION ALL
        SELECT w.fixture_id, w.market_id, t.step,
            CASE t.kind WHEN 1 THEN t.result_key WHEN 2 THEN NULL ELSE w.settled_by END,
            CASE t.kind WHEN 3 THEN w.cancelled_us + t.bounds WHEN 4 THEN w.cancelled_us - t.bounds
                ELSE w.cancelled_us END
        FROM walked w JOIN told t USING (fixture_id, market_id) WHERE t.step = w.step + 1
    ),
    last AS (
        SELECT DISTINCT ON (fixture_id, market_id) * FROM walked ORDER BY fixture_id, market_id, step DESC
    )
"""

RECOMPUTED: Final = (
    Check(
        "Every bet is what the results make of it",
        "SELECT count(*) FROM bets.bet",
        """
        SELECT format('bet %s is %s with %s (settlement %s with %s, cancelled %s), its results make it %s with %s (%s '
            'with %s, %s)', b.bet_id, b.status, b.return_minor, b.result_status, b.result_return_minor, b.is_cancelled,
            e.status, e.return_minor, e.result_status, e.result_return_minor, e.is_cancelled)
        FROM bets.bet b LEFT JOIN expected e USING (bet_id)
        WHERE (b.status, b.return_minor, b.result_status, b.result_return_minor, b.is_cancelled) IS DISTINCT FROM
            (e.status::smallint, e.return_minor::bigint, e.result_status::smallint, e.result_return_minor::bigint,
            e.is_cancelled)
        UNION ALL
        SELECT format('bet %s returned %s of at most %s', bet_id, return_minor, potential_return_minor)
        FROM bets.bet WHERE return_minor > potential_return_minor
        """,
        (_STANDING, _FACTORS, _ODDS, _EXPECTED),
    ),
    Check(
        "Every market stands as its results say, and each result is applied",
        "SELECT count(*) FROM bets.settlement",
        """
        SELECT format('market %s %s is settled by %s and void for %s, its results say %s and %s',
            coalesce(m.fixture_id, l.fixture_id), coalesce(m.market_id, l.market_id), m.settled_by, m.cancelled_us,
            l.settled_by, l.cancelled_us)
        FROM bets.market m FULL JOIN last l USING (fixture_id, market_id)
        WHERE m.fixture_id IS NULL OR l.fixture_id IS NULL
            OR (m.settled_by, m.cancelled_us) IS DISTINCT FROM (l.settled_by, l.cancelled_us)
        UNION ALL
        SELECT format('result %s was begun %s s ago and is not applied', s.result_key,
            (ledger.now_us() - s.begun_time_us) / 1000000)
        FROM bets.settlement s
        WHERE NOT s.is_complete AND s.begun_time_us < ledger.now_us() - 60000000
            AND NOT EXISTS (
                SELECT FROM bets.parked_result p WHERE p.fixture_id = s.fixture_id AND p.state IN ('held', 'due')
            )
        UNION ALL
        SELECT format('result %s is of %s, complete %s, at %s', result_key, begun_time_us, is_complete,
            completed_time_us)
        FROM bets.settlement
        WHERE is_complete <> (completed_time_us IS NOT NULL) OR completed_time_us < begun_time_us
            OR begun_time_us > ledger.now_us()
            OR (result ->> 'market_id', (result ->> 'kind')::smallint) IS DISTINCT FROM (market_id, kind)
        """,
        (_MARKETS,),
    ),
)
