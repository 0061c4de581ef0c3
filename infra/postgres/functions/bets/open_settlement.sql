-- Begin a result, or go on with it: alone on its market, whose standing it sets, until the transaction ends. The
-- verdict is 'go', or why nothing may be done: it was 'complete' or dropped before, 'changed' since it came first, it
-- 'contradicts' another provider, or it 'waits' behind a result of its fixture. One that has left the queue does not
-- wait, and one that a person decided contradicts nobody.
CREATE OR REPLACE FUNCTION bets.open_settlement(
    p_result_key text, p_provider_id text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb,
    p_digest bytea, p_has_left_queue boolean, p_is_decided boolean
) RETURNS TABLE (verdict text, last_bet_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_window int8multirange := bets.window_in(p_result);
    v_standing bets.settlement;
    v_comparison text;
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(p_fixture_id, p_market_id));
    SELECT * INTO v_standing FROM bets.settlement s WHERE s.result_key = p_result_key FOR UPDATE;
    IF v_standing.digest <> p_digest OR v_standing.fixture_id <> p_fixture_id THEN
        RETURN QUERY SELECT 'changed', NULL::uuid;
        RETURN;
    ELSIF v_standing.is_complete OR EXISTS (
        SELECT FROM bets.parked_result p WHERE p.result_key = p_result_key AND p.state = 'dropped'
    ) THEN
        RETURN QUERY SELECT 'complete', NULL::uuid;
        RETURN;
    ELSIF NOT p_has_left_queue AND EXISTS (
        SELECT FROM bets.parked_result p WHERE p.fixture_id = p_fixture_id AND p.state IN ('held', 'due')
            AND (p.holds_queue OR p.result_key = p_result_key)
    ) THEN
        RETURN QUERY SELECT 'waits', NULL::uuid;
        RETURN;
    ELSIF v_standing.result_key IS NOT NULL THEN
        RETURN QUERY SELECT 'go', v_standing.last_bet_id;
        RETURN;
    END IF;
    v_comparison := CASE WHEN p_is_decided THEN 'new'
        ELSE bets.compare_result(p_provider_id, p_fixture_id, p_market_id, p_kind, p_result) END;
    IF v_comparison = 'contradicts' THEN
        RETURN QUERY SELECT v_comparison, NULL::uuid;
        RETURN;
    END IF;
    INSERT INTO bets.settlement AS s (
        result_key, provider_id, fixture_id, market_id, kind, result, digest, is_echo, is_complete,
        completed_time_us
    ) VALUES (
        p_result_key, p_provider_id, p_fixture_id, p_market_id, p_kind, p_result, p_digest, v_comparison = 'said',
        v_comparison = 'said', CASE v_comparison WHEN 'said' THEN ledger.now_us() END
    ) RETURNING * INTO v_standing;
    IF v_comparison = 'said' THEN
        RETURN QUERY SELECT 'complete', NULL::uuid;
        RETURN;
    END IF;
    INSERT INTO bets.market AS m (fixture_id, market_id, settled_by, cancelled_us)
    VALUES (
        p_fixture_id, p_market_id, CASE p_kind WHEN 1 THEN p_result_key END,
        CASE p_kind WHEN 3 THEN v_window ELSE '{}' END
    )
    ON CONFLICT (fixture_id, market_id) DO UPDATE SET
        settled_by = CASE p_kind WHEN 1 THEN p_result_key WHEN 2 THEN NULL ELSE m.settled_by END,
        cancelled_us = CASE p_kind
            WHEN 3 THEN m.cancelled_us + v_window WHEN 4 THEN m.cancelled_us - v_window ELSE m.cancelled_us END;
    RETURN QUERY SELECT 'go', v_standing.last_bet_id;
END
$$;
