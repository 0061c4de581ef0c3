-- depends: 0005.settlement

-- When bets on a market are void, in microseconds since the Unix epoch: what cancellations named, less what their
-- rollbacks did. A bet is looked at with the time it is placed at, when it is taken as when a cancellation comes.
ALTER TABLE bets.market ADD COLUMN cancelled_us int8multirange NOT NULL DEFAULT '{}';

-- Bets placed from a time on and before another; zero for no bound.
CREATE FUNCTION bets.window_of(p_start_us bigint, p_end_us bigint) RETURNS int8multirange
LANGUAGE sql IMMUTABLE AS $$
    SELECT int8multirange(int8range(nullif(p_start_us, 0), nullif(p_end_us, 0)))
$$;

DO $$
DECLARE
    v_row record;
BEGIN
    FOR v_row IN
        SELECT s.fixture_id, s.market_id, s.kind, bets.window_of(
            coalesce((s.result ->> 'window_start_ms')::bigint, 0) * 1000,
            coalesce((s.result ->> 'window_end_ms')::bigint, 0) * 1000) AS bounds
        FROM bets.settlement s WHERE s.kind IN (3, 4) ORDER BY s.begun_time_us, s.result_key
    LOOP
        UPDATE bets.market m SET cancelled_us = CASE v_row.kind
            WHEN 3 THEN m.cancelled_us + v_row.bounds ELSE m.cancelled_us - v_row.bounds END
        WHERE m.fixture_id = v_row.fixture_id AND m.market_id = v_row.market_id;
    END LOOP;
END
$$;

ALTER TABLE bets.market DROP COLUMN is_cancelled;
ALTER TABLE bets.market ADD COLUMN is_cancelled boolean NOT NULL GENERATED ALWAYS AS (upper_inf(cancelled_us)) STORED;

-- Whether a bet placed on a market at a time would be too late: it is settled, or such bets are void. Ask under the
-- market's lock.
CREATE FUNCTION bets.market_is_closed(p_fixture_id text, p_market_id text, p_at_us bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM bets.market m WHERE m.fixture_id = p_fixture_id AND m.market_id = p_market_id
            AND (m.is_settled OR m.cancelled_us @> p_at_us)
    )
$$;

DROP FUNCTION bets.open_settlement(text, text, text, smallint, jsonb, bigint);

-- Begin a result, or go on with it: alone on its market, whose standing it sets, until the transaction ends.
CREATE FUNCTION bets.open_settlement(
    p_result_key text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb, p_window_start_us bigint,
    p_window_end_us bigint
) RETURNS TABLE (is_same boolean, is_complete boolean, last_bet_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_window int8multirange := bets.window_of(p_window_start_us, p_window_end_us);
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(p_fixture_id, p_market_id));
    INSERT INTO bets.settlement AS s (result_key, fixture_id, market_id, kind, result)
    VALUES (p_result_key, p_fixture_id, p_market_id, p_kind, p_result) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO bets.market AS m (fixture_id, market_id, is_settled, cancelled_us)
        VALUES (p_fixture_id, p_market_id, p_kind = 1, CASE p_kind WHEN 3 THEN v_window ELSE '{}' END)
        ON CONFLICT (fixture_id, market_id) DO UPDATE SET
            is_settled = CASE p_kind WHEN 1 THEN true WHEN 2 THEN false ELSE m.is_settled END,
            cancelled_us = CASE p_kind
                WHEN 3 THEN m.cancelled_us + v_window WHEN 4 THEN m.cancelled_us - v_window ELSE m.cancelled_us END;
    END IF;
    RETURN QUERY SELECT s.result = p_result AND s.fixture_id = p_fixture_id AND s.kind = p_kind, s.is_complete,
        s.last_bet_id FROM bets.settlement s WHERE s.result_key = p_result_key FOR UPDATE;
END
$$;
