-- What a new result is beside the standing word of other feeds: 'new', 'said' before, or that it 'contradicts'.
CREATE OR REPLACE FUNCTION bets.compare_words(
    p_provider_id text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_window int8multirange := bets.window_in(p_result);
    v_settled jsonb;
    v_cancelled int8multirange;
BEGIN
    SELECT s.result INTO v_settled FROM bets.market m JOIN bets.settlement s ON s.result_key = m.settled_by
    WHERE m.fixture_id = p_fixture_id AND m.market_id = p_market_id AND bets.feed_of(s.provider_id) <> bets.feed_of(p_provider_id);
    -- What others cancelled, less what was rolled back since.
    SELECT coalesce(range_agg(others.bounds), '{}') INTO v_cancelled FROM (
        SELECT bets.window_in(c.result) - coalesce((
            SELECT range_agg(bets.window_in(u.result)) FROM bets.settlement u
            WHERE u.fixture_id = c.fixture_id AND u.market_id = c.market_id AND u.kind = 4
                AND u.begun_time_us >= c.begun_time_us
        ), '{}') AS bounds
        FROM bets.settlement c
        WHERE c.fixture_id = p_fixture_id AND c.market_id = p_market_id AND c.kind = 3 AND NOT c.is_echo
            AND bets.feed_of(c.provider_id) <> bets.feed_of(p_provider_id)
    ) AS others;
    RETURN CASE
        WHEN p_kind = 1 AND v_settled IS NOT NULL THEN
            CASE WHEN bets.is_said_by(p_result, v_settled) THEN 'said' ELSE 'contradicts' END
        WHEN p_kind = 1 AND upper_inf(v_cancelled) THEN 'contradicts'
        WHEN p_kind IN (2, 3) AND v_settled IS NOT NULL THEN 'contradicts'
        WHEN p_kind = 3 AND v_cancelled @> v_window AND NOT isempty(v_window) THEN 'said'
        WHEN p_kind = 3 AND NOT isempty(v_cancelled) THEN 'contradicts'
        WHEN p_kind = 4 AND v_cancelled && v_window THEN 'contradicts'
        ELSE 'new'
    END;
END
$$;
