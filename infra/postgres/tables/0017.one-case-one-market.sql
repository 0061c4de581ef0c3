-- depends: 0016.strangers-close-nothing

-- While providers contradict each other about a market and nobody has decided it, whatever else would change it waits for
-- that decision too, whoever says it.
ALTER FUNCTION bets.compare_result(text, text, text, smallint, jsonb) RENAME TO compare_words;
CREATE FUNCTION bets.compare_result(
    p_provider_id text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN w.words = 'new' AND EXISTS (
            SELECT FROM bets.parked_result p WHERE p.fixture_id = p_fixture_id AND p.market_id = p_market_id
                AND p.state = 'held' AND p.reason = 'RESULT_CONTRADICTS'
        ) THEN 'contradicts'
        ELSE w.words
    END
    FROM (SELECT bets.compare_words(p_provider_id, p_fixture_id, p_market_id, p_kind, p_result) AS words) AS w
$$;
