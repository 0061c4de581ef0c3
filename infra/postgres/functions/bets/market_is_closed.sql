-- Whether a bet placed on a market at a time would be too late: it is settled, such bets are void, or a result waits
-- that may say so. The result of a provider that never quoted the fixture says nothing: it waits for a person, and
-- changes nothing else. Ask under the market's lock. One row, so that it is part of the query that asks and planned
-- with it.
CREATE OR REPLACE FUNCTION bets.market_is_closed(p_fixture_id text, p_market_id text, p_at_us bigint)
RETURNS TABLE (is_closed boolean) LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM bets.market m WHERE m.fixture_id = p_fixture_id AND m.market_id = p_market_id
            AND (m.settled_by IS NOT NULL OR m.cancelled_us @> p_at_us)
    ) OR EXISTS (
        SELECT FROM bets.parked_result p WHERE p.fixture_id = p_fixture_id AND p.market_id = p_market_id
            AND p.kind IN (1, 3) AND p.state IN ('held', 'due')
            AND NOT (p.reason = 'RESULT_REFERRED' AND p.detail = 'FIXTURE_NOT_QUOTED')
    )
$$;
