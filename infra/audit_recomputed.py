"""What results, legs and odds make of every bet and market, worked out anew in SQL and integers.

Nothing here calls a function of the ledger, nor reads what a settlement wrote of a bet: from the results as they were
told, in their order, it says what each bet must be, and complains about any that is something else.
"""

from __future__ import annotations

from typing import Final

from infra.audit_check import Check

LINES: Final = """
    line AS (
        SELECT b.bet_id, l.place, l.mask, b.stake_minor / cardinality(b.lines) AS stake_minor
        FROM bets.bet b, unnest(b.lines) WITH ORDINALITY AS l (mask, place)
    )
"""
"""The lines of every bet, each with its share of the stake."""

# Results that had their say on a leg: not echoes of other providers, only as far as their pages came, and none that a
# bet was left out of. The latest settlement or its rollback stands, and so does the latest cancellation or its rollback
# whose window holds the bet. Those of before a bet was placed were taken back by then: they may be kept of it, as those
# of pages are that came behind it, or not.
_STANDING: Final = """
    word AS (
        SELECT b.bet_id, l.leg, s.kind, s.result, s.result_key, b.placed_time_us > s.begun_time_us AS is_before_bet,
            row_number() OVER (
                PARTITION BY b.bet_id, l.leg, s.kind <= 2 ORDER BY s.begun_time_us DESC, s.result_key DESC
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
        SELECT b.bet_id, l.leg, b.placed_time_us, l.outcome_id, l.decimal_odds_milli, settled.result,
            coalesce(cancelled.kind = 3, false) AS is_cancelled
        FROM bets.bet b JOIN bets.leg l USING (bet_id)
        LEFT JOIN word settled ON (settled.bet_id, settled.leg) = (l.bet_id, l.leg)
            AND settled.kind = 1 AND settled.place = 1
        LEFT JOIN word cancelled ON (cancelled.bet_id, cancelled.leg) = (l.bet_id, l.leg)
            AND cancelled.kind >= 3 AND cancelled.place = 1
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
        SELECT s.bet_id, s.leg, 1000000 - (r ->> 'deduction_micro')::numeric AS kept_micro,
            (r ->> 'is_off_winnings_only')::boolean AS is_off_winnings,
            row_number() OVER (PARTITION BY s.bet_id, s.leg ORDER BY place) AS step
        FROM standing s, jsonb_array_elements(s.result -> 'reductions') WITH ORDINALITY AS told (r, place)
        WHERE s.placed_time_us < (r ->> 'before_ms')::bigint * 1000
    ),
    reduced (bet_id, leg, step, odds, odds_of) AS (
        SELECT bet_id, leg, 0::bigint, decimal_odds_milli::numeric, 1000::numeric FROM standing WHERE result IS NOT NULL
        UNION ALL
        SELECT o.bet_id, o.leg, r.step, greatest(
            CASE WHEN r.is_off_winnings THEN o.odds_of * 1000000 + (o.odds - o.odds_of) * r.kept_micro
                ELSE o.odds * r.kept_micro END,
            o.odds_of * 1000000), o.odds_of * 1000000
        FROM reduced o JOIN reduction r ON (r.bet_id, r.leg, r.step) = (o.bet_id, o.leg, o.step + 1)
    ),
    odds AS (SELECT DISTINCT ON (bet_id, leg) bet_id, leg, odds, odds_of FROM reduced ORDER BY bet_id, leg, step DESC)
"""
# What a leg is worth is a fraction, null while it is open: one if it is void, nothing if it has lost. A line is its
# stake times those of its legs, leg by leg, rounded down at the end; while that depends on an open leg, it is open.
_EXPECTED: Final = """
    worth AS (
        SELECT s.bet_id, s.leg, s.is_cancelled, s.is_cancelled OR coalesce(void.micro = 1000000, false) AS is_void,
            CASE WHEN s.is_cancelled THEN 1 ELSE void.part * win.parts * odds.odds_of * tied.parts
                + (void.parts - void.part) * win.part * odds.odds * tied.part END AS part,
            CASE WHEN s.is_cancelled THEN 1 ELSE void.parts * win.parts * odds.odds_of * tied.parts END AS parts
        FROM standing s LEFT JOIN odds USING (bet_id, leg)
        LEFT JOIN LATERAL (
            SELECT o FROM jsonb_array_elements(s.result -> 'outcomes') AS o
            WHERE o ->> 'outcome_id' = s.outcome_id
        ) AS told ON true
        LEFT JOIN factor void ON void.micro = (told.o ->> 'void_factor_micro')::bigint
        LEFT JOIN factor win ON win.micro = (told.o ->> 'win_factor_micro')::bigint
        LEFT JOIN factor tied ON tied.micro = (told.o ->> 'dead_heat_factor_micro')::bigint
    ),
    paid (bet_id, place, mask, leg, minor, minor_of, is_open) AS (
        SELECT bet_id, place, mask, -1, stake_minor::numeric, 1::numeric, false FROM line
        UNION ALL
        SELECT p.bet_id, p.place, p.mask, w.leg::integer,
            p.minor * CASE p.mask >> w.leg & 1 WHEN 1 THEN coalesce(w.part, 1) ELSE 1 END,
            p.minor_of * CASE p.mask >> w.leg & 1 WHEN 1 THEN coalesce(w.parts, 1) ELSE 1 END,
            p.is_open OR (p.mask >> w.leg & 1 = 1 AND w.part IS NULL)
        FROM paid p JOIN worth w ON (w.bet_id, w.leg::integer) = (p.bet_id, p.leg + 1)
    ),
    returned AS (
        SELECT bet_id, sum(div(minor, minor_of)) AS minor, bool_or(is_open AND minor > 0) AS is_open
        FROM (SELECT DISTINCT ON (bet_id, place) * FROM paid ORDER BY bet_id, place, leg DESC) AS whole
        GROUP BY bet_id
    ),
    expected AS (
        SELECT b.bet_id, all_legs.are_cancelled AS is_cancelled, CASE
                WHEN all_legs.are_cancelled THEN 3
                WHEN r.is_open THEN 1
                WHEN all_legs.are_void THEN 3
                ELSE 2
            END AS status,
            CASE WHEN all_legs.are_cancelled THEN b.stake_minor WHEN r.is_open THEN 0 ELSE r.minor END AS return_minor
        FROM bets.bet b JOIN returned r USING (bet_id) JOIN (
            SELECT bet_id, bool_and(is_cancelled) AS are_cancelled, bool_and(is_void) AS are_void
            FROM worth GROUP BY bet_id
        ) AS all_legs USING (bet_id)
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
        SELECT format('bet %s is %s with %s (cancelled %s), its results make it %s with %s (%s)', b.bet_id, b.status,
            b.return_minor, b.is_cancelled, e.status, e.return_minor, e.is_cancelled)
        FROM bets.bet b LEFT JOIN expected e USING (bet_id)
        WHERE (b.status, b.return_minor, b.is_cancelled) IS DISTINCT FROM
            (e.status::smallint, e.return_minor::bigint, e.is_cancelled)
        UNION ALL
        SELECT format('bet %s returned %s of at most %s', bet_id, return_minor, potential_return_minor)
        FROM bets.bet WHERE return_minor > potential_return_minor
        """,
        (LINES, _STANDING, _FACTORS, _ODDS, _EXPECTED),
    ),
    Check(
        "Each leg has the results that had their say on it, in order",
        "SELECT count(*) FROM bets.leg_result",
        """
        SELECT format('result %s (%s) of leg %s of bet %s is kept as %s', coalesce(w.result_key, r.result_key), w.kind,
            coalesce(w.leg, r.leg), coalesce(w.bet_id, r.bet_id), r.kind)
        FROM word w FULL JOIN bets.leg_result r USING (bet_id, leg, result_key)
        WHERE w.kind IS DISTINCT FROM r.kind AND NOT (coalesce(w.is_before_bet, false) AND r.kind IS NULL)
        UNION ALL
        SELECT format('results of leg %s of bet %s are numbered %s', leg, bet_id, array_agg(sequence ORDER BY sequence))
        FROM bets.leg_result GROUP BY bet_id, leg
        HAVING (min(sequence), max(sequence), count(DISTINCT result_key)) <> (0, count(*) - 1, count(*))
        UNION ALL
        SELECT format('on leg %s of bet %s result %s stands where a later one should', leg, bet_id, result_key)
        FROM (
            SELECT r.*, w.place, lead(w.place, 1, 0::bigint) OVER (
                PARTITION BY bet_id, leg, r.kind <= 2 ORDER BY r.sequence
            ) AS next_place
            FROM word w JOIN bets.leg_result r USING (bet_id, leg, result_key)
        ) AS kept
        WHERE next_place >= place OR (next_place = 0 AND place <> 1)
        """,
        (_STANDING,),
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
