-- Bets on a market share this lock; a result takes it alone. So no bet slips in behind the page that settles it.
CREATE OR REPLACE FUNCTION bets.market_lock_key(p_fixture_id text, p_market_id text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('bets.market:' || p_fixture_id || chr(31) || p_market_id, 0)
$$;
